// Links over libp2p: Noise or TLS proves the keys, yamux is there because others expect it, and each link, each lane of
// a peer has a connection of its own. Connections are dialled past libp2p's dial queue: two dials of one address at a
// time would be joined to one.

import type { GossipSub } from '@libp2p/gossipsub'
import type { Connection as Libp2pConnection, Stream } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'
import { ClusterError } from '../../errors.ts'
import { aborted, dialError, listenError } from '../address-errors.ts'
import { defaultHalfOpenLimits, type HalfOpenLimits, type RefusedReason } from '../half-open.ts'
import type { Identity } from '../identity.ts'
import { knock } from '../knock.ts'
import type { Connection, Reachability, Transport } from '../transport.ts'
import { asMultiaddr, boundAddress, shownAddress, tcpAddressOf } from './addresses.ts'
import { Admission } from './admission.ts'
import { type GossipSettings, GossipTopics, gossipOptions } from './gossip-topics.ts'
import { greet, LINK_PROTOCOL } from './greeting.ts'
import { StreamConnection } from './libp2p-connection.ts'
import { createLinkNode, type Encrypter, type LinkNode, stopLinkNode } from './libp2p-node.ts'
import { gossipsubPackage, multiaddr } from './packages.ts'
import { whyUnusable } from './unusable.ts'

export interface Libp2pTransportOptions extends Partial<HalfOpenLimits> {
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
  /** Further transports of libp2p, such as `circuitRelayTransport()`. Default none. */
  readonly transports?: NonNullable<Libp2pOptions['transports']>
  /** Preferred on connections of both directions; Noise is always understood. Default `noise`. */
  readonly encrypter?: Encrypter
  /** Topics carried by gossipsub. Default none. */
  readonly gossip?: GossipSettings | undefined
  /** Somebody was turned away before its identity was proven. */
  readonly onRefused?: (reason: RefusedReason, remoteAddress: string) => void
}

type Settings = Required<Omit<Libp2pTransportOptions, 'identity' | 'onRefused' | 'encrypter' | 'transports' | 'gossip'>>

export class Libp2pTransport implements Transport {
  readonly id: string
  readonly #settings: Settings
  readonly openTopics: GossipTopics | undefined
  readonly #admission: Admission
  readonly #create: () => Promise<LinkNode>
  #node: Promise<LinkNode> | undefined
  #onConnection: ((connection: Connection) => void) | undefined
  readonly #closing = new AbortController()
  #closed: Promise<void> | undefined

