// The leader's part in a switch of the topology (design rule 9). It acts on what its log says and on nothing else: a
// switch is there once its entry is applied, and over once the entry that ends it is. So a new leader finds in the log
// what the former one left, and goes on from there.
//
//   log: proposed ──> preparing ── all required have prepared ──> verifying ── all were reached ──> propose commit ─┐
//                        │                                            │                                            │
//                        └──── deadline, or somebody cannot ──────────┴──> propose abort ──────────────────────────┤
//                                                                                                                  ▼
//                   settled <── all have adopted and closed, or had the time to <── wrap-up <── log: committed, aborted

import { Timers } from '../timers.ts'
import type { MemberId, MemberState } from '../types.ts'
import type { AbortReason, LeaderEffect, LeaderInput, PendingSwitch, SwitchCommand } from './core.ts'
import type { SwitchMessage } from './messages.ts'
import { Progress } from './progress.ts'
import { WrapUp } from './wrap-up.ts'

/** What was not answered is said again after this long. */
const REPEAT_MS = 300
/**
 * The first round of verification; each that does not reach everybody is followed by one twice as long, up to the
 * longest.
 */
const FIRST_ROUND_MS = 250
const LONGEST_ROUND_MS = 2_000
/** A switch that an earlier leader left behind gets this long at most: its caller has waited already. */
const INHERITED_MS = 10_000

interface Run {
  readonly proposal: PendingSwitch
  readonly began: number
  readonly deadline: number
  readonly progress: Progress
  round: number
  roundBegan: number
  /** What was proposed to end it; nothing else is proposed while that is on its way. */
  ending: SwitchCommand | undefined
  /**
   * Nothing is proposed before: a log that has just refused, as while leadership is handed over, would refuse at once
   * again.
   */
  proposesFrom: number
  readonly struck: Set<MemberId>
}

type Log = Extract<LeaderInput, { type: 'log' }>

/**
 * The leader of a cluster, from one switch to the next. Every node has one; it does nothing while its node does not
 * lead.
 */
export class SwitchLeader {
  readonly #self: MemberId
  #leads = false
  #log: Log = { type: 'log', leads: false, epoch: 0, name: '', proposal: undefined, history: [] }
  #states: ReadonlyMap<MemberId, MemberState> = new Map()
  #run: Run | undefined
  #wrapUp: WrapUp | undefined
  readonly #timers = new Timers((effect) => this.#effects.push(effect))
  #effects: LeaderEffect[] = []

  constructor(self: MemberId) {
    this.#self = self
  }

