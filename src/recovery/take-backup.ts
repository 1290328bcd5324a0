// A backup of the living cluster, from a voter's own copy.

import type { CallOptions, LeaderCalls } from '../coordination/leader-calls.ts'
import { limited } from '../coordination/leader-calls.ts'
import { ClusterError } from '../errors.ts'
import type { NodeContext } from '../node-part.ts'
import { checkedWait, withoutEffect } from '../wait.ts'
import { encodeBackup } from './backup-file.ts'

/** `ERR_NO_QUORUM`; `ERR_NOT_LEADER` on a member that holds no log: ask a voter. */
export async function takeBackup(
  context: NodeContext,
  calls: LeaderCalls,
  options: CallOptions = {},
): Promise<Uint8Array> {
  checkedWait(options)
  const take = async (leftMs: number): Promise<Uint8Array> => {
    const coordination = context.coordination()
    if (!coordination?.copy) {
      const problem = 'this member holds no log: ask a voter for a backup'
      throw new ClusterError('ERR_BAD_REQUEST', problem, { problem })
    }
    using limit = limited(context.toolbox.clock, 'backup', leftMs, options.signal)
    await coordination.read(limit.signal)
    const { machine, appliedIndex } = coordination.copy
    const { term } = coordination.knowledge()
    return encodeBackup({ clusterId: coordination.clusterId, index: appliedIndex, term, state: machine.snapshot() })
  }
  return withoutEffect(() => calls.call('backup', options, (_leader, leftMs) => take(leftMs)))
}
