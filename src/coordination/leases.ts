// Takes claims for this process, waits until it is their turn, and keeps them alive: what locks, semaphores, elections,
// barriers and singletons have in common.

import type { ClaimCommand, Claimed, ClaimKind, ClaimReply, ClusterReply } from '../../consensus/index.ts'
import { type OptionChecks, waitChecks } from '../call-options.ts'
import { ClusterError } from '../errors.ts'
import { MAX_DELAY_MS, type Time } from '../runtime/clock.ts'
import { beginWait, nodeStopping } from '../wait.ts'
import { HeldLease } from './held-lease.ts'
import { type CallOptions, DEFAULT_CALL_TIMEOUT_MS, limited } from './leader-calls.ts'
import type { LeaseOptions } from './lease-interface.ts'
import { elapsedSince, type Moment, momentOf } from './lease-time.ts'
import type { Commands, Questions } from './store.ts'
import { UnreturnedClaims } from './unreturned-claims.ts'

export interface LeasesOptions {
  readonly clock: Time
  readonly submissions: Commands
  readonly reads: Questions
  /** Of owners that users do not name. */
  readonly nodeName: string
  readonly stopping: AbortSignal
}

/** What to claim. */
export interface ClaimRequest extends Claimed {
  readonly owner: string | undefined
  readonly leaseMs: number | undefined
  readonly limit: number
  readonly value: string
}

/** How long to wait for its turn; `timeoutMs`, when it is given, is for the whole call. */
export interface ClaimWait extends CallOptions {
  readonly waitMs: number
}

/** What was made of a request. `since`: of the round that it belongs to. */
interface Claim {
  readonly lease: HeldLease
  readonly isGranted: boolean
  readonly since: number
}

/** `rest`: what is left to wait for its turn. */
interface LiveClaim extends Claim {
  readonly rest: ClaimWait
}

export const DEFAULT_LEASE_MS = 10_000
const MIN_LEASE_MS = 100
const MAX_LEASE_MS = 86_400_000
/**
 * For so long after its caller has given up a claim is followed, to be given back; one that comes later ends with its
 * lease.
 */
const LATE_CLAIM_MS = 5_000

type ClaimAnswer = Exclude<ClaimReply, { type: 'refused' }>

export class Leases {
  readonly #options: LeasesOptions
  readonly #held = new Set<HeldLease>()
  readonly #unreturned: UnreturnedClaims
  #claims = 0
  #isClosing = false

  constructor(options: LeasesOptions) {
    this.#options = options
    this.#unreturned = new UnreturnedClaims(options)
  }

  /**
   * Resolves when it is held. `ERR_LOCK_HELD` after `waitMs`, or when the owner has a claim on it already; in a
   * minority, where the claim waits on until it can be given back, `ERR_NO_QUORUM` that may have happened.
   */
  async take(request: ClaimRequest, wait: ClaimWait): Promise<HeldLease> {
    const { lease, isGranted, rest } = await this.claim(request, wait)
    if (isGranted) return lease
    const { kind, name } = request
    const outcome = await this.turn(lease, { kind, name }, 0, rest)
    if (outcome === 'granted') return lease
    await this.giveUp(lease)
    if (outcome === 'lost') throw lostWhileWaiting(request)
    const { timeoutMs } = wait
    throw timeoutMs !== undefined && isShorter(rest) ? timedOut(request, timeoutMs) : await this.#holderOf(request)
  }

  /**
   * Makes the claim; it lives from now on, held or waiting. One whose caller has gone, or waits no longer, is given
   * back as soon as it is there.
   */
  async claim(request: ClaimRequest, wait: ClaimWait): Promise<LiveClaim> {
    const operation = `${request.kind}.claim`
    const { clock } = this.#options
    const { signal, timeoutMs = DEFAULT_CALL_TIMEOUT_MS } = wait
    const began = clock.now()
    beginWait(operation, { signal })
    const made = this.#claim(request, wait.waitMs > 0, timeoutMs + LATE_CLAIM_MS)
    using limit = limited(clock, operation, timeoutMs, signal)
    const claim = await orGivenBack(made, limit.signal)
    if (wait.timeoutMs === undefined) return { ...claim, rest: wait }
    return { ...claim, rest: { ...wait, timeoutMs: Math.max(0, began + timeoutMs - clock.now()) } }
  }