  step(input: LeaderInput, now: number): LeaderEffect[] {
    switch (input.type) {
      case 'log':
        this.#follow(input, now)
        break
      case 'members':
        this.#states = input.states
        break
      case 'message':
        this.#receive(input.from, input.message, now)
        break
      case 'incapable':
        this.#run?.progress.refuse(input.from, 'older-version', now)
        this.#wrapUp?.heard(input.from, 'closed')
        break
      case 'proposal-lost':
        if (this.#run) Object.assign(this.#run, { ending: undefined, proposesFrom: now + REPEAT_MS })
        this.#run?.struck.clear()
        break
      case 'timer':
        this.#timers.expires(input.timer, now)
        break
      default:
        input satisfies never
    }
    this.#advance(now)
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  /** Invariant: there is a run exactly while this node leads and its log has a switch under way. */
  #follow(log: Log, now: number): void {
    const isNew = log.leads && !this.#leads
    this.#leads = log.leads
    this.#log = log
    if (!log.leads) {
      this.#run = undefined
      this.#wrapUp = undefined
      this.#timers.clearAll()
      return
    }
    const { proposal } = log
    if (this.#run && this.#run.proposal.index !== proposal?.index) this.#end(this.#run, now)
    if (proposal && !this.#run) this.#begin(proposal, isNew, now)
    this.#run?.progress.require(proposal?.required ?? [], now)
  }

  #begin(proposal: PendingSwitch, isInherited: boolean, now: number): void {
    const lasts = isInherited ? Math.min(proposal.timeoutMs, INHERITED_MS) : proposal.timeoutMs
    const progress = new Progress(proposal.required, now)
    const began = { began: now, deadline: now + lasts, round: 0, roundBegan: 0, proposesFrom: now }
    this.#run = { proposal, ...began, progress, ending: undefined, struck: new Set() }
    this.#settle()
    this.#emit({ type: 'phase', proposal: proposal.index, phase: 'preparing' })
  }

  #end(run: Run, now: number): void {
    const past = this.#log.history.find(({ index }) => index === run.proposal.index)
    this.#run = undefined
    // Forgotten by the log already: then it has ended long ago, and whoever prepared learns it from the record.
    if (!past) return
    this.#emit({ type: 'ended', past, durationMs: now - run.began })
    this.#wrapUp = new WrapUp(past, run.progress, run.deadline, now)
  }

  #receive(from: MemberId, message: SwitchMessage, now: number): void {
    if (!this.#leads) return
    const progress = this.#run?.proposal.index === message.proposal ? this.#run.progress : undefined
    switch (message.type) {
      case 'prepared':
        progress?.prepare(from, now)
        break
      case 'verified':
        if (message.round === this.#run?.round) progress?.verify(from, now)
        break
      case 'refused':
        progress?.refuse(from, message.reason === 'unknown-topology' ? message.reason : 'older-version', now)
        break
      case 'adopted':
      case 'closed':
        if (this.#wrapUp?.past.index === message.proposal) this.#wrapUp.heard(from, message.type)
        break
      case 'ask':
        this.#answer(from, message.proposal)
        break
      default:
        // The member's part.
        break
    }
  }

  /**
   * A proposal that the log does not know was never committed, or is forgotten: what is agreed now tells the member
   * which.
   */
  #answer(from: MemberId, proposal: number): void {
    const { epoch, name, history, proposal: pending } = this.#log
    if (pending?.index === proposal) {
      this.#sendPrepare(pending, from)
      return
    }
    const outcome = history.find(({ index }) => index === proposal)?.outcome ?? 'aborted'
    this.#send(from, { type: 'decided', proposal, outcome, epoch, name })
  }

  #advance(now: number): void {
    if (this.#run) this.#advanceRun(this.#run, now)
    else if (this.#wrapUp) this.#advanceWrapUp(this.#wrapUp, now)
    else this.#timers.clear('repeat')
  }

  #advanceRun(run: Run, now: number): void {
    if (now >= run.proposesFrom) this.#strikeGone(run)
    const { progress, proposal } = run
    const wasPreparing = run.round === 0
    if (progress.refusal) this.#propose(run, abort(proposal, progress.refusal), now)
    else if (progress.isVerified) this.#propose(run, { type: 'commit-topology', proposal: proposal.index }, now)
    else if (now >= run.deadline)
      this.#propose(run, abort(proposal, progress.isPrepared ? 'not-reached' : 'not-prepared'), now)
    else if (progress.isPrepared) this.#verify(run, now)
    else for (const member of progress.due(now, REPEAT_MS)) this.#sendPrepare(proposal, member)
    if (wasPreparing && run.round > 0) this.#emit({ type: 'phase', proposal: proposal.index, phase: 'verifying' })
    const again = now + REPEAT_MS
    this.#timers.set('repeat', now < run.deadline ? Math.min(again, run.deadline) : again)
  }

  #strikeGone(run: Run): void {
    for (const member of run.progress.required) {
      const state = this.#states.get(member)
      const isGone = state === 'down' || state === 'left'
      if (!isGone || run.struck.has(member)) continue
      run.struck.add(member)
      this.#effects.push({
        type: 'propose',
        command: { type: 'strike-member', proposal: run.proposal.index, member },
      })
    }
  }

  #verify(run: Run, now: number): void {
    const lasts = Math.min(FIRST_ROUND_MS * 2 ** Math.max(0, run.round - 1), LONGEST_ROUND_MS)
    if (run.round > 0 && now < run.roundBegan + lasts) return
    run.round += 1
    run.roundBegan = now
    run.progress.newRound()
    this.#send(this.#self, { type: 'verify', proposal: run.proposal.index, round: run.round })
  }

  #propose(run: Run, command: SwitchCommand, now: number): void {
    if (run.ending || now < run.proposesFrom) return
    run.ending = command
    this.#effects.push({ type: 'propose', command })
  }

  #advanceWrapUp(wrapUp: WrapUp, now: number): void {
    const { past } = wrapUp
    const { epoch, name } = this.#log
    const isThere = (member: MemberId): boolean => {
      const state = this.#states.get(member)
      return state === 'alive' || state === 'suspect'
    }
    for (const { member, wants } of wrapUp.due(isThere, now, REPEAT_MS)) {
      const message: SwitchMessage =
        wants === 'adopted'
          ? { type: 'decided', proposal: past.index, outcome: past.outcome, epoch, name }
          : { type: 'close', proposal: past.index }
      this.#send(member, message)
    }
    if (wrapUp.isOver(isThere, now)) {
      this.#timers.clear('repeat')
      this.#settle()
      return
    }
    if (now >= wrapUp.tellBy) this.#tell(wrapUp)
    const again = now + REPEAT_MS
    this.#timers.set('repeat', wrapUp.isTold ? again : Math.min(again, wrapUp.tellBy))
  }

  /**
   * Whoever waits for the end of a switch hears it, also when the next one begins before all have said that they
   * adopted this one.
   */
  #settle(): void {
    const wrapUp = this.#wrapUp
    this.#wrapUp = undefined
    if (wrapUp) this.#tell(wrapUp)
  }

  #tell(wrapUp: WrapUp): void {
    if (wrapUp.isTold) return
    wrapUp.isTold = true
    this.#emit({ type: 'settled', past: wrapUp.past, members: wrapUp.report() })
  }

  #sendPrepare({ index, to }: PendingSwitch, member: MemberId): void {
    this.#send(member, { type: 'prepare', proposal: index, epoch: this.#log.epoch + 1, from: this.#log.name, to })
  }

  #send(to: MemberId, message: SwitchMessage): void {
    this.#effects.push({ type: 'send', to, message })
  }

  #emit(event: Extract<LeaderEffect, { type: 'emit' }>['event']): void {
    this.#effects.push({ type: 'emit', event })
  }
}

function abort({ index }: PendingSwitch, reason: AbortReason): SwitchCommand {
  return { type: 'abort-topology', proposal: index, reason }
}
