// Membership at work: the SWIM core, fed by links and clocks, and the overlays, fed by it. SWIM says who is a member
// and in which state; the overlays say to whom links are to be held. It starts once this node is admitted.

import {
  type EvidenceView,
  type MemberRecord,
  type Random,
  type Signatures,
  Swim,
  type SwimEvent,
  type SwimInput,
  type SwimMessage,
  type SwimOptions,
} from '../../topology/index.ts'
import type { Relay } from '../channels/relay.ts'
import type { Holds } from '../links/holds.ts'
import type { Links } from '../links/links.ts'
import type { Time } from '../runtime/clock.ts'
import { Mailbox } from '../runtime/mailbox.ts'
import { NamedTimers } from '../runtime/named-timers.ts'
import type { Turn } from '../runtime/turn.ts'
import { Monitors } from './monitors.ts'
import type { Overlays } from './overlays.ts'
import { swimEnvelope } from './swim-envelope.ts'

/** The reason for which voters hold the links to each other. */
const PINNED = 'voters'
/** Who monitors whom is found out anew this long after something changed: many change at once. */
const WATCH_DELAY_MS = 300
const WATCH = 'watch'

export interface MembershipOptions {
  readonly self: MemberRecord
  /** How members prove what they say of themselves. */
  readonly signing?: Signatures
  readonly swim: SwimOptions
  readonly overlays: Overlays
  readonly holds: Holds
  readonly relay: Pick<Relay, 'send'>
  readonly links: Links
  readonly clock: Time
  readonly random: Random
  readonly turn: Turn
  /** Ids that are never forgotten: the voters. */
  readonly pinned: readonly string[]
  readonly onEvent: (event: SwimEvent) => void
  readonly count: (reason: string) => void
}

export class Membership {
  readonly #options: MembershipOptions
  readonly #swim: Swim
  readonly #mailbox: Mailbox<SwimInput>
  readonly #timers: NamedTimers
  #voters: readonly string[] = []
  #neighbors: ReadonlySet<string> = new Set()
  readonly #monitors: Monitors
  readonly #watchTimer: NamedTimers
  #isClosed = false

  constructor(options: MembershipOptions) {
    const { self, signing, swim, clock, random, turn, pinned } = options
    this.#options = options
    this.#swim = new Swim({ self, known: [], options: swim, random, pinned, ...(signing ? { signing } : {}) })
    this.#mailbox = new Mailbox((input) => this.#take(input))
    this.#monitors = new Monitors({ self: self.id, holds: options.holds })
    this.#watchTimer = new NamedTimers(clock, () => turn.enter(() => this.#watch()))
    this.#timers = new NamedTimers(clock, (timer) => turn.enter(() => this.put({ type: 'timer', timer })))
  }

