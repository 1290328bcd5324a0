// A member's part in a switch of the topology (design rule 9). It opens the new overlay beside the old one, says so,
// and keeps both until it learns what the log says; nothing else, no deadline and no silence, makes it let go of
// either.
//
//            prepare                verify                 decided: committed
//   stable ──────────▶ preparing ──────────▶ verifying ──────────────────────▶ draining ──▶ stable
//      ▲                   │                     │                               ▲  close, or its time is over
//      └───────────────────┴─────────────────────┘                               │
//              decided: aborted                     agreed in a later epoch ─────┘  (from any phase: it was away)

import type { MemberId } from '../types.ts'
import type { MemberEffect, MemberInput, MemberPhase } from './core.ts'
import type { SwitchMessage } from './messages.ts'

/** A member that hears nothing of its switch for this long asks. */
const ASK_AFTER_MS = 1_500
/**
 * The former overlay is kept this long at most after the new one has formed, unless the leader says earlier that it may
 * go.
 */
const DRAIN_MS = 2_000
/** And this long when the new one does not form: both are better than none. */
const DRAIN_UNFORMED_MS = 15_000

interface OpenOverlay {
  readonly key: number
  readonly epoch: number
  readonly name: string
}

interface Preparing extends OpenOverlay {
  proposal: number
  leader: MemberId
  isFormed: boolean
  neighbors: readonly MemberId[]
  /** The last round of verification that was passed on. */
  round: number
}

type Of<Type extends SwitchMessage['type']> = Extract<SwitchMessage, { type: Type }>

/** One member, from one overlay to the next. */
export class SwitchMember {
  readonly #knows: (name: string) => boolean
  #current: OpenOverlay
  #lastKey = 0
  #leftBehind = 0
  #isFormed = false
  #preparing: Preparing | undefined
  #draining: (OpenOverlay & { since: number }) | undefined
  #leader: MemberId | undefined
  #effects: MemberEffect[] = []

  /**
   * `current`: what this member begins with, open and in use under the key 0. `knows`: whether it can make an overlay
   * of that name.
   */
  constructor(current: { readonly epoch: number; readonly name: string }, knows: (name: string) => boolean) {
    this.#current = { key: 0, ...current }
    this.#knows = knows
  }

  get current(): OpenOverlay {
    return this.#current
  }

  get phase(): MemberPhase {
    if (this.#preparing) return this.#preparing.round > 0 ? 'verifying' : 'preparing'
    return this.#draining ? 'draining' : 'stable'
  }

  step(input: MemberInput, now: number): MemberEffect[] {
    switch (input.type) {
      case 'message':
        this.#receive(input.from, input.message, now)
        break
      case 'timer':
        if (input.timer === 'ask') this.#ask(now)
        else if (input.timer === 'drain') this.#considerClosing(now)
        break
      case 'agreed':
        this.#agreed(input.epoch, input.name, input.leader, now)
        break
      case 'overlay':
        this.#overlay(input, now)
        break
      default:
        input satisfies never
    }
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  #receive(from: MemberId, message: SwitchMessage, now: number): void {
    switch (message.type) {
      case 'prepare':
        this.#prepare(from, message, now)
        break
      case 'verify':
        this.#verify(from, message, now)
        break
      case 'decided':
        this.#decided(from, message, now)
        break
      case 'close':
        this.#closeDrained()
        this.#send(from, { type: 'closed', proposal: message.proposal })
        break
      default:
        // The leader's part.
        break
    }
  }

  #prepare(from: MemberId, { proposal, epoch, from: agreed, to }: Of<'prepare'>, now: number): void {
    if (epoch <= this.#current.epoch) return
    this.#adopt(epoch - 1, agreed, now)
    const known = this.#preparing
    if (known && known.proposal > proposal) return
    if (known?.proposal === proposal) this.#follow(known, from)
    // The same again, after one that was aborted unheard: what is open serves this one too.
    else if (known?.epoch === epoch && known.name === to) Object.assign(known, { proposal, leader: from, round: 0 })
    else if (this.#knows(to)) this.#open(from, { proposal, epoch, to })
    else this.#send(from, { type: 'refused', proposal, reason: 'unknown-topology' })
    if (this.#preparing?.proposal !== proposal) return
    this.#listen(now)
    if (this.#preparing.isFormed) this.#send(from, { type: 'prepared', proposal })
  }

  /** Another leader counts its rounds of verification from the beginning. */
  #follow(preparing: Preparing, leader: MemberId): void {
    if (preparing.leader === leader) return
    preparing.leader = leader
    preparing.round = 0
  }

  #open(leader: MemberId, { proposal, epoch, to }: { proposal: number; epoch: number; to: string }): void {
    // One that no leader speaks of any more has ended.
    this.#giveUp()
    this.#preparing = { ...this.#make(epoch, to), proposal, leader, isFormed: false, neighbors: [], round: 0 }
    this.#tellPhase()
  }

  #verify(from: MemberId, { proposal, round }: Of<'verify'>, now: number): void {
    const preparing = this.#preparing
    if (preparing?.proposal !== proposal || round <= preparing.round) return
    const isFirst = preparing.round === 0
    preparing.round = round
    this.#listen(now)
    this.#send(preparing.leader, { type: 'verified', proposal, round })
    for (const neighbor of preparing.neighbors) {
      if (neighbor !== from) this.#send(neighbor, { type: 'verify', proposal, round })
    }
    if (isFirst) this.#tellPhase()
  }

  #decided(from: MemberId, { proposal, outcome, epoch, name }: Of<'decided'>, now: number): void {
    if (outcome === 'aborted') {
      if (this.#preparing?.proposal === proposal) this.#abort()
    } else this.#adopt(epoch, name, now)
    this.#send(from, { type: 'adopted', proposal })
  }

  #agreed(epoch: number, name: string, leader: MemberId | undefined, now: number): void {
    this.#leader = leader
    if (name !== '') this.#adopt(epoch, name, now)
  }

