// A disk whose process can be killed, and whose power can fail, between and within any two calls. It keeps what it was
// told beside what is durable; at a power loss each 512-byte sector that was not synced survives or not, a file's size
// likewise, and of the names made since the last `syncDirectory` the first few, in order, as a journal keeps them. One
// folder is enough, so paths are just names.

import type { FileSystem, OpenFile } from '../../../src/storage/file-system.ts'

interface Inode {
  current: Buffer
  durable: Buffer
}

type Names = Map<string, Inode>

export class PowerLoss extends Error {}

/** A float in [0, 1) from a seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

function isLock(name: string): boolean {
  return name.includes('/lock.')
}

export class SimulatedDisk implements FileSystem {
  calls = 0
  readonly #random: () => number
  /** The power fails at this call. */
  readonly #lastCall: number
  #names: Names
  #durableNames: Names
  #journal: ((names: Names) => void)[] = []

  constructor(random: () => number, lastCall = Number.POSITIVE_INFINITY, names: Names = new Map()) {
    this.#random = random
    this.#lastCall = lastCall
    this.#names = new Map(names)
    this.#durableNames = new Map(names)
  }

  /** What the next start finds, with power for `lastCall` calls. Locks go with the process, so they are left out. */
  afterPowerLoss(lastCall?: number): SimulatedDisk {
    const names = new Map(this.#durableNames)
    const kept = Math.floor(this.#random() * (this.#journal.length + 1))
    for (const change of this.#journal.slice(0, kept)) change(names)
    const found: Names = new Map()
    for (const [name, inode] of names) {
      if (isLock(name)) continue
      const content = this.#survivor(inode)
      found.set(name, { current: content, durable: Buffer.from(content) })
    }
    return new SimulatedDisk(this.#random, lastCall, found)
  }

  /** What the next process finds when only the process was killed: all it wrote, durable or not. */
  afterKill(lastCall?: number): SimulatedDisk {
    const next = new SimulatedDisk(this.#random, lastCall)
    for (const [name, inode] of this.#names) if (!isLock(name)) next.#names.set(name, inode)
    next.#durableNames = new Map(this.#durableNames)
    next.#journal = this.#journal
    return next
  }

  /** One or the other. */
  afterCrash(lastCall?: number): SimulatedDisk {
    return this.#random() < 0.5 ? this.afterKill(lastCall) : this.afterPowerLoss(lastCall)
  }

  #survivor({ current, durable }: Inode): Buffer {
    const size = this.#random() < 0.5 ? current.length : durable.length
    const content = Buffer.alloc(size)
    durable.copy(content)
    for (let at = 0; at < size; at += 512) {
      if (this.#random() < 0.5) continue
      content.fill(0, at, Math.min(at + 512, size))
      if (at < current.length) current.copy(content, at, at, at + 512)
    }
    return content
  }

  /** Runs one call; the one at which the power fails may still have its effect. */
  async #call<Result>(work: () => Result): Promise<Result> {
    return this.#blockingCall(work)
  }

  #blockingCall<Result>(work: () => Result): Result {
    this.calls++
    if (this.calls < this.#lastCall) return work()
    if (this.calls === this.#lastCall && this.#random() < 0.5) work()
    throw new PowerLoss(`at call ${this.calls}`)
  }

  #rename(change: (names: Names) => void): void {
    change(this.#names)
    this.#journal.push(change)
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path)
    if (inode === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
    return inode
  }

  open(path: string, mode: 'read' | 'update' | 'replace'): Promise<OpenFile> {
    return this.#call(() => {
      if (mode === 'replace') this.#empty(path)
      return this.#handle(this.#inode(path))
    })
  }

  #empty(path: string): void {
    const there = this.#names.get(path)
    if (there !== undefined) {
      there.current = Buffer.alloc(0)
      return
    }
    const inode = { current: Buffer.alloc(0), durable: Buffer.alloc(0) }
    this.#rename((names) => names.set(path, inode))
  }

  #handle(inode: Inode): OpenFile {
    const write = (bytes: Uint8Array, position: number): void => {
      const grown = Buffer.alloc(Math.max(inode.current.length, position + bytes.length))
      inode.current.copy(grown)
      grown.set(bytes, position)
      inode.current = grown
    }
    const sync = (): void => {
      inode.durable = Buffer.from(inode.current)
    }
    return {
      size: () => this.#call(() => inode.current.length),
      read: (into, position) => this.#call(() => inode.current.copy(into, 0, position)),
      write: (bytes, position) => this.#call(() => write(bytes, position)),
      truncate: (size) =>
        this.#call(() => {
          inode.current = Buffer.from(inode.current.subarray(0, size))
        }),
      sync: () => this.#call(sync),
      writeDurably: (bytes, position) => {
        this.#blockingCall(() => write(bytes, position))
        this.#blockingCall(sync)
      },
      close: async () => undefined,
    }
  }

  link(from: string, to: string): Promise<void> {
    return this.#call(() => {
      if (this.#names.has(to)) throw Object.assign(new Error(`EEXIST: ${to}`), { code: 'EEXIST' })
      const inode = this.#inode(from)
      this.#rename((names) => names.set(to, inode))
    })
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call(() => {
      const inode = this.#inode(from)
      this.#rename((names) => names.set(to, inode) && names.delete(from))
    })
  }

  remove(path: string): Promise<void> {
    return this.#call(() => {
      this.#inode(path)
      this.#rename((names) => names.delete(path))
    })
  }

  list(path: string): Promise<readonly string[]> {
    return this.#call(() => [...this.#names.keys()].map((name) => name.slice(path.length + 1)))
  }

  makeDirectory(): Promise<void> {
    return this.#call(() => undefined)
  }

  syncDirectory(): Promise<void> {
    return this.#call(() => {
      this.#durableNames = new Map(this.#names)
      this.#journal = []
    })
  }
}
