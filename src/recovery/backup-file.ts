// A backup: what the cluster had agreed on at one place of its log, in one file. One line of JSON says which cluster
// and which place, and has a digest of all that follows: the state of the replicated machine, as snapshots have it.

import { createHash } from 'node:crypto'
import type { ClusterState } from '../../consensus/index.ts'
import { ClusterError } from '../errors.ts'
import { decodeState, encodeState } from '../wire/machine-state.ts'

const FORMAT = 'trellis-backup-1'
/** The longest first line. */
const MAX_HEADER_BYTES = 4_096

/** What a cluster had agreed on, and where. */
export interface Backup {
  readonly clusterId: string
  readonly index: number
  readonly term: number
  readonly state: ClusterState
}

/** The file's bytes. */
export function encodeBackup({ clusterId, index, term, state }: Backup): Uint8Array {
  const body = Buffer.concat(Array.from(encodeState(state), (piece) => new Uint8Array(piece)))
  const header = { format: FORMAT, clusterId, index, term, bytes: body.length, sha256: digestOf(body) }
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), body])
}

/** Throws `ERR_BAD_REQUEST` for anything that is not whole. */
export function decodeBackup(file: Uint8Array): Backup {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength)
  const end = bytes.subarray(0, MAX_HEADER_BYTES).indexOf('\n')
  const header = end < 0 ? undefined : parse(bytes.subarray(0, end).toString('utf8'))
  if (header?.format !== FORMAT) throw damaged('it is no backup of this format')
  const body = bytes.subarray(end + 1)
  const { clusterId, index, term, sha256 } = header
  if (body.length !== header.bytes || digestOf(body) !== sha256) throw damaged('it is cut off or damaged')
  if (typeof clusterId !== 'string' || !Number.isSafeInteger(index) || !Number.isSafeInteger(term))
    throw damaged('its first line does not say where it is from')
  const steps = decodeState(body)
  let step = steps.next()
  while (!step.done) step = steps.next()
  return { clusterId, index: index as number, term: term as number, state: step.value as ClusterState }
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined
  }
}

function digestOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex')
}

function damaged(problem: string): ClusterError {
  return new ClusterError('ERR_BAD_REQUEST', `the backup cannot be used: ${problem}`, { problem })
}
