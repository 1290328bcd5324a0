// The cluster's own transport: TLS 1.3 over TCP, both ends with a self-signed Ed25519 certificate whose key is their
// identity. No certificate authority, no names, no dates, no resumption: a resumed session has no peer certificate. Who
// may join is not decided here but by the cluster secret, above; here strangers are only kept within bounds.

import { createServer, type Server, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import { ClusterError } from '../errors.ts'
import { formatAddress, type NetworkAddress } from '../network-address.ts'
import { patientTimer, systemClock } from '../runtime/clock.ts'
import { aborted, dialError, listenError, usableAddress } from './address-errors.ts'
import { createCertificate } from './certificate.ts'
import {
  defaultHalfOpenLimits,
  type HalfOpen,
  type HalfOpenLimits,
  HalfOpenTable,
  type RefusedReason,
} from './half-open.ts'
import { exportIdentity, type Identity } from './identity.ts'
import { knock } from './knock.ts'
import { TcpConnection } from './tcp-connection.ts'
import { ALPN, bindingOf, provenPeer, secureOptions } from './tls-settings.ts'
import type { Connection, Reachability, Transport } from './transport.ts'

export interface TcpOptions extends Partial<HalfOpenLimits> {
  readonly identity: Identity
  /**
   * Queued bytes past which `write` answers `false`. Default 1 MiB. Small: stop and go. Large: memory per slow peer.
   */
  readonly highWaterMark?: number
  /** Queued bytes below which `drain` is called. Default a quarter of `highWaterMark`. */
  readonly lowWaterMark?: number
  /** Milliseconds that `close` gives what is queued. Default 1000. */
  readonly closeTimeoutMs?: number
  /** Milliseconds after which a knock without an answer is `silent`. Default 1000. */
  readonly reachTimeoutMs?: number
  /**
   * Somebody was turned away before its identity was proven; afterwards the connection's owner is told, by its `close`.
   * Called for each one: whoever logs it limits the rate.
   */
  readonly onRefused?: (reason: RefusedReason, remoteAddress: string) => void
}

type Settings = Required<Omit<TcpOptions, 'onRefused'>>

export class TcpTransport implements Transport {
  readonly id: string
  readonly #settings: Settings
  readonly #onRefused: TcpOptions['onRefused']
  readonly #secureContext: SecureContext
  readonly #halfOpen: HalfOpenTable
  readonly #servers = new Set<Server>()
  readonly #sockets = new Set<Socket>()
  readonly #counters: Record<RefusedReason, number> = {
    crowded: 0,
    timeout: 0,
    'too-many-bytes': 0,
    'not-tls': 0,
    'not-libp2p': 0,
    'no-identity': 0,
  }
  #isClosed = false

  constructor(options: TcpOptions) {
    const highWaterMark = options.highWaterMark ?? 1024 * 1024
    const defaults = {
      ...defaultHalfOpenLimits,
      highWaterMark,
      lowWaterMark: highWaterMark / 4,
      closeTimeoutMs: 1_000,
      reachTimeoutMs: 1_000,
    }
    this.#settings = { ...defaults, ...options }
    this.#onRefused = options.onRefused
    this.id = options.identity.id
    this.#halfOpen = new HalfOpenTable(this.#settings)
    this.#secureContext = createSecureContext({
      ...secureOptions,
      key: exportIdentity(options.identity),
      cert: createCertificate(options.identity),
    })
  }

  /** How many were turned away before their identity was proven, by reason. */
  get counters(): Readonly<Record<RefusedReason, number>> {
    return this.#counters
  }

  /** Connections that are accepted and not yet admitted. */
  get halfOpenConnections(): number {
    return this.#halfOpen.size
  }

  listen(address: string, onConnection: (connection: Connection) => void): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#refuseWhenClosed()
      const { host, port } = usableAddress(address)
      const server = createServer({ noDelay: true }, (socket) => this.#accept(socket, onConnection))
      this.#servers.add(server)
      server.once('error', (error) => {
        this.#servers.delete(server)
        reject(listenError(address, error))
      })
      server.listen({ host, port }, () => {
        server.removeAllListeners('error')
        // An accept that failed (too many open files) is the kernel's answer to that one stranger; the server goes on.
        server.on('error', () => undefined)
        resolve(boundAddress(server))
      })
    })
  }

  dial(address: string, signal: AbortSignal): Promise<Connection> {
    return new Promise((resolve, reject) => {
      this.#refuseWhenClosed()
      const { host, port } = usableAddress(address)
      if (signal.aborted) throw aborted('dial', signal)
      const socket = connectTls({
        host,
        port,
        secureContext: this.#secureContext,
        ALPNProtocols: [ALPN],
        servername: '',
        rejectUnauthorized: false,
        checkServerIdentity: () => undefined,
      })
      socket.setNoDelay(true)
      this.#keep(socket)
      const settle = (): void => {
        timer[Symbol.dispose]()
        signal.removeEventListener('abort', abort)
        socket.removeListener('error', fail)
        socket.removeListener('close', fail)
      }
      const fail = (cause?: unknown): void => {
        settle()
        // What a destroyed socket still says has nobody to hear it.
        socket.on('error', () => undefined)
        socket.destroy()
        reject(cause instanceof ClusterError ? cause : dialError(address, cause))
      }
      const abort = (): void => fail(aborted('dial', signal))
      const giveUp = (): void => fail(dialError(address, 'silent'))
      const timer = patientTimer(systemClock, giveUp, this.#settings.handshakeTimeoutMs)
      signal.addEventListener('abort', abort, { once: true })
      socket.once('error', fail)
      socket.once('close', fail)
      socket.once('secureConnect', () => {
        const peer = provenPeer(socket)
        if (peer === undefined) {
          fail(dialError(address, 'no-identity'))
          return
        }
        settle()
        resolve(this.#connection(socket, 'dialer', peer, address, () => undefined))
      })
    })
  }

  async reach(address: string, signal: AbortSignal): Promise<Reachability> {
    this.#refuseWhenClosed()
    const { reachTimeoutMs: timeoutMs } = this.#settings
    return knock(usableAddress(address), { timeoutMs, signal, onSocket: (socket) => this.#keep(socket) })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const closing = [...this.#servers].map((server) => new Promise((resolve) => server.close(resolve)))
    const gone = [...this.#sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve)))
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all([...closing, ...gone])
    this.#servers.clear()
  }

  /** A stranger: bounded from the first moment, a connection once TLS has proven who it is. */
  #accept(raw: Socket, onConnection: (connection: Connection) => void): void {
    const { remoteAddress: host, remotePort: port } = raw
    // Errors of the raw socket reach the TLS socket too; there they are heard.
    raw.on('error', () => undefined)
    if (host === undefined || port === undefined || this.#isClosed) {
      raw.destroy()
      return
    }
    const socket = new TLSSocket(raw, {
      isServer: true,
      secureContext: this.#secureContext,
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: [ALPN],
    })
    this.#keep(socket)
    const address = formatAddress({ host, port })
    const entry: HalfOpen = {
      remoteAddress: host,
      isProven: false,
      bytesRead: () => raw.bytesRead,
      refuse: (reason) => {
        if (!entry.isProven) this.#count(reason, address)
        socket.destroy(new Error(`not admitted: ${reason}`))
      },
    }
    this.#halfOpen.add(entry)
    const leave = (): void => this.#halfOpen.remove(entry)
    socket.once('close', leave)
    const onTlsError = (error: NodeJS.ErrnoException): void => {
      if (isTlsError(error)) this.#count('not-tls', address)
    }
    socket.on('error', onTlsError)
    socket.once('secure', () => {
      const peer = provenPeer(socket)
      if (peer === undefined) {
        leave()
        entry.refuse('no-identity')
        return
      }
      entry.isProven = true
      onConnection(this.#connection(socket, 'acceptor', peer, address, leave))
      socket.removeListener('error', onTlsError)
    })
  }

  #connection(
    socket: TLSSocket,
    side: 'dialer' | 'acceptor',
    peer: string,
    remoteAddress: string,
    onAdmit: () => void,
  ): Connection {
    const { highWaterMark, lowWaterMark, closeTimeoutMs } = this.#settings
    const binding = bindingOf(socket)
    return new TcpConnection(socket, {
      peer,
      side,
      remoteAddress,
      binding,
      highWaterMark,
      lowWaterMark,
      closeTimeoutMs,
      onAdmit,
    })
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
  }

  #count(reason: RefusedReason, remoteAddress: string): void {
    this.#counters[reason] += 1
    this.#onRefused?.(reason, remoteAddress)
  }

  #refuseWhenClosed(): void {
    if (this.#isClosed) throw new ClusterError('ERR_SHUTTING_DOWN', 'the transport is closed', {})
  }
}

function boundAddress(server: Server): string {
  const address = server.address() as { readonly address: string; readonly port: number }
  return formatAddress({ host: address.address, port: address.port } satisfies NetworkAddress)
}

/** Errors of TLS itself; a connection that was just closed or reset is nobody's fault. */
function isTlsError(error: NodeJS.ErrnoException): boolean {
  return error.code?.startsWith('ERR_SSL') === true
}
