// Links between gateways of different clusters: connections of their own, with a secret of their own. No membership, no
// agreement and no gossip crosses them; what does are lists of services, calls and a beat by which each end knows that
// the other is there.

import type { CarriedHandler, Carrier } from '../channels/carrier.ts'
import { ClusterError } from '../errors.ts'
import type { Time, Timer } from '../runtime/clock.ts'
import type { Toolbox } from '../runtime/toolbox.ts'
import type { Connection, Transport } from '../transport/transport.ts'
import { pause } from '../wait.ts'
import type { Envelope } from '../wire/envelope.ts'
import type { LocalHello } from '../wire/handshake.ts'
import { MAX_PAYLOAD_BYTES } from '../wire/limits.ts'
import type { Link } from '../wire/link.ts'
import { establishLink } from '../wire/link-handshake.ts'
import type { Keyring } from '../wire/secrets.ts'

const BEAT_MS = 1_000
/** A gateway that says nothing for so long is not there: a link can be cut without either end being told. */
const SILENCE_MS = 5_000
const DIAL_TIMEOUT_MS = 5_000
const FIRST_PAUSE_MS = 250
const LAST_PAUSE_MS = 5_000
/** Links to gateways of others, of one gateway. */
const MAX_LINKS = 128
/** Bytes queued on a link; past that nobody asks anything over it. */
const MAX_QUEUED_BYTES = 8 * 1024 * 1024
/** The same of answers: past that nothing is done for who waits behind them. */
const MAX_QUEUED_ANSWER_BYTES = 64 * 1024 * 1024
/** What is larger than a payload travels in pieces, in order: all but the last are called so. */
const PIECE = 'piece'
/** A payload put together again: the largest answer, and as much as is said along with it. */
const MAX_MESSAGE_BYTES = 4 * MAX_PAYLOAD_BYTES

export interface GatewayLinksOptions {
  readonly self: LocalHello
  readonly transport: Transport
  readonly keyring: Keyring
  readonly toolbox: Toolbox
  readonly onUp: (peer: string) => void
  readonly onDown: (peer: string) => void
}

interface Held {
  readonly link: Link
  heardAt: number
  /** Of a message whose last piece has not come. */
  pieces: Uint8Array[]
  bytes: number
}

export class GatewayLinks {
  readonly #options: GatewayLinksOptions
  readonly #held = new Map<string, Held>()
  readonly #handlers = new Map<string, CarriedHandler>()
  readonly #stopping = new AbortController()
  /** Who was found at an address that is dialed. */
  readonly #found = new Map<string, string>()
  /** Addresses of those with whom there must be no link. */
  readonly #refused = new Set<string>()
  readonly #beat: Timer
  #dials: Promise<unknown> = Promise.resolve()

  constructor(options: GatewayLinksOptions) {
    this.#options = options
    this.#beat = this.#clock.setInterval(() => this.#look(), BEAT_MS)
  }

  /** Resolves to the address. Rejects with `ERR_ADDRESS_IN_USE` or `ERR_ADDRESS_UNUSABLE`. */
  listen(address: string): Promise<string> {
    return this.#options.transport.listen(address, (connection) => void this.#greet(connection).catch(() => {}))
  }

  /** Keeps a link to whoever is at each of the addresses. */
  dial(addresses: readonly string[]): void {
    this.#dials = Promise.all(addresses.map((address) => this.#keep(address)))
  }

  /** Name of the gateway at the other end. */
  nameOf(peer: string): string {
    return this.#held.get(peer)?.link.peer.name ?? peer
  }

