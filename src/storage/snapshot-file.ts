// One snapshot as a file: what it is, and the state in pieces that carry a checksum each, so that any of it can be sent without
// reading all of it, and a transfer that broke off can go on.
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
  /** Bytes behind them: less than a piece. */
  #rest: Uint8Array = new Uint8Array()

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
    return this.#written + this.#rest.length
  }

  /** Goes on behind the pieces that are whole: a crash leaves those behind that were not flushed, or not all of them. */
  async resume(): Promise<void> {
    while (this.#written + pieceBytes <= this.snapshot.size) {
      const piece = await this.#piece(this.#written / pieceBytes, pieceBytes)
      if (piece === undefined) return
      this.#written += pieceBytes
    }
  }

  async add(bytes: Uint8Array): Promise<void> {
    const all = Buffer.concat([this.#rest, bytes])
    const whole = all.length - (all.length % pieceBytes)
    await this.#writePieces(all.subarray(0, whole))
    this.#rest = all.subarray(whole)
  }

  /** Writes what is left and flushes everything. `snapshot`: what it turned out to be. */
  async finish(snapshot: StoredSnapshot, storeId: string): Promise<void> {
    await this.#writePieces(this.#rest)
    this.#rest = new Uint8Array()
    await this.#file.write(encodeHeader(snapshot, storeId), 0)
    await this.#file.sync()
  }

  async #writePieces(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return
    const parts: Uint8Array[] = []
    const first = this.#written / pieceBytes
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const piece = bytes.subarray(at, at + pieceBytes)
      parts.push(piece, checksumOf(piece, first + at / pieceBytes))
    }
    await this.#file.write(Buffer.concat(parts), this.#positionOf(first))
    this.#written += bytes.length
  }

  /** Bytes of a finished one. Rejects with `ERR_LOG_CORRUPT` when they are not those that were written. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const end = Math.min(offset + length, this.snapshot.size)
    const first = Math.floor(offset / pieceBytes)
    const pieces: Uint8Array[] = []
    for (let number = first; number * pieceBytes < end; number++) {
      const wanted = Math.min(pieceBytes, this.snapshot.size - number * pieceBytes)
      const piece = await this.#piece(number, wanted)
      if (piece === undefined) throw corrupt(this.path, this.#positionOf(number), 'a piece has a wrong checksum')
      pieces.push(piece)
    }
    const from = offset - first * pieceBytes
    return Buffer.concat(pieces).subarray(from, Math.max(from, end - first * pieceBytes))
  }

  /** Whether all bytes are there and are those that its id names. */
  async isWhole(): Promise<boolean> {
    const { snapshot } = this
    const hash = createHash('sha256')
    for (let offset = 0; offset < snapshot.size; offset += pieceBytes) {
      const piece = await this.#piece(offset / pieceBytes, Math.min(pieceBytes, snapshot.size - offset))
      if (piece === undefined) return false
      hash.update(piece)
    }
    return snapshotId(snapshot, hash.digest('hex')) === snapshot.id
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Undefined: it is cut short or its checksum is wrong. */
  async #piece(number: number, length: number): Promise<Uint8Array | undefined> {
    const bytes = Buffer.alloc(length + checksumBytes)
    const found = await this.#file.read(bytes, this.#positionOf(number))
    const piece = bytes.subarray(0, length)
    const isSound = found === bytes.length && checksumOf(piece, number).equals(bytes.subarray(length))
    return isSound ? piece : undefined
  }

  #positionOf(piece: number): number {
    return this.#start + piece * (pieceBytes + checksumBytes)
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

function checksumOf(piece: Uint8Array, number: number): Buffer {
  const checksum = Buffer.alloc(checksumBytes)
  checksum.writeUInt32LE(crc32(piece, number))
  return checksum
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