  async #claim(request: ClaimRequest, waits: boolean, timeoutMs: number): Promise<Claim> {
    const { kind, name, limit, value } = request
    const leaseMs = checkedLeaseMs(request.leaseMs)
    if (this.#isClosing) throw nodeStopping()
    const owner = request.owner ?? `${this.#options.nodeName}/${++this.#claims}`
    const sent = momentOf(this.#options.clock)
    const command: ClaimCommand = { type: 'claim', kind, name, owner, leaseMs, limit, waits, value }
    const reply = await this.submit(command, { timeoutMs })
    if (reply.type === 'held') throw heldBy(request, reply.owner, reply.token)
    if (reply.type !== 'claimed') throw new ClusterError('ERR_INTERNAL', `a claim was answered with ${reply.type}`, {})
    const lease = this.#keep(request, reply.claim, leaseMs, sent)
    if (reply.token > 0) lease.granted(reply.token)
    return { lease, isGranted: reply.token > 0, since: reply.since }
  }

  /**
   * Waits until `lease` is held, or its barrier is passed; what became of it. `late`: after the shorter one of `waitMs`
   * and `timeoutMs`.
   */
  async turn(
    lease: HeldLease,
    { kind, name }: Claimed,
    since: number,
    { waitMs, timeoutMs = Number.POSITIVE_INFINITY, signal }: ClaimWait,
  ): Promise<'granted' | 'passed' | 'lost' | 'late'> {
    const { clock } = this.#options
    const patienceMs = Math.min(waitMs, timeoutMs)
    const late = patienceMs === Number.POSITIVE_INFINITY ? undefined : clock.timeout(Math.min(patienceMs, MAX_DELAY_MS))
    const ends = [this.#options.stopping, lease.signal, late, signal]
    const ended = AbortSignal.any(ends.filter((end) => end !== undefined))
    while (!ended.aborted) {
      const query = { type: 'claim', kind, name, claim: lease.claim, since } as const
      const found = await this.#options.reads.awaited(query, ended).catch((error: unknown) => {
        if (ended.aborted) return undefined
        throw error
      })
      // Of a lease that is over by its own clock nobody knows whether the round has ended with it.
      if (found?.state === 'passed') return lease.leftMs() > 0 ? 'passed' : 'lost'
      if (found?.state === 'gone') return 'lost'
      if (found?.state === 'granted') {
        lease.granted(found.token)
        // What it knows of its lease is from when it began to wait.
        return (await lease.renew().catch(() => true)) && !lease.signal.aborted ? 'granted' : 'lost'
      }
    }
    if (signal?.aborted || this.#isClosing || this.#options.stopping.aborted) {
      const mayHaveHappened = (await lease.end()) !== undefined
      if (!signal?.aborted) throw nodeStopping(mayHaveHappened)
      const details = { operation: `${kind}.wait` }
      throw new ClusterError('ERR_ABORTED', `waiting for ${kind} '${name}' was aborted`, details, { mayHaveHappened })
    }
    // Asked of the timer itself: it may end a fraction of a millisecond before a clock read says so.
    return late?.aborted ? 'late' : 'lost'
  }

  /**
   * Gives `lease` back before anybody is told that it is not had. Throws when that is not so for now: the claim may
   * still get its turn.
   */
  async giveUp(lease: HeldLease): Promise<void> {
    const failure = await lease.end()
    if (failure === undefined) return
    const { code, message, details } = failure
    throw new ClusterError(code, message, details, { cause: failure, mayHaveHappened: true })
  }

  /** One exchange with the leader. Throws what the machine refuses. */
  async submit(command: ClaimCommand, options: CallOptions): Promise<ClaimAnswer> {
    const reply = await this.#options.submissions.submit(`${command.kind}.${command.type}`, command, options)
    if (reply.type === 'refused') throw refused(command, reply.reason)
    return reply as Exclude<ClusterReply, { type: 'refused' }> as ClaimAnswer
  }

