// One overlay at work: its inputs come from membership and links, its effects become holds, timers and messages to the
// same overlay on other members. It lives from `open` to `close` of an epoch; during a switch there are two of them.

import type { OverlayDefinition, OverlayEffect, OverlayEvent, OverlayInput, Random } from '../../topology/index.ts'
import type { Holds } from '../links/holds.ts'
import type { Links } from '../links/links.ts'
import type { Time } from '../runtime/clock.ts'
import { Mailbox } from '../runtime/mailbox.ts'
import { NamedTimers } from '../runtime/named-timers.ts'
import type { Turn } from '../runtime/turn.ts'

export interface OverlayHostOptions {
  readonly self: string
  /** Names this overlay among those of this node. */
  readonly key: number
  readonly epoch: number
  readonly definition: OverlayDefinition<unknown>
  readonly links: Pick<Links, 'send'>
  readonly holds: Pick<Holds, 'hold' | 'release' | 'releaseAll'>
  readonly clock: Time
  readonly random: Random
  readonly turn: Turn
  /** How it stands may have changed. */
  readonly onChange: () => void
  readonly count: (reason: string) => void
}

export class OverlayHost {
  readonly epoch: number
  readonly #options: OverlayHostOptions
  readonly #overlay: ReturnType<OverlayDefinition<unknown>['create']>
  readonly #mailbox: Mailbox<OverlayInput<unknown>>
  readonly #timers: NamedTimers
  readonly #linked = new Set<string>()
  readonly #reason: string
  #isClosed = false

  constructor(options: OverlayHostOptions) {
    const { self, key, epoch, definition, random, clock, turn } = options
    this.#options = options
    this.epoch = epoch
    this.#reason = `overlay ${key}`
    this.#overlay = definition.create({ self, random, parameters: {} })
    this.#mailbox = new Mailbox((input) => this.#take(input))
    this.#timers = new NamedTimers(clock, (timer) => turn.enter(() => this.put({ type: 'timer', timer })))
  }

  get name(): string {
    return this.#options.definition.name
  }

  put(input: OverlayInput<unknown>): void {
    if (!this.#isClosed) this.#mailbox.put(input)
  }

  receive(from: string, payload: Uint8Array): void {
    const { definition, count } = this.#options
    let message: unknown
    try {
      message = definition.codec?.decode(payload)
    } catch {
      message = undefined
    }
    if (message === undefined) count('overlay-malformed')
    else this.put({ type: 'message', from, message })
  }

  neighbors(): readonly string[] {
    return this.#overlay.neighbors()
  }

  /** Neighbors to whom a link is up. */
  linkedNeighbors(): readonly string[] {
    return this.#overlay.neighbors().filter((peer) => this.#linked.has(peer))
  }

  nextHop(to: string): string | undefined {
    return this.#overlay.nextHop(to)
  }

  /** Every link that it wants to a member that is there is up. */
  isFormed(isThere: (member: string) => boolean): boolean {
    if (this.#overlay.connectivity().isIsolated) return false
    return this.#overlay.neighbors().every((peer) => this.#linked.has(peer) || !isThere(peer))
  }

  /** It wants nothing any more. */
  close(): void {
    this.#isClosed = true
    this.#timers.clearAll()
    this.#options.holds.releaseAll(this.#reason)
  }

  #take(input: OverlayInput<unknown>): void {
    if (this.#isClosed) return
    if (input.type === 'connected') this.#linked.add(input.peer)
    if (input.type === 'disconnected') this.#linked.delete(input.peer)
    for (const effect of this.#overlay.step(input, this.#options.clock.now())) this.#execute(effect)
    this.#options.onChange()
  }

  #execute(effect: OverlayEffect<unknown, OverlayEvent>): void {
    const { holds, links, definition, epoch, count } = this.#options
    switch (effect.type) {
      case 'link':
        holds.hold(effect.peer, this.#reason, 'overlay', effect.after)
        break
      case 'unlink':
        holds.release(effect.peer, this.#reason)
        break
      case 'send': {
        const payload = definition.codec?.encode(effect.message) ?? new Uint8Array()
        if (!links.send(effect.to, { type: 'overlay', epoch, payload })) count('overlay-no-link')
        break
      }
      case 'set-timer':
        this.#timers.set(effect.timer, effect.at)
        break
      case 'clear-timer':
        this.#timers.clear(effect.timer)
        break
      case 'emit':
        if (effect.event.type === 'dropped') count(`overlay-${effect.event.reason}`)
        else count(effect.event.isIsolated ? 'overlay-isolated' : 'overlay-rejoined')
        break
      default:
        effect satisfies never
    }
  }
}
