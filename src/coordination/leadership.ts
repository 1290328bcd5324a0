// `node.leadership`: handing it over on request. What the log knows by ids, users know by names.

import { checkedOptions, text, waitChecks } from '../call-options.ts'
import { ClusterError, isClusterError } from '../errors.ts'
import type { NodeContext } from '../node-part.ts'
import { nodeStopping } from '../wait.ts'
import type { Coordination } from './coordination.ts'
import type { CallOptions } from './leader-calls.ts'
import type { Replication } from './replication.ts'

/** Who led, who leads, and how long the hand-over took. Names. */
export interface TransferView {
  readonly from: string
  readonly to: string
  readonly durationMs: number
}

export interface TransferRequest {
  /** Name or id of the voter that shall lead. Default: the one with most of the log. */
  readonly to?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** Milliseconds until the call gives up. Default 5,000. */
  readonly timeoutMs?: number | undefined
}

/** Leadership of the cluster, from any member. */
export interface NodeLeadership {
  /**
   * Makes another voter the leader; S5 goes with it. Resolves when it leads. `ERR_UNKNOWN_MEMBER`, `ERR_MEMBER_DOWN`,
   * `ERR_BAD_REQUEST` (no voter, or it lacks entries), `ERR_NO_QUORUM`, `ERR_NOT_LEADER` (it changed meanwhile),
   * `ERR_BUFFER_FULL` (one to another voter is under way), `ERR_TIMEOUT`.
   */
  transfer(request?: TransferRequest): Promise<TransferView>
  /**
   * How far each member that holds the log has it, as the leader knows; names. `ERR_NO_QUORUM`, `ERR_NOT_LEADER` (it
   * changed meanwhile), `ERR_TIMEOUT`; `ERR_UNSUPPORTED` where another engine keeps the log.
   */
  replication(options?: CallOptions): Promise<Replication>
}

export function leadershipOf(context: NodeContext): NodeLeadership {
  return {
    async transfer(request = {}) {
      const { to, signal, timeoutMs } = checkedOptions(request, { ...waitChecks, to: text })
      const coordination = joined(context)
      const id = to === undefined ? undefined : context.route(to)
      const report = await coordination.transfer(id, { signal, timeoutMs }).catch((error: unknown) => {
        throw inNames(error, (voter) => context.nameOf(voter))
      })
      const { durationMs } = report
      return { from: context.nameOf(report.from), to: context.nameOf(report.to), durationMs }
    },
    async replication(options = {}) {
      checkedOptions(options, waitChecks)
      const { members, ...rest } = await joined(context)
        .replication(options)
        .catch((error: unknown) => {
          throw inNames(error, (voter) => context.nameOf(voter))
        })
      return { ...rest, members: members.map((replica) => ({ ...replica, member: context.nameOf(replica.member) })) }
    },
  }
}

function joined(context: NodeContext): Coordination {
  if (context.stage() === 'stopped') throw nodeStopping()
  const coordination = context.coordination()
  if (coordination) return coordination
  throw new ClusterError('ERR_NO_QUORUM', 'this node is in no cluster yet', { voters: [] })
}

/** The same refusal, with names where the log has ids. */
function inNames(error: unknown, nameOf: (id: string) => string): unknown {
  if (!(error instanceof ClusterError)) return error
  const { message, mayHaveHappened, code } = error
  const options = { cause: error, mayHaveHappened }
  if (isClusterError(error, 'ERR_NO_QUORUM')) {
    return new ClusterError(code, message, { voters: error.details.voters.map(nameOf) }, options)
  }
  if (!isClusterError(error, 'ERR_NOT_LEADER')) return error
  const { leader } = error.details
  return new ClusterError(code, message, { leader: leader === undefined ? undefined : nameOf(leader) }, options)
}
