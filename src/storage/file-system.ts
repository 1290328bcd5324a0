// The few calls by which storage touches a disk, as a port, so that tests can crash between any two of them. What it
// promises is what POSIX promises: content is durable after `sync`, a name after `syncDirectory`, `rename` and `link`
// are atomic. Errors are Node's own (`code` is the errno); `disk-error.ts` turns them into ours.

import { constants } from 'node:fs'
import * as node from 'node:fs/promises'
import { dirname } from 'node:path'
import { DurableWrites } from './durable-writes.ts'

/** Files and folders of a node are for its user only: the key and the secret are among them. */
const fileMode = 0o600
const directoryMode = 0o700

/** The most that one read asks for: the kernel gives at most 2 GiB at once. */
const readPieceBytes = 64 * 1024 * 1024

/** `read`: must exist. `update`: must exist, for reading and writing. `replace`: made, or emptied if it is there. */
export type OpenMode = 'read' | 'update' | 'replace'

export interface OpenFile {
  size(): Promise<number>
  /** Fills `into` from `position` on as far as the file reaches; resolves to the number of bytes. */
  read(into: Uint8Array, position: number): Promise<number>
  /** Writes all of `bytes`. Not durable before `sync`. */
  write(bytes: Uint8Array, position: number): Promise<void>
  truncate(size: number): Promise<void>
  /** Content and size survive a crash from now on. */
  sync(): Promise<void>
  /**
   * Writes all of `bytes` and makes them durable, as `write` and `sync` do, before it returns: the event loop stands
   * still meanwhile. For the end of a file: what is behind `bytes` in their block becomes zeros.
   */
  writeDurably(bytes: Uint8Array, position: number): void
  close(): Promise<void>
}

export interface FileSystem {
  open(path: string, mode: OpenMode): Promise<OpenFile>
  /** A second name for a file; `EEXIST` when there is one of that name. */
  link(from: string, to: string): Promise<void>
  /** Replaces `to` at once, if it is there. */
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Names in a folder, in no order. */
  list(path: string): Promise<readonly string[]>
  /** Makes a folder and those above it, durably; does nothing when it is there. */
  makeDirectory(path: string): Promise<void>
  /** Names made and removed in a folder survive a crash from now on. */
  syncDirectory(path: string): Promise<void>
}

const flags: Record<OpenMode, number> = {
  read: constants.O_RDONLY,
  update: constants.O_RDWR,
  replace: constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC,
}

/** The real one. */
export const nodeFileSystem: FileSystem = {
  async open(path, mode) {
    const handle = await node.open(path, flags[mode], fileMode)
    const durable = new DurableWrites(handle.fd)
    return {
      size: async () => (await handle.stat()).size,
      read: (into, position) => readFully(handle, into, position),
      write: (bytes, position) => writeFully(handle, bytes, position),
      truncate: (size) => handle.truncate(size),
      sync: () => handle.datasync(),
      writeDurably: (bytes, position) => durable.write(bytes, position),
      async close() {
        durable.close()
        await handle.close()
      },
    }
  },
  link: node.link,
  rename: node.rename,
  remove: node.unlink,
  list: (path) => node.readdir(path),
  makeDirectory,
  async syncDirectory(path) {
    // Windows cannot open a folder; there a rename is durable with the journal.
    if (process.platform === 'win32') return
    const handle = await node.open(path, constants.O_RDONLY)
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
}

/** Level by level: Node's own `recursive` never returns where the system answers ENOENT for ever, as below /proc. */
async function makeDirectory(path: string): Promise<void> {
  if (await isDirectory(path)) return
  const above = dirname(path)
  if (above !== path) await makeDirectory(above)
  try {
    await node.mkdir(path, directoryMode)
  } catch (error) {
    // Another process made it meanwhile; a file in its place stays an error.
    if (errnoOf(error) !== 'EEXIST' || !(await isDirectory(path))) throw error
  }
  await nodeFileSystem.syncDirectory(above)
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await node.stat(path)).isDirectory()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw error
  }
}

async function readFully(handle: node.FileHandle, into: Uint8Array, position: number): Promise<number> {
  let done = 0
  while (done < into.length) {
    const wanted = Math.min(into.length - done, readPieceBytes)
    const { bytesRead } = await handle.read(into, done, wanted, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return done
}

async function writeFully(handle: node.FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

/**
 * Makes `path` hold exactly `bytes`, durably: after a crash it holds either those or what it held before. A temporary
 * file that an earlier crash left behind is overwritten.
 */
export async function replaceFile(fs: FileSystem, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`
  const file = await fs.open(temporary, 'replace')
  try {
    await file.write(bytes, 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await fs.rename(temporary, path)
  await fs.syncDirectory(dirname(path))
}

/** All of a file; undefined when there is none. */
export async function readFile(fs: FileSystem, path: string): Promise<Buffer | undefined> {
  const file = await openIfThere(fs, path, 'read')
  if (file === undefined) return undefined
  try {
    return await readAll(file)
  } finally {
    await file.close()
  }
}

export async function readAll(file: OpenFile): Promise<Buffer> {
  const bytes = Buffer.alloc(await file.size())
  return bytes.subarray(0, await file.read(bytes, 0))
}

export async function exists(fs: FileSystem, path: string): Promise<boolean> {
  const file = await openIfThere(fs, path, 'read')
  await file?.close()
  return file !== undefined
}

/** Undefined when there is no such file. */
export async function openIfThere(fs: FileSystem, path: string, mode: OpenMode): Promise<OpenFile | undefined> {
  try {
    return await fs.open(path, mode)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** The system's name for what went wrong, such as `ENOENT`; undefined when it was not the system. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
