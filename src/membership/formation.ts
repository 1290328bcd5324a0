// Forming at work (design rule 2): the core that agrees on the first voters, its links to other fresh nodes, and the
// disk that must hold each state before it is spoken of. It keeps running in a founder, to tell latecomers that it has
// started.

import { createHash } from 'node:crypto'
import {
  Forming,
  type FormingEvent,
  type FormingInput,
  type FormingMessage,
  type FormingState,
  type Random,
  resolveFormingOptions,
} from '../../topology/index.ts'
import type { Links } from '../links/links.ts'
import type { Time, Timer } from '../runtime/clock.ts'
import { Mailbox } from '../runtime/mailbox.ts'
import { NamedTimers } from '../runtime/named-timers.ts'
import type { Turn } from '../runtime/turn.ts'
import type { Contact } from '../wire/contacts.ts'
import { MAX_CONTACTS } from '../wire/limits.ts'
import { VOUCHING_VERSION } from '../wire/versions.ts'
import { FounderCalls } from './founder-calls.ts'

/** A newcomer is told of the others so long after its link came up: of those who come up at the same time, too. */
const INTRODUCE_AFTER_MS = 50

/** Fresh nodes that are taken note of, unless more are expected. */
const DEFAULT_MAX_FOUND = 256

export interface FormationOptions {
  readonly self: { readonly id: string; readonly storeId: string; readonly address: string }
  readonly cluster: string
  readonly expect: number
  readonly durable: FormingState
  readonly links: Links
  readonly clock: Time
  readonly random: Random
  readonly turn: Turn
  /** Makes the state durable; a rejection is fatal. */
  readonly write: (state: FormingState) => Promise<void>
  readonly onEvent: (event: FormingEvent) => void
  readonly onDiskFailure: (error: unknown) => void
}

export class Formation {
  readonly #options: FormationOptions
  readonly #forming: Forming
  readonly #mailbox: Mailbox<FormingInput>
  readonly #timers: NamedTimers
  readonly calls: FounderCalls
  /** Linked lately and not introduced yet; never more than there are links. */
  readonly #newcomers = new Set<string>()
  #introducing: Timer | undefined
  #isClosed = false

  constructor(options: FormationOptions) {
    const { self, cluster, expect, durable, links, clock, random, turn } = options
    this.#options = options
    this.calls = new FounderCalls({ self, founders: expect, isFresh: durable.type === 'none', links })
    this.#forming = new Forming({
      self,
      expect,
      durable,
      options: resolveFormingOptions({ maxFound: Math.max(DEFAULT_MAX_FOUND, expect) }),
      clusterIdOf: (set) => clusterIdOf(cluster, set),
      random,
    })
    this.#mailbox = new Mailbox((input) => this.#take(input))
    this.#timers = new NamedTimers(clock, (timer) => turn.enter(() => this.put({ type: 'timer', timer })))
  }

  start(): void {
    this.#execute(this.#forming.start(this.#options.clock.now()))
  }

  put(input: FormingInput): void {
    if (!this.#isClosed) this.#mailbox.put(input)
  }

  receive(from: string, message: FormingMessage): void {
    this.put({ type: 'message', from, message })
  }

  /**
   * A fresh peer is linked: soon it is told of the others, whom it will call. They are not told of it: each two are
   * introduced once, for the messages of all grow with the cube of their number. `fresh` says who is linked by then.
   */
  introduce(newcomer: string, fresh: () => readonly Contact[]): void {
    this.#newcomers.add(newcomer)
    this.#introducing ??= this.#options.clock.setTimeout(() => {
      this.#introducing = undefined
      if (!this.#isClosed) this.#introduceAll(fresh())
    }, INTRODUCE_AFTER_MS)
  }

  #introduceAll(fresh: readonly Contact[]): void {
    for (const { id } of fresh) {
      // A newcomer that only joins founds nothing: it is not among them.
      if (!this.#newcomers.has(id)) continue
      const contacts = fresh.filter((contact) => contact.id !== id).slice(0, MAX_CONTACTS)
      if (contacts.length > 0) this.#options.links.send(id, { type: 'contacts', contacts })
    }
    this.#newcomers.clear()
  }

  /** Others are there. */
  introduced(contacts: readonly Contact[]): void {
    this.calls.introduced(contacts)
  }

  /** True while this node has promised a set of founders: then it may not join another cluster. */
  get isBound(): boolean {
    const { type } = this.#forming.view().state
    return type === 'intent' || type === 'renounced'
  }

  close(): void {
    this.#isClosed = true
    this.#introducing?.[Symbol.dispose]()
    this.calls.end()
    this.#timers.clearAll()
  }

  #take(input: FormingInput): void {
    if (!this.#isClosed) this.#execute(this.#forming.step(input, this.#options.clock.now()))
  }

  #execute(effects: ReturnType<Forming['step']>): void {
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
        case 'persist':
          void this.#persist(effect.ticket, effect.state)
          break
        case 'emit':
          if (effect.event.type === 'formed') this.calls.end()
          this.#options.onEvent(effect.event)
          break
        default:
          effect satisfies never
      }
    }
  }

  /** To whom there is no link yet it is said again when there is one: the core repeats itself. */
  #send(to: string, message: FormingMessage): void {
    const { links } = this.#options
    const isVouching = message.type === 'inquire' || message.type === 'vouch'
    // An older founder that is asked would not understand it: then this node needs links to all.
    if (isVouching && (links.get(to)?.version ?? 0) < VOUCHING_VERSION) return
    links.send(to, { type: 'forming', message })
  }

  async #persist(ticket: number, state: FormingState): Promise<void> {
    if (state.type === 'intent') this.calls.callVoters(state.set)
    if (state.type === 'none') this.calls.dropVoters()
    try {
      await this.#options.write(state)
    } catch (error) {
      return this.#options.onDiskFailure(error)
    }
    this.#options.turn.enter(() => this.put({ type: 'persisted', ticket }))
  }
}

/**
 * The cluster's id: a function of its name and the sorted ids of its founders, so that all of them know it without a
 * word.
 */
export function clusterIdOf(cluster: string, set: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(['trellis-cluster-1', cluster, set]))
  return hash.digest('hex').slice(0, 32)
}

/** A stored forming state, or undefined when it is none. */
export function parseFormingState(value: unknown): FormingState | undefined {
  const state = value as { type?: unknown; set?: unknown; founders?: unknown } | null
  if (state?.type === 'none') return { type: 'none' }
  if (!Array.isArray(state?.set) || !state.set.every((id) => typeof id === 'string')) return undefined
  const set: string[] = state.set
  if (state.type === 'intent' || state.type === 'renounced') return { type: state.type, set }
  const founders = state.founders
  if (state.type !== 'started' || !Array.isArray(founders) || !founders.every(isFounder)) return undefined
  return { type: 'started', set, founders }
}

function isFounder(value: unknown): value is { id: string; storeId: string } {
  const founder = value as { id?: unknown; storeId?: unknown } | null
  return typeof founder?.id === 'string' && typeof founder.storeId === 'string'
}
