// Reads of the replicated machine, from any member. Three kinds of fresh:
//
//   linearizable   sees all that was acknowledged before it was asked; needs a leader with a majority, and then this
//                  voter's own copy
//   stale          whatever the nearest copy has, and how old that may be; a voter needs nobody for it
//   awaited        waits on whatever copy is near until there is something in the answer
//
// A voter has a copy; every other member asks one. A question or its answer may be lost on the way, over relays above
// all, and nobody told: a read changes nothing, so it is asked again, of another voter if there is one.

import type { Payload } from '../channels/payload.ts'
import type { IncomingRequest, Requests } from '../channels/requests.ts'
import { ClusterError, isClusterError } from '../errors.ts'
import type { Time } from '../runtime/clock.ts'
import { nodeStopping, withoutEffect } from '../wait.ts'
import { CallLimit } from './call-limit.ts'
import type { Coordination } from './coordination.ts'
import { type CallOptions, DEFAULT_CALL_TIMEOUT_MS, type LeaderCalls, noQuorum } from './leader-calls.ts'
import { type AnswerTo, answer, type Copy, parseQuery, type Query } from './queries.ts'
import type { Wakeups } from './wakeups.ts'

export interface ReadsOptions {
  readonly clock: Time
  readonly coordination: () => Coordination | undefined
  readonly requests: () => Requests
  readonly calls: LeaderCalls
  readonly wakeups: Wakeups
  readonly isLinked: (id: string) => boolean
  /** Believed to be there: relays or a link on demand reach it. */
  readonly isAlive: (id: string) => boolean
  /** What a refusal calls a voter. */
  readonly nameOf: (id: string) => string
  readonly random: () => number
  /** Aborts when the node stops: then nobody waits here any more. */
  readonly stopping: AbortSignal
}

/** A stale answer and its age. */
export interface Aged<Answer> {
  readonly answer: Answer
  /** Since when this copy may have missed something: the time since its voter last heard from a leader. */
  readonly ageMs: number
}

export const READ_SUBJECT = 'trellis.read'
/** Who does not answer for so long may be gone, or was never asked; the question is put again. */
const ATTEMPT_TIMEOUT_MS = 1_500
/**
 * How long one question waits for a change. Longer: what is lost on the way is missed for as long. Shorter: more
 * questions of who only waits.
 */
const AWAIT_MS = 5_000
/** Questions of other members that may wait here at once: each takes a handler's place. */
const MAX_AWAITING = 256
/** Between two tries to find a copy. */
const LOOK_AGAIN_MS = 100

/** What travels to a voter. */
interface Asked {
  readonly query: Query
  readonly kind: 'linearizable' | 'stale' | 'awaited'
}

export class Reads {
  readonly #options: ReadsOptions
  #awaiting = 0

  constructor(options: ReadsOptions) {
    this.#options = options
  }

  /** Answers what other members ask, from now on. */
  serve(): void {
    this.#options.requests().handle(READ_SUBJECT, (request) => this.#serve(request))
  }

