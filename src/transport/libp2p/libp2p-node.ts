// A libp2p node made for links: always encrypted, yamux, one protocol, and no limit left at its default. What libp2p
// would decide by itself (whom to dial again, which connection to prune, whom to ping) is decided above, so it is
// switched off here.

import type { Identify } from '@libp2p/identify'
import type { ConnectionGater, Libp2p, PeerStore } from '@libp2p/interface'
import type { ConnectionManager, Registrar, TransportManager } from '@libp2p/interface-internal'
import type { Libp2pOptions } from 'libp2p'
import type { Identity } from '../identity.ts'
import { noiseCipher } from './noise-cipher.ts'
import { createLibp2p, identify, noise, privateKeyFromRaw, tcp, tlsPackage, webSockets, yamux } from './packages.ts'

/** What proves keys and keeps secrets, first choice: the two ends of a connection take what both have. */
export const encrypters = ['noise', 'tls'] as const
export type Encrypter = (typeof encrypters)[number]

/** What a service of libp2p is given: the parts that its public face does not show. */
export interface Components {
  readonly transportManager: TransportManager
  readonly connectionManager: ConnectionManager
  readonly peerStore: PeerStore
  readonly registrar: Registrar
  readonly addressManager: object
}

type Services = { identify: Identify; inner: { readonly components: Components } }
export type LinkNode = Libp2p<Services>

export interface LinkNodeOptions {
  readonly identity: Identity
  readonly gater: ConnectionGater
  readonly handshakeTimeoutMs: number
  readonly encrypter: Encrypter
  /** Further transports, such as that of a circuit relay. */
  readonly transports: NonNullable<Libp2pOptions['transports']>
  /** Further services, by name. */
  readonly services?: NonNullable<Libp2pOptions['services']>
}

/** A stream may have this much under way to a reader that is slow: yamux' own first window, and what it may grow to. */
const STREAM_WINDOW_BYTES = 256 * 1024
const MAX_STREAM_WINDOW_BYTES = 1024 * 1024
/** A connection carries one link; the rest is for identify and for what other libp2p programs ask. */
const MAX_STREAMS_PER_CONNECTION = 16
/**
 * How many connections there are, and how fast they come, is decided by our own admission, which evicts instead of
 * refusing.
 */
const LEFT_TO_ADMISSION = 1_000_000
/** Peers that are remembered after their last connection: libp2p would keep all for hours. */
const MAX_FORMER_PEERS = 256

/** Creates and starts it, without listening anywhere yet. */
export async function createLinkNode(options: LinkNodeOptions): Promise<LinkNode> {
  const { identity, gater, handshakeTimeoutMs, encrypter, transports, services = {} } = options
  const preferred = encrypter === 'tls' ? [(await tlsPackage()).tls()] : []
  const node = (await createLibp2p({
    privateKey: privateKeyFromRaw(rawKeyOf(identity)),
    transports: [
      // Links that are idle are the upper layers' to close.
      tcp({ inboundSocketInactivityTimeout: 0, outboundSocketInactivityTimeout: 0 }),
      webSockets(),
      ...transports,
    ],
    connectionEncrypters: [...preferred, noise({ crypto: noiseCipher })],
    streamMuxers: [
      yamux({
        enableKeepAlive: false,
        maxInboundStreams: MAX_STREAMS_PER_CONNECTION,
        maxOutboundStreams: MAX_STREAMS_PER_CONNECTION,
        streamOptions: {
          initialStreamWindowSize: STREAM_WINDOW_BYTES,
          maxStreamWindowSize: MAX_STREAM_WINDOW_BYTES,
        },
      }),
    ],
    connectionGater: gater,
    connectionManager: {
      maxConnections: LEFT_TO_ADMISSION,
      inboundConnectionThreshold: LEFT_TO_ADMISSION,
      maxIncomingPendingConnections: LEFT_TO_ADMISSION,
      inboundUpgradeTimeout: handshakeTimeoutMs,
      inboundStreamProtocolNegotiationTimeout: handshakeTimeoutMs,
      outboundStreamProtocolNegotiationTimeout: handshakeTimeoutMs,
      reconnectRetries: 0,
    },
    connectionMonitor: { enabled: false },
    nodeInfo: { name: 'trellis' },
    services: {
      ...services,
      identify: identify({ runOnConnectionOpen: false }),
      // Wrapped: libp2p starts and stops whatever can be, and the parts are that by themselves.
      inner: (components: Components) => ({ components }),
    },
  })) as LinkNode
  forgetFormerPeers(node)
  return node
}

/**
 * Stops it. The end of a listener makes libp2p wait a second before it notes that address, stopped or not: nobody waits
 * for that.
 */
export async function stopLinkNode(node: LinkNode): Promise<void> {
  await node.stop()
  const addresses = node.services.inner.components.addressManager as { _updatePeerStoreAddresses?: { stop?(): void } }
  addresses._updatePeerStoreAddresses?.stop?.()
}

/** The 32 bytes of the seed and the 32 of the public key. */
function rawKeyOf({ privateKey }: Identity): Uint8Array {
  const { d, x } = privateKey.export({ format: 'jwk' })
  return Buffer.concat([Buffer.from(String(d), 'base64url'), Buffer.from(String(x), 'base64url')])
}

/** Anybody can connect with key after key, and each leaves an entry behind. */
function forgetFormerPeers(node: LinkNode): void {
  const { peerStore, connectionManager } = node.services.inner.components
  type PeerId = typeof node.peerId
  const former = new Map<string, PeerId>()
  node.addEventListener('peer:connect', ({ detail }) => former.delete(detail.toString()))
  node.addEventListener('peer:disconnect', ({ detail }) => {
    former.set(detail.toString(), detail)
    if (former.size <= MAX_FORMER_PEERS) return
    const [[key, oldest]] = former as unknown as [[string, PeerId]]
    former.delete(key)
    // One that was never stored cannot be deleted, and need not be.
    if (connectionManager.getConnections(oldest).length === 0) peerStore.delete(oldest).catch(() => undefined)
  })
}
