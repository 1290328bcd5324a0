// The first block of `raft.log`: what the log is and whose. Written once, before the log has its name, so it is never torn.
//
//   header = magic "TRELLLOG" | format u32 | length u32 | crc u32 | JSON of LogHeader, zeros up to a full sector
//
// This frame stays the same in all formats, so that an older release can say that a log is too new for it.

import { crc32 } from 'node:zlib'
import { corrupt, foreign, newerVersion } from './disk-error.ts'
import type { LogHeader } from './log-store.ts'
import { sectorBytes } from './record.ts'
import { isVoterList, recordOf } from './shape.ts'

/** Format of this release. Release N reads N - 1, too; there is none before 1. */
const format = 1
const magic = Buffer.from('TRELLLOG')
const fixedBytes = 20

/** What the opener knows of the log it expects; what it leaves out is not compared. */
export type ExpectedHeader = Partial<LogHeader>

export function encodeLogHeader(header: LogHeader): Buffer {
  const { clusterId, nodeId, storeId, voters } = header
  const json = Buffer.from(JSON.stringify({ clusterId, nodeId, storeId, voters }))
  const block = Buffer.alloc(Math.ceil((fixedBytes + json.length) / sectorBytes) * sectorBytes)
  magic.copy(block)
  block.writeUInt32LE(format, 8)
  block.writeUInt32LE(json.length, 12)
  json.copy(block, fixedBytes)
  block.writeUInt32LE(checksum(block, json.length), 16)
  return block
}

/** The header, where the records begin, and the seed of their checksums. Throws what the file deserves. */
export function decodeLogHeader(file: Buffer, path: string): { header: LogHeader; start: number; seed: number } {
  if (file.length < fixedBytes || !file.subarray(0, magic.length).equals(magic))
    throw corrupt(path, 0, 'this is no log')
  const length = file.readUInt32LE(12)
  if (fixedBytes + length > file.length || checksum(file, length) !== file.readUInt32LE(16)) {
    throw corrupt(path, 0, 'its header has a wrong checksum')
  }
  if (file.readUInt32LE(8) > format) throw newerVersion(path, file.readUInt32LE(8), format)
  const json = file.subarray(fixedBytes, fixedBytes + length)
  const header = parseHeader(json.toString())
  if (header === undefined) throw corrupt(path, 0, 'its header is incomplete')
  return { header, start: Math.ceil((fixedBytes + length) / sectorBytes) * sectorBytes, seed: crc32(json) }
}

/** Throws `ERR_DATA_FOREIGN` when the log is not the one that was expected. */
export function checkHeader(path: string, header: LogHeader, expected: ExpectedHeader): void {
  const compare = (what: string, wanted: string | undefined, found: string): void => {
    if (wanted !== undefined && wanted !== found) throw foreign(path, what, wanted, found)
  }
  compare('node', expected.nodeId, header.nodeId)
  compare('cluster', expected.clusterId, header.clusterId)
  compare('store', expected.storeId, header.storeId)
  compare('set of voters', expected.voters && votersText(expected.voters), votersText(header.voters))
}

function votersText(voters: LogHeader['voters']): string {
  return voters.map(({ id, storeId }) => `${id}/${storeId}`).join(' ')
}

function checksum(block: Buffer, jsonBytes: number): number {
  return crc32(block.subarray(fixedBytes, fixedBytes + jsonBytes), crc32(block.subarray(0, 16)))
}

function parseHeader(json: string): LogHeader | undefined {
  const { clusterId, nodeId, storeId, voters } = recordOf(JSON.parse(json)) ?? {}
  if (typeof clusterId !== 'string' || typeof nodeId !== 'string' || typeof storeId !== 'string') return undefined
  return isVoterList(voters) ? { clusterId, nodeId, storeId, voters } : undefined
}