  carrier(subject: string): Carrier {
    return {
      post: (peer, payload, _timeoutMs, settled) => {
        this.send(peer, subject, payload)
        settled(undefined)
      },
      broadcast: (payload) => {
        for (const peer of this.peers) this.send(peer, subject, payload)
      },
      handle: (handler) => {
        this.#handlers.set(subject, handler)
        return { [Symbol.dispose]: () => void this.#handlers.delete(subject) }
      },
    }
  }

  /** Why a gateway should be asked nothing now. Undefined: it may be. */
  refusal(peer: string): ClusterError | undefined {
    return this.#fullness(peer, MAX_QUEUED_BYTES)
  }

  /** Why nothing should be done for a gateway now. Undefined: it may be asked for. */
  refusalOfWork(peer: string): ClusterError | undefined {
    return this.#fullness(peer, MAX_QUEUED_ANSWER_BYTES)
  }

  /** However much waits: what was once taken on is answered. Throws `ERR_NO_ROUTE`, or `ERR_PAYLOAD_TOO_LARGE`. */
  send(peer: string, subject: string, payload: Uint8Array): void {
    const link = this.#held.get(peer)?.link
    if (!link) throw new ClusterError('ERR_NO_ROUTE', 'that gateway is gone', { member: peer })
    const { length } = payload
    if (length > MAX_MESSAGE_BYTES)
      throw new ClusterError('ERR_PAYLOAD_TOO_LARGE', `${length} bytes are too many to cross clusters`, {
        bytes: length,
        limit: MAX_MESSAGE_BYTES,
      })
    let from = 0
    for (; length - from > MAX_PAYLOAD_BYTES; from += MAX_PAYLOAD_BYTES)
      this.#say(link, PIECE, payload.subarray(from, from + MAX_PAYLOAD_BYTES))
    this.#say(link, subject, payload.subarray(from))
  }

  /** Those that are linked now. */
  get peers(): readonly string[] {
    return [...this.#held.keys()]
  }

  /** Both must not be linked: says goodbye, and tries again seldom. */
  refuse(peer: string): void {
    for (const [address, found] of this.#found) if (found === peer) this.#refused.add(address)
    void this.#held.get(peer)?.link.goodbye('idle')
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    this.#beat[Symbol.dispose]()
    await Promise.all([...this.#held.values()].map(({ link }) => link.goodbye('stopping')))
    await this.#options.transport.close()
    await this.#dials
  }

  get #clock(): Time {
    return this.#options.toolbox.clock
  }

  async #keep(address: string): Promise<void> {
    const { transport, toolbox } = this.#options
    const { signal } = this.#stopping
    let pauseMs = FIRST_PAUSE_MS
    while (!signal.aborted) {
      if (!this.#held.has(this.#found.get(address) ?? '')) {
        try {
          const connection = await transport.dial(
            address,
            AbortSignal.any([signal, this.#clock.timeout(DIAL_TIMEOUT_MS)]),
          )
          this.#found.set(address, connection.peer)
          await this.#greet(connection)
          pauseMs = this.#refused.delete(address) ? LAST_PAUSE_MS : FIRST_PAUSE_MS
        } catch (error) {
          if (signal.aborted) return
          toolbox.logger.debug('no gateway at an address', { address, error })
          pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS)
        }
      }
      await pause(this.#clock, pauseMs * (0.75 + toolbox.random() * 0.5), signal)
    }
  }

  async #greet(connection: Connection): Promise<void> {
    const { self, keyring } = this.#options
    const link = await establishLink(connection, { clock: this.#clock, self, keyring }, this.#stopping.signal)
    this.#take(link)
  }

  #take(link: Link): void {
    const { id } = link.peer
    const other = this.#held.get(id)?.link
    // Of two links between the same gateways both ends keep the one that the smaller id has dialed.
    if ((other && dialerOf(other, this.#options.self.id) <= dialerOf(link, this.#options.self.id)) || this.#isFull()) {
      void link.goodbye('duplicate')
      return
    }
    const held: Held = { link, heardAt: this.#clock.now(), pieces: [], bytes: 0 }
    this.#held.set(id, held)
    void other?.goodbye('duplicate')
    link.start({
      message: (message) => {
        held.heardAt = this.#clock.now()
        if (message.type === 'envelope') this.#receive(held, message.envelope)
      },
      drain: () => {},
      close: () => {
        if (this.#held.get(id) !== held) return
        this.#held.delete(id)
        this.#options.toolbox.turn.enter(() => this.#options.onDown(id))
      },
    })
    this.#options.toolbox.turn.enter(() => (other ? this.#options.onDown(id) : undefined))
    this.#options.toolbox.turn.enter(() => this.#options.onUp(id))
  }

  #isFull(): boolean {
    return this.#held.size >= MAX_LINKS || this.#stopping.signal.aborted
  }

  #receive(held: Held, { topic, source, payload }: Envelope): void {
    const { counters, turn } = this.#options.toolbox
    const { peer } = held.link
    if (topic === 'beat') return
    if (topic === PIECE && source === peer.id) return void this.#keepPiece(held, payload)
    const whole = held.bytes === 0 ? payload : Buffer.concat([...held.pieces, payload])
    held.pieces = []
    held.bytes = 0
    const handler = this.#handlers.get(topic ?? '')
    if (source !== peer.id || !handler) return void counters.add('federation-unknown')
    turn.enter(() => {
      try {
        handler({ id: peer.id, generation: peer.generation }, whole, () => {})
      } catch (error) {
        if (!(error instanceof ClusterError)) throw error
        counters.add('federation-malformed')
      }
    })
  }

  #keepPiece(held: Held, piece: Uint8Array): void {
    held.pieces.push(piece)
    held.bytes += piece.length
    // Nobody sends so much: its end tells all who wait for something of it.
    if (held.bytes > MAX_MESSAGE_BYTES || piece.length === 0) held.link.destroy()
  }

  #fullness(peer: string, limit: number): ClusterError | undefined {
    const queued = this.#held.get(peer)?.link.connection.queuedBytes ?? 0
    if (queued <= limit) return undefined
    return new ClusterError('ERR_BUFFER_FULL', 'the link to that gateway is full', { queue: 'federation', limit })
  }

  /** Tells all that this end is there, and ends links whose other end is not. */
  #look(): void {
    const now = this.#clock.now()
    for (const { link, heardAt } of this.#held.values())
      if (now - heardAt > SILENCE_MS) link.destroy()
      else this.#say(link, 'beat', new Uint8Array())
  }

  #say(link: Link, topic: string, payload: Uint8Array): void {
    link.send({ type: 'envelope', envelope: this.#envelope(link.peer.id, topic, payload) })
  }

  #envelope(destination: string, topic: string, payload: Uint8Array): Envelope {
    const { self } = this.#options
    return {
      kind: 'message',
      id: 1,
      source: self.id,
      sourceGeneration: self.generation,
      destination,
      destinationGeneration: 0,
      channel: 'data',
      sequence: 0,
      floor: 0,
      key: undefined,
      epoch: 0,
      hops: 0,
      trace: undefined,
      deadlineMs: undefined,
      subject: undefined,
      topic,
      encoding: 'bytes',
      payload,
    }
  }
}

function dialerOf({ connection, peer }: Link, self: string): string {
  return connection.side === 'dialer' ? self : peer.id
}