  /** `ERR_NO_QUORUM` in a minority, `ERR_TIMEOUT`, `ERR_ABORTED`, `ERR_SHUTTING_DOWN`. */
  linearizable<Q extends Query>(operation: string, query: Q, options: CallOptions): Promise<AnswerTo<Q>> {
    return this.#options.calls.call(operation, options, async (leader, leftMs) => {
      const timeoutMs = Math.min(leftMs, ATTEMPT_TIMEOUT_MS)
      if (this.#copy()) return this.#asVoter(query, timeoutMs, options.signal)
      return withoutEffect(() =>
        this.#ask<AnswerTo<Q>>(leader, { query, kind: 'linearizable' }, { ...options, timeoutMs }),
      )
    })
  }

  /** From this voter's copy, or that of a voter that is linked or, if none is, alive. Without any: `ERR_NO_QUORUM`. */
  async stale<Q extends Query>(query: Q, options: CallOptions): Promise<Aged<AnswerTo<Q>>> {
    const { timeoutMs = DEFAULT_CALL_TIMEOUT_MS, signal } = options
    const deadline = this.#options.clock.now() + timeoutMs
    const unreached = new Set<string>()
    for (let asked: string | undefined; ; ) {
      if (this.#options.stopping.aborted) throw nodeStopping()
      const coordination = this.#options.coordination()
      if (coordination?.copy) return { answer: answer(coordination.copy, query), ageMs: coordination.ageMs() }
      const left = deadline - this.#options.clock.now()
      if (left <= 0 && asked !== undefined) throw this.#unanswered(timeoutMs)
      asked = this.#someVoter(asked, unreached)
      const attempt = { signal, timeoutMs: Math.min(left, ATTEMPT_TIMEOUT_MS) }
      const found = await this.#askStale(asked, query, attempt)
      if (found === 'unreached') unreached.add(asked)
      else if (found) return found
    }
  }

  /** Undefined: no answer came in time. `unreached`: none will. */
  async #askStale<Q extends Query>(
    voter: string,
    query: Q,
    options: CallOptions,
  ): Promise<Aged<AnswerTo<Q>> | 'unreached' | undefined> {
    try {
      return await withoutEffect(() => this.#ask<Aged<AnswerTo<Q>>>(voter, { query, kind: 'stale' }, options))
    } catch (error) {
      if (isClusterError(error, 'ERR_TIMEOUT')) return undefined
      if (isClusterError(error, 'ERR_MEMBER_DOWN') || isClusterError(error, 'ERR_NO_ROUTE')) return 'unreached'
      throw error
    }
  }

  /**
   * The answer once there is something in it, or, after a while or when `signal` aborts, one without: then ask on from
   * where it ends. Undefined: there was no copy to ask, look again.
   */
  async awaited<Q extends Query>(query: Q, signal: AbortSignal): Promise<AnswerTo<Q> | undefined> {
    try {
      // A member that ceases to hold the log goes on elsewhere.
      if (this.#copy()) return await this.#wait(query, signal)
      const options = { signal, timeoutMs: AWAIT_MS + ATTEMPT_TIMEOUT_MS }
      return await this.#ask<AnswerTo<Q>>(this.#someVoter(), { query, kind: 'awaited' }, options)
    } catch (error) {
      if (!(error instanceof ClusterError) || isClusterError(error, 'ERR_SHUTTING_DOWN')) throw error
      await this.pause(signal)
      return undefined
    }
  }

  /** Before looking again for a copy. */
  pause(signal: AbortSignal): Promise<void> {
    return this.#options.wakeups.next(LOOK_AGAIN_MS, signal)
  }

  async #wait<Q extends Query>(query: Q, signal: AbortSignal): Promise<AnswerTo<Q>> {
    const deadline = this.#options.clock.now() + AWAIT_MS
    let asked = query
    for (;;) {
      const found = answer(this.#copy() ?? throwNoLog(), asked)
      const left = deadline - this.#options.clock.now()
      if (!isNothingYet(found) || left <= 0 || signal.aborted) return found
      asked = goOn(asked, found)
      await this.#options.wakeups.next(left, signal)
    }
  }

  async #asVoter<Q extends Query>(query: Q, ms: number, signal?: AbortSignal): Promise<AnswerTo<Q>> {
    const coordination = this.#options.coordination()
    if (!coordination?.copy) return throwNoLog()
    if (!coordination.reachesMajority) throw this.#noQuorum()
    using limit = new CallLimit(this.#options.clock, 'read', ms, signal)
    await withoutEffect(() => coordination.read(limit))
    return answer(coordination.copy ?? throwNoLog(), query)
  }

  async #ask<Answer>(voter: string, asked: Asked, options: CallOptions): Promise<Answer> {
    const question = asked as unknown as Payload
    return (await this.#options.requests().request(voter, READ_SUBJECT, question, options)) as unknown as Answer
  }

  async #serve({ payload }: IncomingRequest): Promise<Payload> {
    const { query: raw, kind } = (payload ?? {}) as { query?: unknown; kind?: unknown }
    const query = parseQuery(raw)
    if (kind === 'linearizable') return (await this.#asVoter(query, DEFAULT_CALL_TIMEOUT_MS)) as unknown as Payload
    const coordination = this.#options.coordination()
    if (!coordination?.copy) return throwNoLog()
    if (kind === 'awaited') return this.#serveAwaited(query)
    return { answer: answer(coordination.copy, query), ageMs: coordination.ageMs() } as unknown as Payload
  }

  async #serveAwaited(query: Query): Promise<Payload> {
    if (this.#awaiting >= MAX_AWAITING) {
      const details = { queue: 'awaiting', limit: MAX_AWAITING }
      throw new ClusterError('ERR_BUFFER_FULL', `${MAX_AWAITING} members wait here already`, details)
    }
    this.#awaiting += 1
    try {
      return (await this.#wait(query, this.#options.stopping)) as unknown as Payload
    } finally {
      this.#awaiting -= 1
    }
  }

  #copy(): Copy | undefined {
    return this.#options.coordination()?.copy
  }

  /**
   * `except`: it has just been asked in vain, and is asked again only when there is nobody else. Never one of those
   * `unreached`.
   */
  #someVoter(except?: string, unreached: ReadonlySet<string> = new Set()): string {
    const { coordination, isLinked, isAlive, random } = this.#options
    const { reachesMajority = false } = coordination() ?? {}
    const voters = coordination()?.knowledge().voters ?? []
    const left = reachesMajority ? voters.filter((id) => !unreached.has(id)) : []
    const linked = left.filter(isLinked)
    // Where not everybody is linked to everybody, perhaps to no voter.
    const able = linked.length > 0 ? linked : left.filter(isAlive)
    const others = able.filter((id) => id !== except)
    const voter = others[Math.floor(random() * others.length)] ?? able[0]
    if (voter !== undefined) return voter
    throw this.#noQuorum()
  }

  #noQuorum(): ClusterError {
    const { coordination, nameOf } = this.#options
    return noQuorum((coordination()?.knowledge().voters ?? []).map(nameOf), false)
  }

  /** By no voter of those that may be linked; where no leader is heard of either, these are links to nobody. */
  #unanswered(leftMs: number): ClusterError {
    const { coordination, isLinked } = this.#options
    const { unledMs = 0 } = coordination() ?? {}
    const voters = coordination()?.knowledge().voters ?? []
    if (unledMs > 0 || !voters.some(isLinked)) return this.#noQuorum()
    const timeoutMs = Math.round(leftMs)
    const details = { operation: READ_SUBJECT, timeoutMs }
    return new ClusterError('ERR_TIMEOUT', `'${READ_SUBJECT}' was not answered within ${timeoutMs} ms`, details)
  }
}

/** Worth waiting for another one. */
function isNothingYet(found: AnswerTo<Query>): boolean {
  if ('state' in found) return found.state === 'waiting'
  if ('isKnown' in found) return found.isKnown
  return 'changes' in found && 'type' in found && found.changes.length === 0
}

function throwNoLog(): never {
  throw new ClusterError('ERR_NOT_LEADER', 'this member holds no log', { leader: undefined })
}

/** What was looked at already need not be looked at again. */
function goOn<Q extends Query>(query: Q, found: AnswerTo<Query>): Q {
  return 'next' in found ? { ...query, from: found.next } : query
}
