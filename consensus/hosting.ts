// Who may host a singleton such as S5. Leadership alone is not enough: a deposed leader does not know it yet. Hosting
// needs (1) leadership, (2) an applied `activate` entry of the current term, whose log index is the fencing token, and
// (3) a lease: a majority answered a round sent less than `leaseMs` ago (thesis section 6.4.1). A new leader waits
// until the lease of its predecessor must be over before it proposes the activation, so that no two host at once.
//
//            won, log of earlier terms applied,                applied, lease held
//            lease held, predecessor's lease over
//   inactive ───────────────────────────────────▶ activating ──────────────────────▶ active ──┐ release
//      ▲ ▲                                            │                                │      ▼
//      │ └──────────── leadership lost ───────────────┴────────────────────────────────┤   draining
//      └── lease lapsed, away, superseded (the token is spent; a new one is proposed) ──┘      │
//      ▲────────────────────────────── leadership lost ────────────────────────────────────────┘
//
// From `draining` a host that is told to resume, because nobody took over, goes back to `activating`, for a new token.
//
// The driver gives `observe` in the same turn as every Raft step and every applied entry. It gives `away` in the turn
// of Raft's own when monotonic, wall and boot clock disagree; an absence that the monotonic clock has counted ends the
// lease by itself when it is long enough. It asks `holds` before every use of the token, and executes `stop` before
// anything else.

import type { RaftView } from './core.ts'
import type { ClusterCommand, SingletonRecord } from './machines/commands.ts'
import type { RaftOptions } from './options.ts'
import { type Predecessor, paperRules, type RaftRules } from './rules.ts'
import type { ApplyMeta } from './state-machine.ts'
import type { LogIndex, Term, VoterId } from './types.ts'

/** `lease`: when the lease held now will have run out. `activate`: when a wait before proposing is over. */
export type HostTimer = 'lease' | 'activate'

export type HostInput =
  /**
   * What Raft and the machine say now. `applied`: the last entry the machine has seen, no-ops included; index and term
   * 0 before the first.
   */
  | {
      readonly type: 'observe'
      readonly view: RaftView
      readonly record: SingletonRecord | undefined
      readonly applied: ApplyMeta
    }
  | { readonly type: 'timer'; readonly timer: HostTimer }
  /** The command last asked for was rejected, or its place in the log went to another entry. */
  | { readonly type: 'proposal-lost' }
  /** Stop for good in this term and let the successor start without a wait. */
  | { readonly type: 'release' }
  /** What the release was for did not come to pass, and this member leads on: it hosts again, with a new token. */
  | { readonly type: 'resume' }
  /** The process stood still, and its clock may not have counted it: a lease is as good as lapsed. */
  | { readonly type: 'away' }

/** Why a token ended. `superseded`: the log has another activation. */
export type StopReason = 'lease-lapsed' | 'leadership-lost' | 'superseded' | 'released' | 'away'

export type HostEffect =
  /** Propose this to Raft; answer with `proposal-lost` if it is rejected. */
  | { readonly type: 'propose'; readonly command: ClusterCommand }
  /** Host with this token, until `stop`. A token is started at most once. */
  | { readonly type: 'start'; readonly token: LogIndex }
  /** Stop before anything else is done: whoever comes next may start soon. */
  | { readonly type: 'stop'; readonly token: LogIndex; readonly reason: StopReason }
  | { readonly type: 'set-timer'; readonly timer: HostTimer; readonly at: number }
  | { readonly type: 'clear-timer'; readonly timer: HostTimer }

/** `activating`: this leader waits for a lease or for its entry. `draining`: released, until leadership ends. */
export type HostPhase = 'inactive' | 'activating' | 'active' | 'draining'

export interface HostSetup {
  readonly self: VoterId
  /** Name of the singleton, for example `s5`. */
  readonly singleton: string
  readonly options: Pick<RaftOptions, 'leaseMs' | 'drift' | 'heartbeatIntervalMs'>
  /** This member may host at all: else it leads without hosting, until it has handed over. Default: it may. */
  readonly mayHost?: () => boolean
  /** For simulations that break a rule on purpose. Default: {@link paperRules}. */
  readonly rules?: RaftRules
}

