// Whoever wants a switch places its order with the leader, whoever that is at the moment. A leader that goes is
// followed by one that knows the order by its name, from the log: it goes on with it, says how it ended, or takes it as
// new.

import type { RequestOptions } from '../channels/requests.ts'
import { type Leadership, limited, MINORITY_GRACE_MS, noQuorum, timedOut } from '../coordination/leader-calls.ts'
import { ClusterError } from '../errors.ts'
import type { Time } from '../runtime/clock.ts'
import { callAborted, nodeStopping, pause, rejectedBy } from '../wait.ts'
import type { SwitchReport } from './report.ts'
import type { SwitchOrder } from './switch-desk.ts'

export interface Caller {
  readonly clock: Time
  readonly leadership: () => Leadership
  /** Without a leader for so long nobody will be elected: more than two election timeouts. */
  readonly patienceMs: number
  readonly place: (leader: string, order: SwitchOrder, options: RequestOptions) => Promise<SwitchReport>
  readonly isStopping: () => boolean
}

/**
 * After its deadline a switch still has to be aborted, and that to be told. Who has not heard of it then does not know
 * how it ends.
 */
const AFTERMATH_MS = 1_000
const OPERATION = 'node.topology.switch'
const LOOK_AGAIN_MS = 50

/** What the leader says may be another one's turn to answer. */
const passing = new Set(['ERR_NOT_LEADER', 'ERR_MEMBER_DOWN', 'ERR_NO_ROUTE', 'ERR_TIMEOUT', 'ERR_SHUTTING_DOWN'])

/** Resolves to the leader's report. Rejects with what it refuses, `ERR_NO_QUORUM`, `ERR_TIMEOUT` or `ERR_ABORTED`. */
export async function placeOrder(
  order: SwitchOrder,
  caller: Caller,
  signal: AbortSignal | undefined,
): Promise<SwitchReport> {
  const began = caller.clock.now()
  const deadline = began + order.timeoutMs + AFTERMATH_MS
  let ledAt: number | undefined
  let mayHaveHappened = false
  for (;;) {
    const now = caller.clock.now()
    if (signal?.aborted) throw callAborted(OPERATION, mayHaveHappened)
    if (caller.isStopping()) throw nodeStopping(mayHaveHappened)
    const { leader, voters, reachesMajority, unledMs } = caller.leadership()
    const isLed = leader !== undefined && reachesMajority
    const patience = Math.min(reachesMajority ? caller.patienceMs : MINORITY_GRACE_MS, order.timeoutMs)
    // Who was without a leader for long before the call need not wait for one as long again.
    if (isLed) ledAt = now
    else ledAt ??= now - Math.max(0, Math.min(unledMs, patience - MINORITY_GRACE_MS))
    if (now - ledAt >= patience) throw noQuorum(voters, mayHaveHappened)
    if (now >= deadline) throw timedOut(OPERATION, order.timeoutMs, mayHaveHappened)
    if (isLed) {
      try {
        const timeoutMs = Math.ceil(deadline - now)
        using limit = limited(caller.clock, OPERATION, timeoutMs, signal)
        // Of its own desk the leader waits for the end of the switch, whoever waits for the leader.
        const report = await Promise.race([
          caller.place(leader, order, { signal, timeoutMs }),
          rejectedBy(limit.signal),
        ])
        return { ...report, durationMs: Math.round(caller.clock.now() - began) }
      } catch (error) {
        if (!(error instanceof ClusterError) || !passing.has(error.code)) throw error
        mayHaveHappened ||= error.mayHaveHappened
      }
    }
    await pause(caller.clock, LOOK_AGAIN_MS, signal)
  }
}
