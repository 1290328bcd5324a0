// What the parts of membership share: the table, the open suspicions, what is to be told, and the effects of the
// running step. The parts decide; this only keeps.

import { invariant } from '../invariant.ts'
import { Timers } from '../timers.ts'
import type { MemberId, MemberRecord, Random } from '../types.ts'
import type { SwimDropReason, SwimEffect, SwimEvent } from './core.ts'
import { Dissemination } from './dissemination.ts'
import { LocalHealth } from './local-health.ts'
import { MemberTable } from './member-table.ts'
import type { SwimMessage } from './messages.ts'
import type { SwimOptions } from './options.ts'
import type { SwimRules } from './rules.ts'
import { type Signing, signed } from './signatures.ts'
import { StalledMembers } from './stalled-members.ts'
import type { Suspicion } from './suspicion.ts'

/** News that are told at once in one interval of gossip. A guess: what one crash leads to, and some more. */
const HURRIES = 5

export class SwimState {
  readonly id: MemberId
  readonly options: SwimOptions
  readonly rules: SwimRules
  readonly random: Random
  readonly signing: Signing
  readonly health: LocalHealth
  readonly table = new MemberTable()
  readonly queue = new Dissemination()
  /** Evidence by member: open suspicions, and what the verdict on a member that is down rests on. */
  readonly suspicions = new Map<MemberId, Suspicion>()
  readonly stalled = new StalledMembers()
  readonly linked = new Set<MemberId>()
  /** Who came since all were told; defined while members gather. */
  newcomers: Set<MemberId> | undefined
  /** Links that the overlays want. */
  wantedLinks = 0
  pinned: ReadonlySet<MemberId> = new Set()
  /** Something was learned in this step that others may not know. */
  hasNews = false
  /** Something changed in this step on which a verdict by refusals rests. */
  mustJudge = false
  /** The newest generation of ours that another copy was heard with. */
  supersededBy = 0
  /** Who has said so; no more than there are links. */
  readonly supersededTellers = new Set<MemberId>()
  readonly timers = new Timers((effect) => this.#effects.push(effect))
  #effects: SwimEffect[] = []
  #hurries = 0
  #hurriesSince = Number.NEGATIVE_INFINITY

  constructor(self: MemberRecord, options: SwimOptions, random: Random, rules: SwimRules, signing: Signing) {
    this.id = self.id
    this.options = options
    this.random = random
    this.rules = rules
    this.signing = signing
    this.health = new LocalHealth(options)
    this.table.set(signed(signing, self))
  }

  get self(): MemberRecord {
    const self = this.table.get(this.id)
    invariant(self, 'a member knows itself')
    return self
  }

  get hasLeft(): boolean {
    return this.self.state === 'left'
  }

  /** Something may be told at once; counted. */
  mayHurry(now: number): boolean {
    if (now - this.#hurriesSince >= this.options.gossipIntervalMs) {
      this.#hurriesSince = now
      this.#hurries = 0
    }
    return ++this.#hurries <= HURRIES
  }

  send(to: MemberId, message: SwimMessage): void {
    this.#effects.push({ type: 'send', to, message })
  }

  emit(event: SwimEvent): void {
    this.#effects.push({ type: 'emit', event })
  }

  drop(from: MemberId, reason: SwimDropReason): void {
    this.emit({ type: 'dropped', from, reason })
  }

  /** The effects of the step that ends; never kept. */
  takeEffects(): SwimEffect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }
}
