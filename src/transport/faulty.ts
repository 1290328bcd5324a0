// Any transport with the faults of a network: cut directions, delay, stalled nodes, dropped connections. What a cut
// holds back is not lost but late, as with TCP over a network that heals: it arrives, in order, when the cut is healed.
// `NetworkFaults` is the hand on the switch; the transports of one process may share one.

import { systemClock, type Time } from '../runtime/clock.ts'
import { aborted, dialError } from './address-errors.ts'
import { FaultyConnection } from './faulty-connection.ts'
import type { OpenTopics } from './open-topics.ts'
import type { Connection, Reachability, Transport } from './transport.ts'

/** Addresses whose owner is remembered, so that a knock on a cut one stays silent. */
const MAX_KNOWN_ADDRESSES = 4096
const DEFAULT_DIAL_TIMEOUT_MS = 5_000

/** What is wrong with the network, by ids. */
export class NetworkFaults {
  readonly clock: Time
  readonly #cuts = new Set<string>()
  readonly #stalled = new Set<string>()
  #delayMs = 0
  readonly #changed = new Set<() => void>()
  readonly #connections = new Set<FaultyConnection>()

  /** `clock`: what delays and timeouts go by. */
  constructor(clock: Time = systemClock) {
    this.clock = clock
  }

  /** Nothing goes from `from` to `to` any more; the other way stays open. */
  cut(from: string, to: string): void {
    this.#cuts.add(direction(from, to))
    this.#tell()
  }

  /** Nothing goes between these two any more. */
  cutBoth(a: string, b: string): void {
    this.#cuts.add(direction(a, b))
    this.cut(b, a)
  }

  /** Undoes one `cut`. */
  restore(from: string, to: string): void {
    this.#cuts.delete(direction(from, to))
    this.#tell()
  }

  /** Undoes every cut and stall and the delay. */
  heal(): void {
    this.#cuts.clear()
    this.#stalled.clear()
    this.#delayMs = 0
    this.#tell()
  }

  /** Every chunk leaves this much later. */
  setDelay(ms: number): void {
    this.#delayMs = ms
    this.#tell()
  }

  /** Nothing goes to or from this node until `resume`, as if its process were stopped. */
  stall(id: string): void {
    this.#stalled.add(id)
    this.#tell()
  }

  resume(id: string): void {
    this.#stalled.delete(id)
    this.#tell()
  }

  /** Destroys the connections between these two, both ends' if both are here. */
  drop(a: string, b: string): void {
    for (const connection of [...this.#connections]) {
      if (connection.isBetween(a, b)) connection.destroy()
    }
  }

  get delayMs(): number {
    return this.#delayMs
  }

  /** True while nothing may go from `from` to `to`. */
  isCut(from: string, to: string): boolean {
    if (this.#cuts.size === 0 && this.#stalled.size === 0) return false
    return this.#cuts.has(direction(from, to)) || this.#stalled.has(from) || this.#stalled.has(to)
  }

  /** Calls back after each change, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#changed.add(listener)
    return () => this.#changed.delete(listener)
  }

  track(connection: FaultyConnection): void {
    this.#connections.add(connection)
    void connection.ended.then(() => this.#connections.delete(connection))
  }

  #tell(): void {
    for (const listener of [...this.#changed]) listener()
  }
}

/** `inner`, with `faults` between it and its owner. Without faults it behaves exactly as `inner` does. */
export class FaultyTransport implements Transport {
  readonly #inner: Transport
  readonly #faults: NetworkFaults
  readonly #owners = new Map<string, string>()
  readonly #closing = new AbortController()
  readonly #dialTimeoutMs: number

  /** `dialTimeoutMs`: how long a dial into a cut hangs before it is `silent`. Default 5000, as the handshake time. */
  constructor(inner: Transport, faults: NetworkFaults, dialTimeoutMs: number = DEFAULT_DIAL_TIMEOUT_MS) {
    this.#inner = inner
    this.#faults = faults
    this.#dialTimeoutMs = dialTimeoutMs
  }

  get id(): string {
    return this.#inner.id
  }

  /** Faults are of links; what is open is for others, too. */
  get openTopics(): OpenTopics | undefined {
    return this.#inner.openTopics
  }

  /** A connection from a peer that is cut off is not shown to the owner before the cut is healed. */
  listen(address: string, onConnection: (connection: Connection) => void): Promise<string> {
    return this.#inner.listen(address, (connection) => {
      const faulty = this.#wrap(connection)
      if (!this.#isCutFrom(connection.peer)) {
        onConnection(faulty)
        return
      }
      void this.#healed(connection.peer, this.#closing.signal).then(
        () => onConnection(faulty),
        () => connection.destroy(),
      )
    })
  }

  async dial(address: string, signal: AbortSignal): Promise<Connection> {
    // A dial into a cut has no answer: it hangs until the cut is healed, its time is over or the caller gives up.
    const owner = this.#owners.get(address)
    if (owner !== undefined && this.#isCutFrom(owner)) await this.#healedInTime(owner, address, signal)
    const connection = await this.#inner.dial(address, signal)
    this.#remember(address, connection.peer)
    if (!this.#isCutFrom(connection.peer)) return this.#wrap(connection)
    connection.destroy()
    await this.#healedInTime(connection.peer, address, signal)
    return this.dial(address, signal)
  }

  async reach(address: string, signal: AbortSignal): Promise<Reachability> {
    const reachability = await this.#inner.reach(address, signal)
    const owner = this.#owners.get(address)
    return owner !== undefined && this.#isCutFrom(owner) ? 'silent' : reachability
  }

  close(): Promise<void> {
    this.#closing.abort(new Error('the transport is closed'))
    return this.#inner.close()
  }

  #wrap(connection: Connection): FaultyConnection {
    const faulty = new FaultyConnection(connection, this.id, this.#faults)
    this.#faults.track(faulty)
    return faulty
  }

  #isCutFrom(peer: string): boolean {
    return this.#faults.isCut(this.id, peer) || this.#faults.isCut(peer, this.id)
  }

  #healed(peer: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const forget = this.#faults.onChange(() => {
        if (this.#isCutFrom(peer)) return
        forget()
        signal.removeEventListener('abort', abort)
        resolve()
      })
      const abort = (): void => {
        forget()
        reject(aborted('dial', signal))
      }
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort, { once: true })
    })
  }

  async #healedInTime(peer: string, address: string, signal: AbortSignal): Promise<void> {
    const tooLate = this.#faults.clock.timeout(this.#dialTimeoutMs)
    try {
      await this.#healed(peer, AbortSignal.any([signal, this.#closing.signal, tooLate]))
    } catch (error) {
      throw tooLate.aborted && !signal.aborted ? dialError(address, 'silent') : error
    }
  }

  #remember(address: string, peer: string): void {
    this.#owners.delete(address)
    this.#owners.set(address, peer)
    const [oldest] = this.#owners.keys()
    if (this.#owners.size > MAX_KNOWN_ADDRESSES && oldest !== undefined) this.#owners.delete(oldest)
  }
}

/** Ids hold no space. */
function direction(from: string, to: string): string {
  return `${from} ${to}`
}
