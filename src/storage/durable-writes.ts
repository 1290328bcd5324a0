// Writes that are durable when they return. Past the system's cache of the file (`O_DIRECT`) where that can be: a short
// record that goes through the cache is copied to a page, which the flush then has to send on its way and wait for;
// past it, one call does both (`O_DSYNC`), and a write to three voters takes a tenth less processor time. Such writes
// are of whole blocks, from memory that begins with a page, so the block that a record ends in is kept, and written
// again with the next one, as the cache does.
//
// Not everything can do that: another system, a file system without it, a /proc that is not mounted, memory that lies
// elsewhere. There it goes through the cache.

import { closeSync, constants, fdatasyncSync, openSync, readSync, writeSync } from 'node:fs'

/** A whole number of the blocks of any disk. */
const blockBytes = 4096

/**
 * What is longer goes through the cache, which costs it little. Larger: more memory for each file that is written to
 * so.
 */
const maxDirectBytes = 128 * 1024

export class DurableWrites {
  readonly #fd: number
  readonly #openPastCache: (fd: number) => number | undefined
  /** Null before the first write; undefined where it cannot be. */
  #direct: DirectFile | undefined | null = null

  /**
   * `fd`: of the file, open for reading and writing; its owner closes it, behind this. `openPastCache` opens the same
   * file; undefined: it cannot.
   */
  constructor(fd: number, openPastCache = openDirectly) {
    this.#fd = fd
    this.#openPastCache = openPastCache
  }

  /** Writes all of `bytes`, durably. What the file holds behind them, in their last block, becomes zeros. */
  write(bytes: Uint8Array, position: number): void {
    if (this.#direct === null) this.#direct = this.#open()
    if (bytes.length <= maxDirectBytes && this.#direct?.write(bytes, position)) return
    writeAll(this.#fd, bytes, position)
    fdatasyncSync(this.#fd)
  }

  #open(): DirectFile | undefined {
    const fd = this.#openPastCache(this.#fd)
    return fd === undefined ? undefined : new DirectFile(fd, this.#fd)
  }

  close(): void {
    this.#direct?.close()
    this.#direct = undefined
  }
}

function openDirectly(fd: number): number | undefined {
  // Others have the flag, but no name for a file that is open.
  if (process.platform !== 'linux') return undefined
  try {
    // The same file, whatever has become of its own name since.
    return openSync(`/proc/self/fd/${fd}`, constants.O_RDWR | constants.O_DIRECT | constants.O_DSYNC)
  } catch (error) {
    if (isOfSystem(error)) return undefined
    throw error
  }
}

/** A file that is written to past the cache. */
class DirectFile {
  readonly #fd: number
  readonly #cached: number
  /** From its start the block that `#end` is in, as far as that. */
  readonly #memory = wholePages(maxDirectBytes + 2 * blockBytes)
  /** Behind what was written last. */
  #end = 0
  #isRefused = false

  /** `cached`: the same file, through the cache. */
  constructor(fd: number, cached: number) {
    this.#fd = fd
    this.#cached = cached
  }

  /** False: the system refuses, now and later, and some of it may be written. */
  write(bytes: Uint8Array, position: number): boolean {
    if (this.#isRefused) return false
    const memory = this.#memory
    const head = position % blockBytes
    if (head > 0 && position !== this.#end) readSync(this.#cached, memory, 0, head, position - head)
    memory.set(bytes, head)
    const end = head + bytes.length
    const whole = Math.ceil(end / blockBytes) * blockBytes
    memory.fill(0, end, whole)
    try {
      writeAll(this.#fd, memory.subarray(0, whole), position - head)
    } catch (error) {
      if (!isOfSystem(error) || error.code !== 'EINVAL') throw error
      this.#isRefused = true
      return false
    }
    memory.copyWithin(0, end - (end % blockBytes), end)
    this.#end = position + bytes.length
    return true
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** The only memory of which it is known that it begins with a page is one that could be resized. */
function wholePages(bytes: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(bytes, { maxByteLength: bytes }), 0, bytes)
}

function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  let done = 0
  while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done, position + done)
}

function isOfSystem(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'errno' in error
}
