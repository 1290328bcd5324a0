// One snapshot as a file: what it is, and the state in pieces that carry a checksum each, so that any of it can be sent
// without reading all of it, and a transfer that broke off can go on.
//
//   file  = header block (`header-block.ts`, magic "TRELLSNP") | pieces
//   piece = bytes (64 KiB, the last one fewer) | crc u32, seeded with the piece's number

import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { corrupt, foreign } from './disk-error.ts'
import type { FileSystem, OpenFile } from './file-system.ts'
import { decodeHeaderBlock, encodeHeaderBlock, readHeaderBytes } from './header-block.ts'
import { isVoterList, parsePosition, recordOf } from './shape.ts'
import type { SnapshotPlace, StoredSnapshot } from './snapshot-store.ts'

const magic = 'TRELLSNP'
const format = 1

/** Small enough that reading one for a few bytes costs little. A guess. */
export const pieceBytes = 64 * 1024
const checksumBytes = 4
/** From one piece to the next. */
const strideBytes = pieceBytes + checksumBytes
/** So many are written at once: each write is a way to the thread pool and back. A guess. */
const batchPieces = 4
/** So many are read at once to check all. A guess. */
const readPieces = 16

/** The id of the state with this SHA-256 at this place. */
export function snapshotId({ index, term }: SnapshotPlace, digest: string): string {
  return `${index}.${term}.${digest}`
}

/** What a snapshot is before its bytes are known; its header has the length of the final one. */
export function unknownYet(place: SnapshotPlace): StoredSnapshot {
  return { ...place, id: snapshotId(place, '0'.repeat(64)), size: 0 }
}

export class SnapshotFile implements AsyncDisposable {
  readonly snapshot: StoredSnapshot
  readonly path: string
  readonly #file: OpenFile
  readonly #start: number
  /** Bytes of whole pieces that are written. */
  #written = 0
  /**
   * The pieces behind them as they will be written. One space for all: a new one for each batch would leave holes in
   * the memory of the process.
   */
  #batch: Buffer | undefined
  /** Bytes of the state in it. */
  #batched = 0

  private constructor(path: string, file: OpenFile, snapshot: StoredSnapshot, start: number) {
    this.path = path
    this.#file = file
    this.snapshot = snapshot
    this.#start = start
  }

  /** An empty one, to be filled. */
  static async create(fs: FileSystem, path: string, snapshot: StoredSnapshot, storeId: string): Promise<SnapshotFile> {
    const header = encodeHeader(snapshot, storeId)
    const file = await fs.open(path, 'replace')
    const created = new SnapshotFile(path, file, snapshot, header.length)
    await created.#orClose(() => file.write(header, 0))
    return created
  }