  /** How much of a lease is left, counted from when it was sent. */
  expiresInMs(leaseMs: number, sent: Moment): number {
    return Math.max(0, Math.floor(leaseMs - elapsedSince(sent, this.#options.clock)))
  }

  now(): Moment {
    return momentOf(this.#options.clock)
  }

  /**
   * Gives back everything, as far as there is time. A singleton that has not ended yet keeps its claim, until its lease
   * is over: nobody may begin beside it.
   */
  async close(): Promise<void> {
    this.#isClosing = true
    await Promise.all([...this.#held].filter(({ kind }) => kind !== 'singleton').map((lease) => lease.end()))
  }

  #keep({ kind, name }: Claimed, claim: number, leaseMs: number, sent: Moment): HeldLease {
    const lease: HeldLease = new HeldLease({
      kind,
      name,
      claim,
      leaseMs,
      sent,
      clock: this.#options.clock,
      renew: async (timeoutMs) =>
        (await this.submit({ type: 'renew-claim', kind, name, claim }, { timeoutMs })).type === 'claimed',
      end: () => this.#unreturned.giveBack({ type: 'end-claim', kind, name, claim }, leaseMs),
      onEnd: () => this.#held.delete(lease),
    })
    this.#held.add(lease)
    return lease
  }

  /** Who has it now, as the error that says so. */
  async #holderOf({ kind, name }: Claimed): Promise<ClusterError> {
    const found = await this.#options.reads.stale({ type: 'holder', kind, name, known: -1 }, {}).catch(() => undefined)
    const { owner = '', token = 0 } = found?.answer.holder ?? {}
    return heldBy({ kind, name }, owner, token)
  }
}

function orGivenBack(made: Promise<Claim>, signal: AbortSignal): Promise<Claim> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason)
      // One that failed has left nothing.
      made.then(
        ({ lease }) => lease.end(),
        () => {},
      )
    }
    made.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

export function checkedLeaseMs(leaseMs: number = DEFAULT_LEASE_MS): number {
  if (Number.isInteger(leaseMs) && leaseMs >= MIN_LEASE_MS && leaseMs <= MAX_LEASE_MS) return leaseMs
  throw badOptions(`leaseMs (${String(leaseMs)}) must be a whole number from ${MIN_LEASE_MS} to ${MAX_LEASE_MS}`)
}

export function checkedWaitMs(waitMs: unknown, otherwise: number): number {
  if (waitMs === undefined) return otherwise
  if (typeof waitMs === 'number' && waitMs >= 0) return waitMs
  throw badOptions(`waitMs (${String(waitMs)}) must be a number, 0 or more`)
}

export function checkedName(name: unknown, what = 'a name'): string {
  const fits = typeof name === 'string' && name.isWellFormed() && name !== '' && Buffer.byteLength(name) <= 128
  if (fits) return name
  throw badOptions(`${what} is a text of 1 to 128 bytes`)
}

/** Of every call that claims something. */
export const leaseChecks: OptionChecks<LeaseOptions> = {
  ...waitChecks,
  leaseMs: (value) => problemOf(() => checkedLeaseMs(value as number)),
  owner: (value) => problemOf(() => checkedName(value, 'the owner')),
  waitMs: (value) => problemOf(() => checkedWaitMs(value, 0)),
}

/** What a check throws, as words that follow the option's name. */
function problemOf(check: () => unknown): string | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    return `is refused: ${(error as Error).message}`
  }
}

export function badOptions(problem: string): ClusterError {
  return new ClusterError('ERR_BAD_OPTIONS', problem, { problems: [problem] })
}

/** The caller's time for the whole call ends its wait, before `waitMs` does. */
function isShorter(wait: ClaimWait): boolean {
  return wait.timeoutMs !== undefined && wait.timeoutMs < wait.waitMs
}

function timedOut({ kind, name }: Claimed, timeoutMs: number): ClusterError {
  const details = { operation: `${kind}.wait`, timeoutMs }
  return new ClusterError('ERR_TIMEOUT', `the ${kind} '${name}' was not free within ${timeoutMs} ms`, details)
}

function heldBy({ kind, name }: Claimed, owner: string, token: number): ClusterError {
  const by = owner === '' ? 'others' : `'${owner}'`
  return new ClusterError('ERR_LOCK_HELD', `the ${kind} '${name}' is held by ${by}`, { name, owner, token })
}

function lostWhileWaiting({ kind, name }: Claimed): ClusterError {
  const message = `the claim on ${kind} '${name}' was lost while it waited`
  return new ClusterError('ERR_LEASE_LOST', message, { lease: name, fencingToken: 0 })
}

function refused({ kind, name }: { kind: ClaimKind; name: string }, reason: string): ClusterError {
  switch (reason) {
    case 'too-many-claims':
    case 'too-many-waiting':
      return new ClusterError('ERR_BUFFER_FULL', `there are too many claims (${reason})`, {
        queue: 'claims',
        limit: 4_096,
      })
    case 'limit-differs':
      return badOptions(`others name another number for the ${kind} '${name}'`)
    default:
      return badOptions(`the ${kind} '${name}' is refused: ${reason}`)
  }
}