/** A host told of an absence takes none of it for counted. */
const unknownAbsence = Number.POSITIVE_INFINITY

/** Decides for one singleton whether this process is its host. Pure; the file's header says what the driver owes it. */
export class SingletonHost {
  readonly #self: VoterId
  readonly #singleton: string
  readonly #options: HostSetup['options']
  readonly #rules: RaftRules
  readonly #mayHost: () => boolean
  #effects: HostEffect[] = []

  #view: RaftView | undefined
  #record: SingletonRecord | undefined
  #appliedTerm: Term = 0
  /** The token that runs here. Invariant: above `#lastStopped`. */
  #running: LogIndex | undefined
  /** The largest token this process has stopped. It and all below it never start again. */
  #lastStopped: LogIndex = 0
  /** What is proposed and neither applied nor lost. */
  #proposed: 'activate' | 'release' | undefined
  /** After a lost proposal: not before this time again. */
  #proposeFrom = 0
  /** The term in which this host was asked to release; it hosts no more in that term. */
  #drained: Term | undefined
  /** Rounds sent before this time prove nothing: the process was away. */
  #verifiedFrom = Number.NEGATIVE_INFINITY
  #armed: { readonly [timer in HostTimer]: number | undefined } = { lease: undefined, activate: undefined }

  constructor(setup: HostSetup) {
    this.#self = setup.self
    this.#singleton = setup.singleton
    this.#options = setup.options
    this.#rules = setup.rules ?? paperRules
    this.#mayHost = setup.mayHost ?? (() => true)
  }

