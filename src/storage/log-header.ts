// `raft.log`: whose log it is. Since format 2 that is all this file says, and the records are in segments beside it
// (`segment.ts`); in format 1 the records of the whole log followed. It is written last when a log is made, so a log
// that has it is whole; an older release finds it and says that the log is too new.

import { corrupt, foreign } from './disk-error.ts'
import { decodeHeaderBlock, encodeHeaderBlock, type HeaderBlock } from './header-block.ts'
import type { LogHeader } from './log-store.ts'
import { isVoterList, recordOf } from './shape.ts'

/** Format of this release. Release N reads N - 1, too. */
export const logFormat = 2
const magic = 'TRELLLOG'

/** What the opener knows of the log it expects; what it leaves out is not compared. */
export type ExpectedHeader = Partial<LogHeader>

export function encodeLogHeader({ clusterId, nodeId, storeId, voters }: LogHeader, format = logFormat): Buffer {
  return encodeHeaderBlock(magic, format, { clusterId, nodeId, storeId, voters })
}

/** The header, and where what follows it begins. Throws what the file deserves. */
export function decodeLogHeader(file: Buffer, path: string): HeaderBlock & { readonly header: LogHeader } {
  const block = decodeHeaderBlock(file, magic, logFormat, path)
  const header = parseHeader(block.json)
  if (header === undefined) throw corrupt(path, 0, 'its header is incomplete')
  return { ...block, header }
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

function parseHeader(json: string): LogHeader | undefined {
  const { clusterId, nodeId, storeId, voters } = recordOf(JSON.parse(json)) ?? {}
  if (typeof clusterId !== 'string' || typeof nodeId !== 'string' || typeof storeId !== 'string') return undefined
  return isVoterList(voters) ? { clusterId, nodeId, storeId, voters } : undefined
}
