// A transport without sockets: connections between transports of one process, in a deterministic order. Who a transport
// is, it says itself: a `MemoryNetwork` is for tests and simulations, where nobody lies about that.

import { createHash } from 'node:crypto'
import { ClusterError } from '../errors.ts'
import { formatAddress } from '../network-address.ts'
import { systemClock, type Time } from '../runtime/clock.ts'
import { aborted, dialError, listenError, usableAddress } from './address-errors.ts'
import { defaultHalfOpenLimits, type HalfOpen, type HalfOpenLimits, HalfOpenTable } from './half-open.ts'
import { connectPair, type MemoryConnection } from './memory-connection.ts'
import type { Connection, Reachability, Transport } from './transport.ts'

export interface MemoryNetworkOptions {
  /** What half-open handshakes are timed by. Default: this machine's. */
  readonly clock?: Time
  /** Runs a task on a later turn, in order. Default the clock's `setImmediate`; a simulation gives its own. */
  readonly schedule?: (task: () => void) => void
  /** Bytes on their way past which `write` answers `false`. Default 1 MiB. */
  readonly highWaterMark?: number
}

/** A bound address and who answers there. */
interface Listener {
  readonly transport: MemoryTransport
  readonly accept: (connection: MemoryConnection) => void
}

const FIRST_FREE_PORT = 49_152
const LAST_PORT = 65_535

/** The wire that memory transports share. */
export class MemoryNetwork {
  readonly #listeners = new Map<string, Listener>()
  readonly clock: Time
  readonly schedule: (task: () => void) => void
  readonly highWaterMark: number
  #connections = 0
  #lastPort = FIRST_FREE_PORT - 1

  constructor(options: MemoryNetworkOptions = {}) {
    this.clock = options.clock ?? systemClock
    this.schedule = options.schedule ?? ((task) => this.clock.setImmediate(task))
    this.highWaterMark = options.highWaterMark ?? 1024 * 1024
  }

  /** A transport that proves `id` to the others. Of the limits `maxHandshakeBytes` has no meaning here. */
  transport(id: string, limits: Partial<HalfOpenLimits> = {}): MemoryTransport {
    return new MemoryTransport(id, this, { ...defaultHalfOpenLimits, ...limits })
  }

  /** Binds an address; port 0 takes the next free one. */
  bind(address: string, listener: Listener): string {
    const { host, port } = usableAddress(address)
    const bound = formatAddress({ host, port: port === 0 ? this.#freePort(host) : port })
    if (this.#listeners.has(bound)) {
      throw listenError(address, Object.assign(new Error('address in use'), { code: 'EADDRINUSE' }))
    }
    this.#listeners.set(bound, listener)
    return bound
  }

  unbind(address: string): void {
    this.#listeners.delete(address)
  }

  listenerAt(address: string): Listener | undefined {
    return this.#listeners.get(formatAddress(usableAddress(address)))
  }

  /** A number and 32 bytes that no other connection of this network has. */
  nextConnection(): { readonly number: number; readonly binding: Uint8Array } {
    this.#connections += 1
    const binding = createHash('sha256').update(`memory connection ${this.#connections}`).digest()
    return { number: this.#connections, binding }
  }

  #freePort(host: string): number {
    for (let tries = FIRST_FREE_PORT; tries <= LAST_PORT; tries++) {
      this.#lastPort = this.#lastPort === LAST_PORT ? FIRST_FREE_PORT : this.#lastPort + 1
      if (!this.#listeners.has(formatAddress({ host, port: this.#lastPort }))) return this.#lastPort
    }
    throw listenError(host, Object.assign(new Error('no free port'), { code: 'EADDRNOTAVAIL' }))
  }
}

/** Made by {@link MemoryNetwork.transport}. */
export class MemoryTransport implements Transport {
  readonly id: string
  readonly #network: MemoryNetwork
  readonly #halfOpen: HalfOpenTable
  readonly #bound = new Set<string>()
  readonly #connections = new Set<MemoryConnection>()
  /** Ends what waits when the transport closes. */
  readonly #closing = new AbortController()

  constructor(id: string, network: MemoryNetwork, limits: HalfOpenLimits) {
    this.id = id
    this.#network = network
    this.#halfOpen = new HalfOpenTable(limits, network.clock)
  }

  async listen(address: string, onConnection: (connection: Connection) => void): Promise<string> {
    this.#refuseWhenClosed()
    const bound = this.#network.bind(address, {
      transport: this,
      accept: (connection) => this.#accept(connection, onConnection),
    })
    this.#bound.add(bound)
    return bound
  }

  dial(address: string, signal: AbortSignal): Promise<Connection> {
    return new Promise((resolve, reject) => {
      this.#refuseWhenClosed()
      usableAddress(address)
      if (signal.aborted) throw aborted('dial', signal)
      const abort = (): void => reject(aborted('dial', signal))
      signal.addEventListener('abort', abort, { once: true })
      this.#network.schedule(() => {
        signal.removeEventListener('abort', abort)
        if (signal.aborted) return
        const listener = this.#network.listenerAt(address)
        if (this.#closing.signal.aborted || listener === undefined) reject(dialError(address, 'refused'))
        else resolve(this.#connect(address, listener))
      })
    })
  }

  reach(address: string, signal: AbortSignal): Promise<Reachability> {
    return new Promise((resolve, reject) => {
      this.#refuseWhenClosed()
      usableAddress(address)
      if (signal.aborted) throw aborted('reach', signal)
      const abort = (): void => reject(aborted('reach', signal))
      signal.addEventListener('abort', abort, { once: true })
      this.#network.schedule(() => {
        signal.removeEventListener('abort', abort)
        resolve(this.#network.listenerAt(address) === undefined ? 'refuses' : 'accepts')
      })
    })
  }

  async close(): Promise<void> {
    this.#closing.abort()
    for (const address of this.#bound) this.#network.unbind(address)
    this.#bound.clear()
    for (const connection of [...this.#connections]) connection.destroy()
  }

  #connect(address: string, listener: Listener): Connection {
    const { number, binding } = this.#network.nextConnection()
    const remote = listener.transport
    const dialerAddress = formatAddress({ host: '127.0.0.1', port: FIRST_FREE_PORT + (number % 16_384) })
    const [dialed, accepted] = connectPair(
      { peer: remote.id, side: 'dialer', remoteAddress: address, binding },
      { peer: this.id, side: 'acceptor', remoteAddress: dialerAddress, binding },
      this.#network,
    )
    this.#keep(dialed)
    remote.#keep(accepted)
    this.#network.schedule(() => listener.accept(accepted))
    return dialed
  }

  #accept(connection: MemoryConnection, onConnection: (connection: Connection) => void): void {
    if (connection.isClosed) return
    const entry: HalfOpen = {
      remoteAddress: '127.0.0.1',
      isProven: true,
      bytesRead: () => 0,
      refuse: () => connection.destroy(),
    }
    this.#halfOpen.add(entry)
    const leave = (): void => this.#halfOpen.remove(entry)
    connection.onAdmit = leave
    void connection.closed.then(leave)
    onConnection(connection)
  }

  #keep(connection: MemoryConnection): void {
    this.#connections.add(connection)
    void connection.closed.then(() => this.#connections.delete(connection))
  }

  #refuseWhenClosed(): void {
    if (this.#closing.signal.aborted) throw new ClusterError('ERR_SHUTTING_DOWN', 'the transport is closed', {})
  }
}