  step(input: HostInput, now: number): readonly HostEffect[] {
    // What has lapsed has lapsed, even when this very input brings a newer answer.
    if (this.#running !== undefined && !this.#leaseHolds(now)) this.#stop('lease-lapsed')
    switch (input.type) {
      case 'observe':
        this.#observe(input.view, input.record, input.applied)
        break
      case 'timer':
        this.#armed = { ...this.#armed, [input.timer]: undefined }
        break
      case 'proposal-lost':
        this.#proposed = undefined
        this.#proposeFrom = now + this.#options.heartbeatIntervalMs
        break
      case 'release':
        if (this.#view?.role === 'leader') this.#drained = this.#view.term
        this.#stop('released')
        break
      case 'resume':
        this.#drained = undefined
        if (this.#proposed === 'release') this.#proposed = undefined
        break
      case 'away':
        this.#verifiedFrom = now
        if (this.#view !== undefined && !this.#rules.countsRoundFromBeforeAway(unknownAbsence))
          this.#view = { ...this.#view, quorumAt: undefined }
        this.#stop('away')
        break
      default:
        input satisfies never
    }
    this.#settle(now)
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  /**
   * Whether this process may use `token` at this instant. Asked before every read of the token and every send in its
   * name.
   */
  holds(now: number): boolean {
    return this.#running !== undefined && this.#leaseHolds(now)
  }

  /** The token that runs here, whether or not its lease still holds; undefined when none does. */
  get token(): LogIndex | undefined {
    return this.#running
  }

  phase(now: number): HostPhase {
    if (this.#view?.role !== 'leader' || !this.#mayHost()) return 'inactive'
    if (this.#drained === this.#view.term) return 'draining'
    return this.holds(now) ? 'active' : 'activating'
  }

  #observe(view: RaftView, record: SingletonRecord | undefined, applied: ApplyMeta): void {
    const led = this.#view?.role === 'leader' ? this.#view.term : undefined
    const leads = view.role === 'leader' ? view.term : undefined
    this.#view = view
    this.#record = record
    this.#appliedTerm = applied.term
    if (led === leads) return
    this.#proposed = undefined
    this.#proposeFrom = 0
    this.#drained = undefined
    this.#stop('leadership-lost')
  }

  /** Brings what runs here in line with what is known; the same facts twice change nothing. */
  #settle(now: number): void {
    const record = this.#record
    if (this.#running !== undefined && (record?.token !== this.#running || record.released)) this.#stop('superseded')
    const view = this.#view
    if (view?.role !== 'leader') {
      this.#clear('activate')
    } else if (this.#drained === view.term) {
      this.#settleRelease(view.term, now)
    } else if (this.#running === undefined && this.#mayHost()) {
      this.#settleActivation(view, now)
    }
    if (this.#running === undefined) this.#clear('lease')
    else if (this.#armed.lease === undefined) this.#arm('lease', (view?.quorumAt ?? now) + this.#options.leaseMs, now)
  }

  #settleActivation(view: RaftView, now: number): void {
    const record = this.#record
    if (this.#ownsUnspentToken(view.term) && record !== undefined) {
      this.#proposed = undefined
      this.#clear('activate')
      if (!this.#leaseHolds(now)) return
      this.#running = record.token
      this.#effects.push({ type: 'start', token: record.token })
      return
    }
    if (this.#proposed !== undefined || !this.#leaseHolds(now)) return
    if (!this.#rules.knowsPredecessor(this.#appliedTerm, view.term)) return
    const { leaseMs, drift } = this.#options
    const since = view.leaderSince ?? now
    const mayActivate = this.#rules.mayActivate(now - since, leaseMs, drift, this.#predecessor())
    if (!mayActivate) {
      this.#arm('activate', since + leaseMs * (1 + drift), now)
    } else if (now < this.#proposeFrom) {
      this.#arm('activate', this.#proposeFrom, now)
    } else {
      this.#proposed = 'activate'
      this.#clear('activate')
      this.#propose({ type: 'activate', singleton: this.#singleton, host: this.#self, term: view.term })
    }
  }

  /** A token of ours that nobody runs is given back, one that was still on its way when the release came too. */
  #settleRelease(term: Term, now: number): void {
    const record = this.#record
    const isOurs = record !== undefined && record.host === this.#self && !record.released
    const isIdle = isOurs && (record.token <= this.#lastStopped || record.term === term)
    if (isIdle && this.#proposed !== 'release' && now < this.#proposeFrom) {
      this.#arm('activate', this.#proposeFrom, now)
      return
    }
    this.#clear('activate')
    if (!isIdle || this.#proposed === 'release') return
    this.#lastStopped = Math.max(this.#lastStopped, record.token)
    this.#proposed = 'release'
    this.#propose({ type: 'release', singleton: this.#singleton, token: record.token })
  }

  #ownsUnspentToken(term: Term): boolean {
    const record = this.#record
    if (record === undefined || record.host !== this.#self || record.released) return false
    return this.#rules.mayStart(record.token, record.term, term, this.#lastStopped)
  }

  #predecessor(): Predecessor {
    const record = this.#record
    if (record === undefined || record.token === 0) return 'none'
    if (record.released) return 'released'
    return record.host === this.#self && record.token <= this.#lastStopped ? 'stopped-here' : 'unknown'
  }

  #leaseHolds(now: number): boolean {
    const view = this.#view
    if (view?.role !== 'leader' || view.quorumAt === undefined) return false
    if (view.quorumAt < this.#verifiedFrom && !this.#rules.countsRoundFromBeforeAway(unknownAbsence)) return false
    return this.#rules.holdsLease(now, view.quorumAt, this.#options.leaseMs)
  }

  #stop(reason: StopReason): void {
    if (this.#running === undefined) return
    this.#effects.push({ type: 'stop', token: this.#running, reason })
    this.#lastStopped = Math.max(this.#lastStopped, this.#running)
    this.#running = undefined
  }

  #propose(command: ClusterCommand): void {
    this.#effects.push({ type: 'propose', command })
  }

  /** Set once per purpose: a lease that was renewed meanwhile is found so, and the timer set anew. */
  #arm(timer: HostTimer, wanted: number, now: number): void {
    if (this.#armed[timer] === wanted) return
    // Rounding may call a moment early that the timer took for due: look again soon, but not at once for ever.
    const at = wanted > now ? wanted : now + this.#options.heartbeatIntervalMs
    this.#armed = { ...this.#armed, [timer]: at }
    this.#effects.push({ type: 'set-timer', timer, at })
  }

  #clear(timer: HostTimer): void {
    if (this.#armed[timer] === undefined) return
    this.#armed = { ...this.#armed, [timer]: undefined }
    this.#effects.push({ type: 'clear-timer', timer })
  }
}