  /** Rejects with `ERR_LOG_CORRUPT` when its header is damaged, `ERR_DATA_FOREIGN` when it belongs to another log. */
  static async open(fs: FileSystem, path: string, storeId: string, mode: 'read' | 'update'): Promise<SnapshotFile> {
    const file = await fs.open(path, mode)
    try {
      const { snapshot, start } = decodeHeader(await readHeaderBytes(file), path, storeId)
      return new SnapshotFile(path, file, snapshot, start)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** How many bytes of the state were added, from its beginning on. */
  get added(): number {
    return this.#written + this.#batched
  }

  /**
   * Goes on behind the pieces that are whole: a crash leaves those behind that were not flushed, or not all of them.
   */
  async resume(): Promise<void> {
    const space = Buffer.allocUnsafeSlow(strideBytes)
    while (this.#written + pieceBytes <= this.snapshot.size) {
      const [piece] = await this.#pieces(this.#written / pieceBytes, 1, space)
      if (piece === undefined) return
      this.#written += pieceBytes
    }
  }

  /** Takes bytes, which are written with others that follow, or by `writeWhole` or `finish`. */
  async add(bytes: Uint8Array): Promise<void> {
    this.#batch ??= Buffer.allocUnsafeSlow(batchPieces * strideBytes)
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + pieceBytes - (this.#batched % pieceBytes))
      this.#batch.set(part, this.#batched + Math.floor(this.#batched / pieceBytes) * checksumBytes)
      this.#batched += part.length
      at += part.length
      if (this.#batched === batchPieces * pieceBytes) await this.writeWhole()
    }
  }

  /** Writes the pieces that are whole, so that they may survive a crash. */
  async writeWhole(): Promise<void> {
    const rest = this.#batched % pieceBytes
    const count = (this.#batched - rest) / pieceBytes
    if (count === 0) return
    await this.#writePieces(count, pieceBytes)
    const from = count * strideBytes
    this.#batch?.copyWithin(0, from, from + rest)
    this.#batched = rest
  }

  /** Writes what is left and flushes everything. `snapshot`: what it turned out to be. */
  async finish(snapshot: StoredSnapshot, storeId: string): Promise<void> {
    await this.writeWhole()
    if (this.#batched > 0) await this.#writePieces(1, this.#batched)
    this.#batched = 0
    this.#batch = undefined
    await this.#file.write(encodeHeader(snapshot, storeId), 0)
    await this.#file.sync()
  }

  /** The first of the batch, each with its checksum behind it. */
  async #writePieces(count: number, length: number): Promise<void> {
    const batch = this.#batch!
    const first = this.#written / pieceBytes
    const stride = length + checksumBytes
    for (let i = 0; i < count; i++) {
      const piece = batch.subarray(i * stride, i * stride + length)
      batch.writeUInt32LE(crc32(piece, first + i), i * stride + length)
    }
    await this.#file.write(batch.subarray(0, count * stride), this.#positionOf(first))
    this.#written += count * length
  }

  /** Bytes of a finished one. Rejects with `ERR_LOG_CORRUPT` when they are not those that were written. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const end = Math.min(offset + length, this.snapshot.size)
    if (end <= offset) return Buffer.alloc(0)
    const first = Math.floor(offset / pieceBytes)
    const count = Math.ceil(end / pieceBytes) - first
    const space = Buffer.allocUnsafeSlow(count * strideBytes)
    const pieces = await this.#pieces(first, count, space)
    if (pieces.length < count)
      throw corrupt(this.path, this.#positionOf(first + pieces.length), 'a piece has a wrong checksum')
    // Each goes to where the one before ends, over its checksum.
    for (const [at, piece] of pieces.entries()) space.set(piece, at * pieceBytes)
    const start = first * pieceBytes
    return space.subarray(offset - start, end - start)
  }

  /** Whether all bytes are there and are those that its id names. */
  async isWhole(): Promise<boolean> {
    const { snapshot } = this
    const total = Math.ceil(snapshot.size / pieceBytes)
    const hash = createHash('sha256')
    const space = Buffer.allocUnsafeSlow(Math.min(total, readPieces) * strideBytes)
    for (let first = 0; first < total; first += readPieces) {
      const count = Math.min(readPieces, total - first)
      const pieces = await this.#pieces(first, count, space)
      if (pieces.length < count) return false
      for (const piece of pieces) hash.update(piece)
    }
    return snapshotId(snapshot, hash.digest('hex')) === snapshot.id
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /**
   * `count` pieces from `first` on, by one read into `space`: those before the first that is cut short or has a wrong
   * checksum.
   */
  async #pieces(first: number, count: number, space: Buffer): Promise<Uint8Array[]> {
    const found = await this.#file.read(space.subarray(0, count * strideBytes), this.#positionOf(first))
    const sound: Uint8Array[] = []
    for (let at = 0; sound.length < count; at += strideBytes) {
      const number = first + sound.length
      const end = at + Math.min(pieceBytes, this.snapshot.size - number * pieceBytes)
      const piece = space.subarray(at, end)
      const isSound = end + checksumBytes <= found && space.readUInt32LE(end) === crc32(piece, number)
      if (!isSound) break
      sound.push(piece)
    }
    return sound
  }

  #positionOf(piece: number): number {
    return this.#start + piece * strideBytes
  }

  async #orClose(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      await this.#file.close()
      throw error
    }
  }
}

function encodeHeader(snapshot: StoredSnapshot, storeId: string): Buffer {
  const { index, term, configuration, id, size } = snapshot
  // As long for every size, so that the header can be replaced when all is written.
  const padded = String(size).padStart(16, '0')
  return encodeHeaderBlock(magic, format, { storeId, index, term, configuration, id, size: padded })
}

/** The snapshot that `header` announces, and where its pieces begin. */
function decodeHeader(
  header: Buffer,
  path: string,
  storeId: string,
): { readonly snapshot: StoredSnapshot; readonly start: number } {
  const { json, start } = decodeHeaderBlock(header, magic, format, path)
  const fields = recordOf(JSON.parse(json)) ?? {}
  const position = parsePosition(fields)
  const { voters, outgoing, learners } = recordOf(fields.configuration) ?? {}
  const { id } = fields
  const size = Number(fields.size)
  const isComplete = position !== undefined && typeof id === 'string' && Number.isSafeInteger(size)
  if (!isComplete || !isVoterList(voters) || !isVoterList(outgoing) || !isVoterList(learners)) {
    throw corrupt(path, 0, 'its header is incomplete')
  }
  if (fields.storeId !== storeId) throw foreign(path, 'store', storeId, String(fields.storeId))
  return { snapshot: { ...position, configuration: { voters, outgoing, learners }, id, size }, start }
}
