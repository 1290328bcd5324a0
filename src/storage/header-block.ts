// The first block of the log's files: who they belong to and what they are. Written before the file has its name, so it
// is never torn, and padded with zeros to full sectors, so that no record shares one with it.
//
//   block = magic (8 bytes) | format u32 | length u32 | crc u32 | JSON of `length` bytes, zeros up to a full sector
//
// This frame stays the same in all formats, so that an older release can say that a file is too new for it.

import { crc32 } from 'node:zlib'
import { corrupt, newerVersion } from './disk-error.ts'
import type { OpenFile } from './file-system.ts'
import { sectorBytes } from './record.ts'

const fixedBytes = 20

/** Most bytes of a block. A header names at most some dozen members; this is far more. */
const maxHeaderBytes = 64 * 1024

/** `start`: where the block ends. `seed`: of the checksums of what follows, so that another file's never fit. */
export interface HeaderBlock {
  readonly format: number
  readonly json: string
  readonly start: number
  readonly seed: number
}

/** `magic`: eight characters. */
export function encodeHeaderBlock(magic: string, format: number, value: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(value))
  const block = Buffer.alloc(paddedBytes(json.length))
  if (block.length > maxHeaderBytes) throw new RangeError(`a header of ${json.length} bytes: a bug in the caller`)
  block.write(magic, 'latin1')
  block.writeUInt32LE(format, 8)
  block.writeUInt32LE(json.length, 12)
  json.copy(block, fixedBytes)
  block.writeUInt32LE(checksum(block, json.length), 16)
  return block
}

/** Throws what the file deserves: `ERR_LOG_CORRUPT`, or `ERR_DATA_VERSION` when its format is above `newest`. */
export function decodeHeaderBlock(file: Buffer, magic: string, newest: number, path: string): HeaderBlock {
  if (file.length < fixedBytes || file.toString('latin1', 0, 8) !== magic) throw corrupt(path, 0, 'this is no log')
  const length = file.readUInt32LE(12)
  if (fixedBytes + length > file.length || checksum(file, length) !== file.readUInt32LE(16)) {
    throw corrupt(path, 0, 'its header has a wrong checksum')
  }
  const format = file.readUInt32LE(8)
  if (format > newest) throw newerVersion(path, format, newest)
  const json = file.subarray(fixedBytes, fixedBytes + length)
  return { format, json: json.toString(), start: paddedBytes(length), seed: crc32(json) }
}

/** As much of a file's beginning as a header can take. */
export async function readHeaderBytes(file: OpenFile): Promise<Buffer> {
  const bytes = Buffer.alloc(maxHeaderBytes)
  return bytes.subarray(0, await file.read(bytes, 0))
}

function paddedBytes(jsonBytes: number): number {
  return Math.ceil((fixedBytes + jsonBytes) / sectorBytes) * sectorBytes
}

function checksum(block: Buffer, jsonBytes: number): number {
  return crc32(block.subarray(fixedBytes, fixedBytes + jsonBytes), crc32(block.subarray(0, 16)))
}