  constructor(options: Libp2pTransportOptions) {
    const { identity, encrypter = 'noise', transports = [], gossip, onRefused } = options
    const highWaterMark = options.highWaterMark ?? 1024 * 1024
    const defaults = {
      ...defaultHalfOpenLimits,
      highWaterMark,
      lowWaterMark: highWaterMark / 4,
      closeTimeoutMs: 1_000,
      reachTimeoutMs: 1_000,
    }
    this.#settings = { ...defaults, ...options }
    this.id = identity.id
    this.#admission = new Admission({
      limits: this.#settings,
      onRefused: (reason, remoteAddress) => onRefused?.(reason, remoteAddress),
    })
    this.openTopics = gossip && new GossipTopics(gossip, this.#admission)
    const { handshakeTimeoutMs } = this.#settings
    const settings = { identity, gater: this.#admission.gater, handshakeTimeoutMs, encrypter, transports }
    this.#create = async () => {
      if (gossip === undefined) return createLinkNode(settings)
      const { gossipsub } = await gossipsubPackage()
      const node = await createLinkNode({
        ...settings,
        services: { gossip: gossipsub(gossipOptions(gossip, () => this.#duplicate())) },
      })
      this.openTopics?.begin(node, (node.services as unknown as { gossip: GossipSub }).gossip)
      return node
    }
  }

  /** Connections that are accepted and not yet admitted. */
  get halfOpenConnections(): number {
    return this.#admission.size
  }

  /** `host:port` or a multiaddr; a further call adds another address. */
  async listen(address: string, onConnection: (connection: Connection) => void): Promise<string> {
    this.#refuseWhenClosed()
    const wanted = multiaddrOf(address)
    const node = await this.#start()
    if (this.#onConnection === undefined) {
      await node.handle(LINK_PROTOCOL, (stream, connection) => this.#accept(stream, connection), {
        maxInboundStreams: 1,
        runOnLimitedConnection: true,
      })
    }
    this.#onConnection = onConnection
    const { transportManager } = node.services.inner.components
    const before = new Set(transportManager.getAddrs().map(String))
    try {
      await transportManager.listen([wanted])
    } catch (cause) {
      throw listenError(address, await whyUnusable(wanted.toString(), cause))
    }
    const bound = transportManager.getAddrs().map(String)
    const found = bound.find((one) => !before.has(one)) ?? wanted.toString()
    // Whoever dials a relay has to say whom it wants.
    return boundAddress(address, found.endsWith('/p2p-circuit') ? `${found}/p2p/${this.id}` : found)
  }

  async dial(address: string, signal: AbortSignal): Promise<Connection> {
    this.#refuseWhenClosed()
    const wanted = multiaddrOf(address)
    if (signal.aborted) throw aborted('dial', signal)
    // The socket keeps to its signal for life, so it gets one that nobody aborts once the dial is over.
    const attempt = new AbortController()
    const give = (): void => attempt.abort()
    const either = AbortSignal.any([signal, this.#closing.signal])
    either.addEventListener('abort', give, { once: true })
    const timer = setTimeout(give, this.#settings.handshakeTimeoutMs)
    let connection: Libp2pConnection | undefined
    try {
      const node = await this.#start()
      connection = await node.services.inner.components.transportManager.dial(wanted, { signal: attempt.signal })
      const options = { signal: attempt.signal, runOnLimitedConnection: true }
      const stream = await connection.newStream([LINK_PROTOCOL], options)
      return await this.#connect(connection, stream, 'dialer', address, attempt.signal)
    } catch (cause) {
      connection?.abort(new Error('no link came of it'))
      if (signal.aborted) throw aborted('dial', signal)
      throw dialError(address, attempt.signal.aborted ? 'silent' : reasonOf(cause))
    } finally {
      clearTimeout(timer)
      either.removeEventListener('abort', give)
    }
  }

  async reach(address: string, signal: AbortSignal): Promise<Reachability> {
    this.#refuseWhenClosed()
    const tcp = tcpAddressOf(asMultiaddr(address))
    if (signal.aborted) throw aborted('reach', signal)
    // What is behind a relay cannot be knocked at.
    if (tcp === undefined) return 'silent'
    const either = AbortSignal.any([signal, this.#closing.signal])
    return knock(tcp, { timeoutMs: this.#settings.reachTimeoutMs, signal: either, onSocket: () => undefined })
  }

  close(): Promise<void> {
    this.#closed ??= this.#stop()
    return this.#closed
  }

  async #stop(): Promise<void> {
    this.#closing.abort(new Error('the transport is closed'))
    const node = await this.#node?.catch(() => undefined)
    if (node === undefined) return
    for (const connection of node.getConnections()) connection.abort(new Error('the transport is closed'))
    await this.openTopics?.end()
    await stopLinkNode(node)
  }

  #duplicate(): void {
    if (this.openTopics) this.openTopics.duplicates += 1
  }

  #start(): Promise<LinkNode> {
    this.#node ??= this.#create()
    return this.#node
  }

  async #accept(stream: Stream, connection: Libp2pConnection): Promise<void> {
    const address = shownAddress(connection.remoteAddr.toString())
    try {
      // The table of half-open connections ends it when it takes too long.
      const link = await this.#connect(connection, stream, 'acceptor', address, this.#closing.signal)
      this.#onConnection?.(link)
    } catch (error) {
      connection.abort(error as Error)
    }
  }

  async #connect(
    connection: Libp2pConnection,
    stream: Stream,
    side: 'dialer' | 'acceptor',
    remoteAddress: string,
    signal: AbortSignal,
  ): Promise<Connection> {
    const peer = connection.remotePeer.toString()
    const [dialer, acceptor] = side === 'dialer' ? [this.id, peer] : [peer, this.id]
    const greeting = await greet(stream, { dialer, acceptor, side }, signal)
    this.openTopics?.linked(connection)
    const { highWaterMark, lowWaterMark, closeTimeoutMs } = this.#settings
    const onAdmit = (): void => this.#admission.admit(connection)
    const options = { peer, side, remoteAddress, greeting, highWaterMark, lowWaterMark, closeTimeoutMs, onAdmit }
    return new StreamConnection(connection, stream, options)
  }

  #refuseWhenClosed(): void {
    if (this.#closing.signal.aborted) throw new ClusterError('ERR_SHUTTING_DOWN', 'the transport is closed', {})
  }
}

function multiaddrOf(address: string): ReturnType<typeof multiaddr> {
  try {
    return multiaddr(asMultiaddr(address))
  } catch (cause) {
    if (cause instanceof ClusterError) throw cause
    const message = `${address} is no multiaddr: ${(cause as Error).message}`
    throw new ClusterError('ERR_ADDRESS_UNUSABLE', message, { address }, { cause })
  }
}

/** What libp2p's error says of the other end, in the words of `dialError`. */
function reasonOf(cause: unknown): unknown {
  const { name } = cause as Error
  if (name === 'InvalidPeerIdError') return 'self'
  // No encrypter in common, no yamux, not our protocol, or another key than the address demands.
  const others = ['EncryptionFailedError', 'MuxerUnavailableError', 'UnsupportedProtocolError', 'UnexpectedPeerError']
  return others.includes(name) ? 'no-identity' : cause
}
