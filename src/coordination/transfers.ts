// Handing leadership over on request, from any member: whoever leads does it, everyone else passes the request on to
// the leader.

import type { Payload } from '../channels/payload.ts'
import type { IncomingRequest, Requests } from '../channels/requests.ts'
import { ClusterError, isClusterError } from '../errors.ts'
import type { Time } from '../runtime/clock.ts'
import { beginWait, waitFor } from '../wait.ts'
import type { Knowledge } from './knowledge.ts'
import { noQuorum } from './leader-calls.ts'
import { RAFT_OPERATION } from './refusal.ts'
import type { Voter } from './voter.ts'

const TRANSFER_SUBJECT = 'trellis.transfer'
const OPERATION = 'leadership.transfer'
const DEFAULT_TIMEOUT_MS = 5_000
/** Of a leader that hands over for others. */
const MAX_TIMEOUT_MS = 10_000
/** A leader that was just elected has heard of nobody yet: some round trips, between continents too. */
const SETTLING_MS = 1_000

/** Who led, who leads, and how long nobody did or it took. Ids. */
export interface TransferReport {
  readonly from: string
  readonly to: string
  readonly durationMs: number
}

export interface TransferOptions {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds until the call gives up. Default 5,000. */
  readonly timeoutMs?: number | undefined
}

export interface TransfersOptions {
  readonly clock: Time
  readonly self: string
  readonly requests: Requests
  readonly voter: () => Voter | undefined
  readonly knowledge: () => Knowledge
}

export class Transfers {
  readonly #options: TransfersOptions

  constructor(options: TransfersOptions) {
    this.#options = options
    options.requests.handle(TRANSFER_SUBJECT, (request) => this.#serve(request))
  }

  /**
   * Makes `to`, or the voter with most of the log, the leader. Rejects with `ERR_NO_QUORUM` (no leader is known),
   * `ERR_BAD_REQUEST` (no voter, or it lacks entries), `ERR_NOT_LEADER` (it changed meanwhile), `ERR_BUFFER_FULL` (one
   * to another voter is under way), `ERR_TIMEOUT`.
   */
  async transfer(to: string | undefined, options: TransferOptions): Promise<TransferReport> {
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = beginWait(OPERATION, options)
    const { self, requests, knowledge } = this.#options
    const { leader, voters } = knowledge()
    if (leader === undefined) throw new ClusterError('ERR_NO_QUORUM', 'no leader is known', { voters })
    if (leader === to) return { from: leader, to: leader, durationMs: 0 }
    if (leader === self) return this.#hand(to, timeoutMs, signal)
    const answer = await requests.request(
      leader,
      TRANSFER_SUBJECT,
      { to: to ?? null, timeoutMs: Math.min(timeoutMs, MAX_TIMEOUT_MS) },
      { signal, timeoutMs },
    )
    return parseReport(answer)
  }

  async #serve({ payload }: IncomingRequest): Promise<Payload> {
    const { to, timeoutMs } = (payload ?? {}) as { to?: unknown; timeoutMs?: unknown }
    if ((to !== null && typeof to !== 'string') || typeof timeoutMs !== 'number') throw new TypeError('not a transfer')
    return { ...(await this.#hand(to ?? undefined, Math.min(Math.max(1, timeoutMs), MAX_TIMEOUT_MS))) }
  }

  async #hand(to: string | undefined, timeoutMs: number, signal?: AbortSignal): Promise<TransferReport> {
    const { self } = this.#options
    const voter = this.#options.voter()
    if (voter === undefined) throw new ClusterError('ERR_NOT_LEADER', 'this member holds no log', { leader: undefined })
    const began = this.#options.clock.now()
    const limit = this.#options.clock.timeout(timeoutMs)
    try {
      const either = signal === undefined ? limit : AbortSignal.any([signal, limit])
      await this.#successor(voter, to, either)
      either.throwIfAborted()
      const next = await voter.transfer(to, either)
      return { from: self, to: next, durationMs: Math.round(this.#options.clock.now() - began) }
    } catch (error) {
      // The time of the core: it may have told the successor to stand.
      const isCores = isClusterError(error, 'ERR_TIMEOUT') && error.details.operation === RAFT_OPERATION
      if (error instanceof ClusterError && !isCores) throw error
      if (isCores && voter.lastQuorumAt <= began) throw noQuorum(voter.voterIds, true)
      const options = { cause: error, mayHaveHappened: true }
      if (signal?.aborted) {
        throw new ClusterError('ERR_ABORTED', 'the transfer was aborted', { operation: OPERATION }, options)
      }
      const waitedMs = isCores ? Math.round(this.#options.clock.now() - began) : timeoutMs
      const details = { operation: OPERATION, timeoutMs: waitedMs }
      throw new ClusterError('ERR_TIMEOUT', `no new leader within ${waitedMs} ms`, details, options)
    }
  }

  /** Waits a moment for a voter that could lead at once; without one the transfer is refused. */
  async #successor(voter: Voter, to: string | undefined, signal: AbortSignal): Promise<void> {
    const { self, clock } = this.#options
    const others = voter.voterIds.filter((id) => id !== self && (to === undefined || id === to))
    if (others.length === 0 && to !== self && voter.view().role === 'leader') {
      const problem = to === undefined ? 'there is no other voter to hand over to' : 'it is no voter'
      throw new ClusterError('ERR_BAD_REQUEST', problem, { problem })
    }
    const canLead = (): boolean => voter.followers().some(({ id, isCaughtUp }) => isCaughtUp && others.includes(id))
    const isOver = (): boolean => others.length === 0 || voter.view().role !== 'leader' || signal.aborted || canLead()
    await waitFor(OPERATION, isOver, { clock, signal, timeoutMs: SETTLING_MS }).catch((error: unknown) => {
      if (!isClusterError(error, 'ERR_TIMEOUT')) throw error
    })
  }
}

function parseReport(answer: Payload): TransferReport {
  const { from, to, durationMs } = (answer ?? {}) as { from?: unknown; to?: unknown; durationMs?: unknown }
  if (typeof from !== 'string' || typeof to !== 'string' || typeof durationMs !== 'number') {
    throw new TypeError('not an answer to a transfer')
  }
  return { from, to, durationMs }
}