  /**
   * A later epoch than the own one was agreed on; or, at the very beginning, another topology than this member took for
   * granted.
   */
  #adopt(epoch: number, name: string, now: number): void {
    const before = this.#current
    if (epoch < before.epoch || (epoch === before.epoch && name === before.name)) return
    if (this.#knows(name)) this.#change(epoch, name, now)
    else this.#stayBehind(epoch, name)
  }

  #change(epoch: number, name: string, now: number): void {
    const before = this.#current
    this.#closeDrained()
    const preparing = this.#preparing
    const isPrepared = preparing?.epoch === epoch && preparing.name === name
    this.#isFormed = isPrepared && preparing.isFormed
    this.#current = isPrepared ? preparing : this.#make(epoch, name)
    this.#draining = { ...before, since: now }
    this.#effects.push({ type: 'use', key: this.#current.key })
    if (isPrepared) this.#preparing = undefined
    // One for a later epoch goes on: this member was away, and only catches up.
    else if (preparing && preparing.epoch <= epoch) this.#giveUp()
    if (!this.#preparing) this.#effects.push({ type: 'clear-timer', timer: 'ask' })
    this.#effects.push({ type: 'set-timer', timer: 'drain', at: now + DRAIN_MS })
    this.#emit({ type: 'committed', epoch, from: before.name, to: name, isWitnessed: isPrepared })
    this.#tellPhase()
  }

  #make(epoch: number, name: string): OpenOverlay {
    const made = { key: ++this.#lastKey, epoch, name }
    this.#effects.push({ type: 'open', ...made })
    return made
  }

  #stayBehind(epoch: number, to: string): void {
    if (this.#leftBehind === epoch) return
    this.#leftBehind = epoch
    this.#emit({ type: 'left-behind', epoch, to })
  }

  #abort(): void {
    const { epoch, name } = this.#current
    const to = this.#preparing?.name ?? ''
    this.#giveUp()
    this.#emit({ type: 'aborted', epoch, from: name, to })
    this.#tellPhase()
  }

  #giveUp(): void {
    if (!this.#preparing) return
    this.#effects.push({ type: 'close', key: this.#preparing.key }, { type: 'clear-timer', timer: 'ask' })
    this.#preparing = undefined
  }

  #considerClosing(now: number): void {
    const draining = this.#draining
    if (!draining) return
    const at = draining.since + (this.#isFormed ? DRAIN_MS : DRAIN_UNFORMED_MS)
    if (now >= at) this.#closeDrained()
    else this.#effects.push({ type: 'set-timer', timer: 'drain', at })
  }

  #closeDrained(): void {
    if (!this.#draining) return
    this.#effects.push({ type: 'close', key: this.#draining.key }, { type: 'clear-timer', timer: 'drain' })
    this.#draining = undefined
    if (!this.#preparing) this.#tellPhase()
  }

  #overlay({ key, isFormed, neighbors }: Extract<MemberInput, { type: 'overlay' }>, now: number): void {
    if (key === this.#current.key) {
      this.#isFormed = isFormed
      if (isFormed) this.#considerClosing(now)
    }
    const preparing = this.#preparing
    if (preparing?.key !== key) return
    const isNews = isFormed && !preparing.isFormed
    preparing.isFormed = isFormed
    preparing.neighbors = neighbors
    if (isNews) this.#send(preparing.leader, { type: 'prepared', proposal: preparing.proposal })
  }

  #listen(now: number): void {
    this.#effects.push({ type: 'set-timer', timer: 'ask', at: now + ASK_AFTER_MS })
  }

  #ask(now: number): void {
    if (!this.#preparing) return
    if (this.#leader !== undefined) this.#send(this.#leader, { type: 'ask', proposal: this.#preparing.proposal })
    this.#listen(now)
  }

  #send(to: MemberId, message: SwitchMessage): void {
    this.#effects.push({ type: 'send', to, message })
  }

  #emit(event: Extract<MemberEffect, { type: 'emit' }>['event']): void {
    this.#effects.push({ type: 'emit', event })
  }

  #tellPhase(): void {
    this.#emit({ type: 'phase', phase: this.phase, to: this.#preparing?.name ?? this.#current.name })
  }
}
