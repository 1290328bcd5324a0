// What a voter begins with: the log of its disk, decoded, and the machine as its latest snapshot has it. One that a
// later release has gone on with is refused before anything of it counts.

import {
  type ClusterCommand,
  type ClusterMachine,
  type DurableState,
  type Entry,
  type FeatureLevels,
  levelOf,
} from '../../consensus/index.ts'
import { ClusterError } from '../errors.ts'
import type { Logger } from '../observability/logger.ts'
import type { RecoveredLog } from '../storage/node-storage.ts'
import { decodeContent } from '../wire/log-entry.ts'
import { WireError } from '../wire/wire-error.ts'
import { readState } from './snapshot-driver.ts'

/**
 * What the disk holds, of what a snapshot covers the last `trailingEntries` (what a running voter would not keep, a
 * starting one need not hold); `machine` stands behind its snapshot then. Rejects with `ERR_LOG_CORRUPT` when it is
 * damaged, and with `ERR_DATA_VERSION` when it has agreed on more than this release can apply.
 */
export async function loadLog(
  log: RecoveredLog,
  machine: ClusterMachine,
  levels: FeatureLevels,
  logger: Logger,
  trailingEntries: number,
): Promise<DurableState<ClusterCommand>> {
  const { hardState, snapshot, base, entries, repaired } = await log.load(trailingEntries)
  if (repaired)
    logger.warn('the log ended in an unfinished write, which was cut off; nothing acknowledged is lost', {
      ...repaired,
    })
  if (snapshot) machine.restore(await readState(log.snapshots, snapshot))
  const decoded = entries.map(({ index, term, command }) => ({ index, term, ...decode(command, levels) }))
  const level = decoded.reduce((least, entry) => Math.max(least, levelIn(entry, levels)), machine.level)
  if (level > levels.own) throw tooNew(level, levels)
  return { hardState, base, ...(snapshot && { snapshot }), entries: decoded }
}

function decode(bytes: Uint8Array | undefined, levels: FeatureLevels): ReturnType<typeof decodeContent> {
  try {
    return decodeContent(bytes)
  } catch (error) {
    // The bytes are as they were written: their checksum was right.
    if (error instanceof WireError && error.kind === 'unknown-number') throw tooNew(levels.own + 1, levels)
    throw error
  }
}

function levelIn({ command }: Entry<ClusterCommand>, levels: FeatureLevels): number {
  if (command === undefined) return 0
  return command.type === 'agree-level' ? command.level : levelOf(command, levels)
}

function tooNew(found: number, { own }: FeatureLevels): ClusterError {
  const message = `the log holds what a later release can apply, level ${found}; this one can apply ${own}`
  return new ClusterError('ERR_DATA_VERSION', message, { path: 'raft.log', found, supported: own })
}