  /** `linked`: peers of this cluster to whom links are up already. */
  start(linked: readonly string[]): void {
    this.#execute(this.#swim.start(this.#options.clock.now()))
    this.setVoters(this.#options.pinned)
    this.#follow()
    for (const peer of linked) this.connected(peer)
  }

  /** Everyone known, this node included. */
  members(): readonly MemberRecord[] {
    return this.#swim.members()
  }

  member(id: string): MemberRecord | undefined {
    return this.#swim.member(id)
  }

  /** What is held against a member in its present incarnation. */
  evidence(id: string): EvidenceView | undefined {
    return this.#swim.evidenceView(id)
  }

  /** Others may tell of it before its own goodbye arrives; then the link to it is closed from here. */
  hasLeft(id: string): boolean {
    return this.#swim.member(id)?.state === 'left'
  }

  /** One input for SWIM: evidence, absence, condition, leave. */
  put(input: SwimInput): void {
    if (!this.#isClosed) this.#mailbox.put(input)
  }

  receive(from: string, message: SwimMessage): void {
    this.put({ type: 'message', from, message })
  }

  /** Voters keep links to each other in every topology, and are never forgotten. */
  setVoters(voters: readonly string[]): void {
    const { self, overlays, holds } = this.#options
    if (voters.join() === this.#voters.join()) return
    this.#voters = voters
    overlays.setVoters(voters)
    this.put({ type: 'pinned', members: voters })
    const pinned = voters.includes(self.id) ? voters.filter((id) => id !== self.id) : []
    for (const peer of holds.heldFor(PINNED)) if (!pinned.includes(peer)) holds.release(peer, PINNED)
    for (const peer of pinned) holds.hold(peer, PINNED, 'pinned')
  }

  /** The overlays may want other neighbors, who are to be probed; and others are to be monitored. */
  overlaysChanged(): void {
    if (this.#isClosed) return
    const { clock, overlays } = this.#options
    const peers = overlays.neighbors()
    const isSame = peers.length === this.#neighbors.size && peers.every((peer) => this.#neighbors.has(peer))
    if (!isSame) {
      this.#neighbors = new Set(peers)
      this.put({ type: 'neighbors', peers })
    }
    if (!this.#watchTimer.has(WATCH)) this.#watchTimer.set(WATCH, clock.now() + WATCH_DELAY_MS)
  }

  connected(peer: string): void {
    this.#options.holds.up(peer)
    this.#options.overlays.connected(peer)
    this.put({ type: 'connected', peer })
  }

  disconnected(peer: string, announced: boolean): void {
    this.put({ type: 'disconnected', peer, announced })
    this.#options.overlays.disconnected(peer, announced)
  }

  close(): void {
    this.#isClosed = true
    this.#timers.clearAll()
    this.#watchTimer.clearAll()
  }

  #take(input: SwimInput): void {
    if (!this.#isClosed) this.#execute(this.#swim.step(input, this.#options.clock.now()))
  }

  #execute(effects: ReturnType<Swim['step']>): void {
    let isFollowed = false
    for (const effect of effects) {
      switch (effect.type) {
        case 'send':
          this.#send(effect.to, effect.message)
          break
        case 'set-timer':
          this.#timers.set(effect.timer, effect.at)
          break
        case 'clear-timer':
          this.#timers.clear(effect.timer)
          break
        case 'emit':
          // The table holds all of the step by now: whatever else it brings, the overlays need to look once.
          if (!isFollowed && (effect.event.type === 'member' || effect.event.type === 'forgotten')) {
            isFollowed = true
            this.#follow()
          }
          this.#handle(effect.event)
          break
        default:
          effect satisfies never
      }
    }
  }

  #handle(event: SwimEvent): void {
    if (event.type === 'dropped') this.#options.count(`swim-${event.reason}`)
    // A link to a member that is down is dead, or the verdict is wrong. A new one tells: it brings the whole table,
    // which a living member refutes at once.
    if (event.type === 'member' && event.reason === 'down') this.#options.links.disconnect(event.after.id, 'idle')
    // Whoever has left may still believe that it needs the link: it is told otherwise.
    if (event.type === 'member' && event.reason === 'left' && event.after.id !== this.#options.self.id)
      this.#options.links.release(event.after.id)
    if (event.type === 'member') this.#options.holds.call(event.after.id)
    this.#options.onEvent(event)
  }

  /** Where not everybody is a neighbor, whoever is none is reached by a relay. */
  #send(to: string, message: SwimMessage): void {
    const { self, links, overlays, relay, count } = this.#options
    if (links.send(to, { type: 'swim', message })) return
    const isFar = overlays.isSparse && !this.#neighbors.has(to)
    const source = { id: self.id, generation: self.incarnation.generation }
    // Who signs what it says reads what others have signed.
    const reads = this.#swim.member(to)?.signature === undefined ? 'unsigned' : 'signed'
    if (!isFar || !relay.send(swimEnvelope(source, to, message, reads))) count('swim-no-link')
  }

  /** Tells the overlays who there is; what they make of it comes back by {@link overlaysChanged}. */
  #follow(): void {
    this.#options.overlays.setMembers(this.#swim.members())
    this.overlaysChanged()
  }

  #watch(): void {
    const { overlays } = this.#options
    const peers = this.#monitors.update(this.#swim.members(), [...this.#neighbors], overlays.isSparse)
    this.put({ type: 'monitored', peers })
  }
}
