// Plumtree at work: what is said to everybody travels along a tree over the neighbors of the overlay in use, where the
// overlay is sparse. Its messages travel on the link itself, so only small ones do: large ones must not stand before
// agreement.

import { Plumtree, type PlumtreeEffect, type PlumtreeInput, resolvePlumtreeOptions } from '../../topology/index.ts'
import type { NodeContext, NodePart } from '../node-part.ts'
import { Mailbox } from '../runtime/mailbox.ts'
import { NamedTimers } from '../runtime/named-timers.ts'
import { decodeEnvelope, type Envelope, encodeEnvelope } from '../wire/envelope.ts'
import type { Link } from '../wire/link.ts'
import type { WireMessage } from '../wire/message.ts'
import { WireError } from '../wire/wire-error.ts'
import type { Broadcast, Broadcaster } from './broadcaster.ts'

/** Larger payloads go to each member over the lanes, in fragments and with credit. */
const MAX_TREE_PAYLOAD_BYTES = 16 * 1024

export type BroadcastContext = Pick<NodeContext, 'self' | 'toolbox' | 'overlays'> & {
  readonly links: Pick<NodeContext['links'], 'send'>
}

export class Broadcasts implements NodePart, Broadcaster {
  readonly #context: BroadcastContext
  readonly #timers: NamedTimers
  readonly #mailbox: Mailbox<PlumtreeInput>
  #plumtree: Plumtree | undefined
  #neighbors: readonly string[] = []
  #deliver: (envelope: Envelope, from: string) => void = () => {}
  #isClosed = false

  constructor(context: BroadcastContext) {
    this.#context = context
    const { clock, turn } = context.toolbox
    this.#mailbox = new Mailbox((input) => this.#take(input))
    this.#timers = new NamedTimers(clock, (timer) => turn.enter(() => this.#mailbox.put({ type: 'timer', timer })))
  }

  /** `deliver` gets what others broadcast, once each, and the neighbor it came from. */
  attach(deliver: (envelope: Envelope, from: string) => void): void {
    this.#deliver = deliver
  }

  /** Small payloads travel along a tree, where the overlay is sparse. */
  carries({ bytes }: Pick<Broadcast, 'bytes'>): boolean {
    return bytes <= MAX_TREE_PAYLOAD_BYTES && this.#neighbors.length > 0 && this.#context.overlays().isSparse
  }

  reaches(): boolean {
    return true
  }

  broadcast(envelope: Envelope): void {
    this.#context.toolbox.turn.enter(() => {
      this.#follow()
      this.#mailbox.put({ type: 'broadcast', payload: encodeEnvelope(envelope) })
    })
  }

  receive(link: Link, message: WireMessage): boolean {
    if (message.type !== 'plumtree') return false
    if (message.message.type === 'push') this.#context.toolbox.counters.add('broadcast-pushed')
    this.#follow()
    this.#mailbox.put({ type: 'message', from: link.peer.id, message: message.message })
    return true
  }

  linkUp(): void {
    this.#follow()
  }

  linkDown(): void {
    this.#follow()
  }

  overlays(): void {
    this.#follow()
  }

  close(): void {
    this.#isClosed = true
    this.#timers.clearAll()
  }

  /** The tree grows on whatever overlay is in use. */
  #follow(): void {
    const peers = this.#context.overlays().linkedNeighbors()
    if (peers.length === this.#neighbors.length && peers.every((peer, index) => peer === this.#neighbors[index])) return
    this.#neighbors = peers
    this.#mailbox.put({ type: 'neighbors', peers, isMesh: !this.#context.overlays().isSparse })
  }

  #take(input: PlumtreeInput): void {
    if (this.#isClosed) return
    const { self, toolbox } = this.#context
    this.#plumtree ??= new Plumtree({
      self: self.id,
      generation: self.generation,
      options: resolvePlumtreeOptions(),
      random: toolbox.random,
    })
    for (const effect of this.#plumtree.step(input, toolbox.clock.now())) this.#execute(effect)
  }

  #execute(effect: PlumtreeEffect): void {
    const { links, toolbox } = this.#context
    switch (effect.type) {
      case 'send':
        // What a full queue drops is announced by others, and asked for.
        if (!links.send(effect.to, { type: 'plumtree', message: effect.message }))
          toolbox.counters.add('broadcast-no-link')
        break
      case 'set-timer':
        this.#timers.set(effect.timer, effect.at)
        break
      case 'clear-timer':
        this.#timers.clear(effect.timer)
        break
      case 'emit':
        if (effect.event.type === 'delivered') this.#delivered(effect.event)
        else toolbox.counters.add(`broadcast-${effect.event.reason}`)
        break
      default:
        effect satisfies never
    }
  }

  #delivered({
    id,
    payload,
    from,
    hops,
  }: {
    id: { origin: string }
    payload: Uint8Array
    from: string
    hops: number
  }): void {
    const envelope = decoded(payload)
    // An envelope says whose it is, and so does the broadcast; nobody speaks for another one.
    if (envelope?.source === id.origin) this.#deliver({ ...envelope, hops }, from)
    else this.#context.toolbox.counters.add('broadcast-malformed')
  }
}

function decoded(payload: Uint8Array): Envelope | undefined {
  try {
    return decodeEnvelope(payload)
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}
