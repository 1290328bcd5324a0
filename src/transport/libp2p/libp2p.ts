// What `@viable-systems/trellis/libp2p` exports: links over libp2p, for open networks, for NAT, and for other stacks
// that speak it. The packages of libp2p are optional peers; without them this import fails with one line that names
// what to install.

import type { Libp2pOptions } from 'libp2p'
import { ClusterError } from '../../errors.ts'
import type { OpenTopic } from '../open-topics.ts'
import type { TransportProvider } from '../provider.ts'
import { asMultiaddr } from './addresses.ts'
import { type Encrypter, encrypters } from './libp2p-node.ts'
import { Libp2pTransport } from './libp2p-transport.ts'
import { multiaddr } from './packages.ts'

export type { OpenTopic } from '../open-topics.ts'
export type { TransportContext, TransportProvider } from '../provider.ts'

/** Options of {@link libp2p}. */
export interface Libp2pSettings {
  /**
   * Multiaddrs to listen at, at most 8: `/ip4/127.0.0.1/tcp/0`, `/ip4/0.0.0.0/tcp/7400/ws`,
   * `/dns4/relay.example/tcp/4001/p2p/<id>/p2p-circuit` (with a relay's transport). Default: the node's option
   * `listen`, as `/ip4/HOST/tcp/PORT`.
   */
  readonly listen?: readonly string[]
  /**
   * What encrypts links: `noise`, or `tls`, which is TLS 1.3 as libp2p has it (package `@libp2p/tls` 3), faster in bulk
   * and slower to connect. A node that prefers TLS also speaks Noise, with those who do not have it. Default `noise`.
   */
  readonly encrypter?: Encrypter
  /** Further transports of libp2p, such as `circuitRelayTransport()` of `@libp2p/circuit-relay-v2`. Default none. */
  readonly transports?: NonNullable<Libp2pOptions['transports']>
  /**
   * Topics that members and other libp2p programs publish and subscribe alike, over gossipsub (package
   * `@libp2p/gossipsub` 17); the same on every member. Default none.
   */
  readonly gossipsub?: GossipsubSettings
}

/** Open topics: public, for whoever speaks gossipsub hears and says what is said there. */
export interface GossipsubSettings {
  /** At most 64, without wildcards. A name alone is one of `events` with JSON. */
  readonly topics: readonly (string | (Pick<OpenTopic, 'topic'> & Partial<OpenTopic>))[]
  /**
   * Messages carry their publisher's signature, and others are refused. Default true; false is six times as fast, and
   * `from` is then empty.
   */
  readonly sign?: boolean
  /** Peers that are no members, at most; 0 to 10,000. Default 64. */
  readonly maxGuests?: number
}

const MAX_LISTEN = 8
const MAX_TOPICS = 64
const DEFAULT_MAX_GUESTS = 64
const MOST_GUESTS = 10_000
const MAX_TOPIC_LENGTH = 200

/**
 * A transport over libp2p, for the option `transport` of `createNode`: TCP and WebSocket, Noise or TLS, yamux; the
 * node's key is its libp2p key. Members announce multiaddrs and dial them; `host:port` in `join` and `listen` is
 * understood. Throws `ERR_BAD_OPTIONS` with every problem.
 */
export function libp2p(settings: Libp2pSettings = {}): TransportProvider {
  const problems = problemsOf(settings)
  if (problems.length > 0) throw new ClusterError('ERR_BAD_OPTIONS', problems.join('; '), { problems })
  const { listen, encrypter = 'noise', transports = [], gossipsub } = settings
  const gossip = gossipsub && {
    sign: true,
    maxGuests: DEFAULT_MAX_GUESTS,
    ...gossipsub,
    topics: gossipsub.topics.map(openTopic),
  }
  return {
    name: 'libp2p',
    ...(listen === undefined ? {} : { listen: [...listen] }),
    claims: (address) => address.startsWith('/'),
    wordsFor: asMultiaddr,
    create: (context) => new Libp2pTransport({ ...context, encrypter, transports, gossip }),
  }
}

function openTopic(topic: string | (Pick<OpenTopic, 'topic'> & Partial<OpenTopic>)): OpenTopic {
  return { channel: 'events', format: 'json', ...(typeof topic === 'string' ? { topic } : topic) }
}

function gossipProblems(settings: GossipsubSettings): string[] {
  const { topics, sign = true, maxGuests = DEFAULT_MAX_GUESTS } = Object(settings) as GossipsubSettings
  const found: string[] = []
  if (!Array.isArray(topics) || topics.length === 0 || topics.length > MAX_TOPICS)
    return [`libp2p.gossipsub.topics must be a list of 1 to ${MAX_TOPICS} topics`]
  const opened = topics.map((topic) => openTopic(topic))
  for (const { topic, channel, format } of opened) {
    if (typeof topic !== 'string' || !/^[\w-]+(\.[\w-]+)*$/.test(topic) || topic.length > MAX_TOPIC_LENGTH)
      found.push(`libp2p.gossipsub.topics has '${String(topic).slice(0, 80)}', which is no topic without wildcards`)
    if (!['events', 'gossip'].includes(channel))
      found.push(`libp2p.gossipsub: the channel of '${topic}' must be events or gossip`)
    if (!['json', 'bytes'].includes(format))
      found.push(`libp2p.gossipsub: the format of '${topic}' must be json or bytes`)
  }
  if (new Set(opened.map(({ topic }) => topic)).size < opened.length)
    found.push('libp2p.gossipsub.topics has a topic twice')
  if (typeof sign !== 'boolean') found.push('libp2p.gossipsub.sign must be true or false')
  if (!Number.isInteger(maxGuests) || maxGuests < 0 || maxGuests > MOST_GUESTS)
    found.push(`libp2p.gossipsub.maxGuests must be a whole number from 0 to ${MOST_GUESTS}`)
  return found
}

function problemsOf(settings: Libp2pSettings): string[] {
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings))
    return ['libp2p: the options must be an object']
  const { listen, encrypter, transports, gossipsub } = settings
  const found: string[] = []
  if (listen !== undefined && (!Array.isArray(listen) || listen.length === 0 || listen.length > MAX_LISTEN))
    found.push(`libp2p.listen must be a list of 1 to ${MAX_LISTEN} multiaddrs`)
  else for (const one of listen ?? []) if (!isMultiaddr(one)) found.push(`libp2p.listen ('${one}') is no multiaddr`)
  if (encrypter !== undefined && !encrypters.includes(encrypter))
    found.push(`libp2p.encrypter ('${encrypter}') must be one of ${encrypters.join(', ')}`)
  if (transports !== undefined && !Array.isArray(transports)) found.push('libp2p.transports must be a list')
  if (gossipsub !== undefined) found.push(...gossipProblems(gossipsub))
  return found
}

function isMultiaddr(text: unknown): boolean {
  try {
    return typeof text === 'string' && text.startsWith('/') && multiaddr(text) !== undefined
  } catch {
    // That it is none is the answer.
    return false
  }
}
