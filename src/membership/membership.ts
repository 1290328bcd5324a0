// Membership at work: the SWIM core and the overlay, fed by links and clocks. SWIM says who is a member and in which
// state; the overlay says to whom links are to be held; here both are obeyed. It starts once this node is admitted.

import {
  type MemberRecord,
  type Overlay,
  type Random,
  Swim,
  type SwimEvent,
  type SwimInput,
  type SwimMessage,
  type SwimOptions,
} from '../../topology/index.ts'
import type { Links } from '../links/links.ts'
import type { Clock } from '../runtime/clock.ts'
import { Mailbox } from '../runtime/mailbox.ts'
import { NamedTimers } from '../runtime/named-timers.ts'
import type { Turn } from '../runtime/turn.ts'

export interface MembershipOptions {
  readonly self: MemberRecord
  readonly swim: SwimOptions
  readonly overlay: Overlay
  readonly links: Links
  readonly clock: Clock
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
  readonly #overlayTimers: NamedTimers
  /** Whom the overlay wants a link to. */
  readonly #wanted = new Set<string>()
  #isClosed = false

  constructor(options: MembershipOptions) {
    const { self, swim, clock, random, turn, pinned } = options
    this.#options = options
    this.#swim = new Swim({ self, known: [], options: swim, random, pinned })
    this.#mailbox = new Mailbox((input) => this.#take(input))
    this.#timers = new NamedTimers(clock, (timer) => turn.enter(() => this.put({ type: 'timer', timer })))
    this.#overlayTimers = new NamedTimers(clock, (timer) =>
      turn.enter(() => this.#stepOverlay({ type: 'timer', timer })),
    )
  }

  /** `linked`: peers of this cluster to whom links are up already. */
  start(linked: readonly string[]): void {
    this.#execute(this.#swim.start(this.#options.clock.now()))
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

  connected(peer: string): void {
    this.#stepOverlay({ type: 'connected', peer })
    this.put({ type: 'connected', peer })
  }

  disconnected(peer: string, announced: boolean): void {
    this.put({ type: 'disconnected', peer, announced })
    this.#stepOverlay({ type: 'disconnected', peer, announced })
    this.#call(peer)
  }

  close(): void {
    this.#isClosed = true
    this.#timers.clearAll()
    this.#overlayTimers.clearAll()
  }

  #take(input: SwimInput): void {
    if (!this.#isClosed) this.#execute(this.#swim.step(input, this.#options.clock.now()))
  }

  #execute(effects: ReturnType<Swim['step']>): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'send': {
          const isSent = this.#options.links.send(effect.to, { type: 'swim', message: effect.message })
          if (!isSent) this.#options.count('swim-no-link')
          break
        }
        case 'set-timer':
          this.#timers.set(effect.timer, effect.at)
          break
        case 'clear-timer':
          this.#timers.clear(effect.timer)
          break
        case 'emit':
          this.#handle(effect.event)
          break
        default:
          effect satisfies never
      }
    }
  }

  #handle(event: SwimEvent): void {
    if (event.type === 'dropped') this.#options.count(`swim-${event.reason}`)
    if (event.type === 'member' || event.type === 'forgotten') this.#follow()
    // A link to a member that is down is dead, or the verdict is wrong. A new one tells: it brings the whole table, which
    // a living member refutes at once.
    if (event.type === 'member' && event.reason === 'down') this.#options.links.disconnect(event.after.id, 'idle')
    if (event.type === 'member') this.#call(event.after.id)
    this.#options.onEvent(event)
  }

  /** Tells the overlay who there is, and SWIM whom to watch. */
  #follow(): void {
    this.#stepOverlay({ type: 'members', members: this.#swim.members() })
    this.put({ type: 'neighbors', peers: this.#options.overlay.neighbors() })
  }

  #stepOverlay(input: Parameters<Overlay['step']>[0]): void {
    if (this.#isClosed) return
    for (const effect of this.#options.overlay.step(input, this.#options.clock.now())) {
      switch (effect.type) {
        case 'link':
          this.#wanted.add(effect.peer)
          this.#call(effect.peer, effect.after)
          break
        case 'unlink':
          this.#wanted.delete(effect.peer)
          this.#options.links.dropMember(effect.peer)
          this.#options.links.disconnect(effect.peer, 'idle')
          break
        case 'set-timer':
          this.#overlayTimers.set(effect.timer, effect.at)
          break
        case 'clear-timer':
          this.#overlayTimers.clear(effect.timer)
          break
        case 'send':
        case 'emit':
          // The full mesh has nothing to say; overlays that do bring their messages' numbers with them.
          break
        default:
          effect satisfies never
      }
    }
  }

  #call(peer: string, afterMs = 0): void {
    const member = this.#swim.member(peer)
    // Whoever goes for good calls nobody back that hangs up on it.
    if (!member || !this.#wanted.has(peer) || this.hasLeft(this.#options.self.id)) return
    this.#options.links.callMember(peer, member.address, member.state === 'down' ? 'remembered' : 'eager', afterMs)
  }
}
