// Open topics over gossipsub (libp2p pubsub/gossipsub v1.2), with scores and bounds of our own. It runs on one
// connection of each peer: which one, it learns from identify. When that one is closed, as lanes are when they are
// idle, another takes its place.
//
//   connection open ── identify ──▶ the peer speaks gossipsub: its home is this connection
//                                      ── closed ──▶ its home is another open one, or it is gone

import type { GossipSub, GossipsubMessage, GossipsubOpts, TopicValidatorResult } from '@libp2p/gossipsub'
import type { Connection as Libp2pConnection, PeerId } from '@libp2p/interface'
import { ClusterError } from '../../errors.ts'
import type { OpenMessage, OpenTopic, OpenTopics } from '../open-topics.ts'
import type { Admission } from './admission.ts'
import type { LinkNode } from './libp2p-node.ts'
import { multiaddr } from './packages.ts'

export interface GossipSettings {
  readonly topics: readonly OpenTopic[]
  /** Messages carry their publisher's signature, and others are refused. */
  readonly sign: boolean
  /** Peers that are no members. */
  readonly maxGuests: number
}

/** Bytes of one message; larger ones travel over lanes, to members. */
const MAX_MESSAGE_BYTES = 256 * 1024
/** Publishes under way; further ones are refused. */
const MAX_PUBLISHING = 1_024
/**
 * Bytes that wait for one peer; past that its stream ends, and it hears from others until this one and it are connected
 * anew.
 */
const MAX_OUTBOUND_BYTES = 4 * 1024 * 1024
/** What one frame of a peer may hold: a decoder without bounds was the hole of CVE-2026-46679. */
const decodeRpcLimits = {
  maxSubscriptions: 128,
  maxMessages: 512,
  maxIhaveMessageIDs: 5_000,
  maxIwantMessageIDs: 5_000,
  maxIdontwantMessageIDs: 512,
  maxControlMessages: 128,
  maxPeerInfos: 16,
}
const MAX_TOPIC_BYTES_PER_PEER = 128 * 1024
const IDENTIFY_TIMEOUT_MS = 5_000
const MAX_KEPT = 8

/** What the service of libp2p is made with. `onDuplicate` hears of each copy of what had come already. */
export function gossipOptions({ topics, sign }: GossipSettings, onDuplicate: () => void): Partial<GossipsubOpts> {
  const scored = topics.map(({ topic }) => [topic, quietTopicScore] as const)
  return {
    globalSignaturePolicy: sign ? 'StrictSign' : 'StrictNoSign',
    allowedTopics: topics.map(({ topic }) => topic),
    allowPublishToZeroTopicPeers: true,
    emitSelf: false,
    doPX: false,
    decodeRpcLimits,
    maxInboundDataLength: MAX_MESSAGE_BYTES,
    maxOutboundBufferSize: MAX_OUTBOUND_BYTES,
    maxTopicBytesPerPeer: MAX_TOPIC_BYTES_PER_PEER,
    runOnLimitedConnection: true,
    metricsRegister: onlyDuplicates(onDuplicate),
    metricsTopicStrToLabel: new Map(topics.map(({ topic }) => [topic, topic])),
    scoreParams: {
      topics: Object.fromEntries(scored),
      // Members share machines, and networks share addresses: how many there are is bounded by admission.
      IPColocationFactorWeight: 0,
    },
  }
}

/** Of gossipsub's metrics this one, and nobody else's registry. */
function onlyDuplicates(onDuplicate: () => void): NonNullable<GossipsubOpts['metricsRegister']> {
  const nothing = (): void => {}
  return {
    gauge: ({ name }) => {
      const isDuplicates = name === 'gossipsub_pre_validation_duplicate_total'
      return { inc: isDuplicates ? onDuplicate : nothing, set: nothing, addCollect: nothing }
    },
    histogram: () => ({ startTimer: () => nothing, observe: nothing, reset: nothing }),
    avgMinMax: () => ({ set: nothing }),
  }
}

/** Nobody is to blame for a topic on which nothing is said; what is wrong costs, and what comes first pays. */
const quietTopicScore = {
  topicWeight: 0.5,
  timeInMeshWeight: 0.01,
  timeInMeshQuantum: 1_000,
  timeInMeshCap: 3_600,
  firstMessageDeliveriesWeight: 1,
  firstMessageDeliveriesDecay: 0.5,
  firstMessageDeliveriesCap: 100,
  meshMessageDeliveriesWeight: 0,
  meshMessageDeliveriesDecay: 0.5,
  meshMessageDeliveriesCap: 100,
  meshMessageDeliveriesThreshold: 1,
  meshMessageDeliveriesWindow: 10,
  meshMessageDeliveriesActivation: 5_000,
  meshFailurePenaltyWeight: 0,
  meshFailurePenaltyDecay: 0.5,
  invalidMessageDeliveriesWeight: -100,
  invalidMessageDeliveriesDecay: 0.9,
}

export class GossipTopics implements OpenTopics {
  readonly topics: readonly OpenTopic[]
  readonly #settings: GossipSettings
  readonly #admission: Admission
  #gossip: GossipSub | undefined
  #node: LinkNode | undefined
  #handler: (message: OpenMessage) => void = () => {}
  /** By peer: the connection that gossipsub uses. */
  readonly #homes = new Map<string, Libp2pConnection>()
  readonly #guests = new Set<Libp2pConnection>()
  readonly #links = new WeakSet<Libp2pConnection>()
  /** Addresses of members that a connection is kept to, by id; and those that are being dialed. */
  #kept: ReadonlyMap<string, string> = new Map()
  readonly #dialing = new Set<string>()
  #publishing = 0
  duplicates = 0

  constructor(settings: GossipSettings, admission: Admission) {
    this.topics = settings.topics
    this.#settings = settings
    this.#admission = admission
  }

  onMessage(handler: (message: OpenMessage) => void): void {
    this.#handler = handler
  }

  async publish({ topic }: OpenTopic, payload: Uint8Array): Promise<void> {
    if (this.#publishing >= MAX_PUBLISHING) {
      const details = { queue: 'open topics', limit: MAX_PUBLISHING }
      throw new ClusterError('ERR_BUFFER_FULL', `${MAX_PUBLISHING} messages are being published already`, details)
    }
    this.#publishing += 1
    this.#dialKept()
    try {
      await this.#gossip?.publish(topic, payload)
    } finally {
      this.#publishing -= 1
    }
  }

  keepConnected(members: readonly { readonly id: string; readonly address: string }[]): void {
    this.#kept = new Map(members.slice(0, MAX_KEPT).map(({ id, address }) => [id, address]))
    this.#dialKept()
  }

  /** The node runs: subscribes, and follows its peers. */
  begin(node: LinkNode, gossip: GossipSub): void {
    this.#node = node
    this.#gossip = gossip
    for (const open of this.topics) {
      gossip.topicValidators.set(open.topic, (_peer, { data }) => (isFit(open, data) ? ACCEPT : REJECT))
      gossip.subscribe(open.topic)
    }
    gossip.addEventListener('gossipsub:message', ({ detail }) => this.#came(detail))
    node.addEventListener('connection:open', ({ detail }) => void this.#meet(detail))
    node.addEventListener('peer:identify', ({ detail: { connection, protocols } }) => {
      if (connection.status === 'open' && protocols.some((protocol) => gossip.protocols.includes(protocol)))
        this.#settle(connection)
    })
  }

  /** This connection carries a link: whoever is there is no guest. */
  linked(connection: Libp2pConnection): void {
    this.#links.add(connection)
    this.#guests.delete(connection)
  }

  /** Falls silent. Gossipsub by itself would leave its next heartbeat waiting, for up to a second. */
  async end(): Promise<void> {
    this.#kept = new Map()
    const gossip = this.#gossip as unknown as Beating | undefined
    const heartbeat = gossip?.status.heartbeatTimeout
    // Nothing comes between: `stop` notes at once that it has stopped, and then no further heartbeat is planned.
    const stopped = gossip?.stop()
    clearTimeout(heartbeat)
    await stopped
  }

  async #meet(connection: Libp2pConnection): Promise<void> {
    const peer = connection.remotePeer.toString()
    connection.addEventListener('close', () => this.#closed(connection))
    if (this.#homes.has(peer)) return
    try {
      const signal = AbortSignal.timeout(IDENTIFY_TIMEOUT_MS)
      await this.#node?.services.identify.identify(connection, { signal })
    } catch {
      // Who does not say what it speaks is no guest; a link does not need it.
    }
  }

  /** A peer that speaks gossipsub lives here; one that is no member is a guest, as long as there is room for guests. */
  #settle(connection: Libp2pConnection): void {
    const peer = connection.remotePeer.toString()
    if (!this.#homes.has(peer)) this.#homes.set(peer, connection)
    if (this.#links.has(connection) || connection.direction === 'outbound') return
    if (this.#guests.size >= this.#settings.maxGuests) return
    this.#guests.add(connection)
    this.#admission.admit(connection)
  }

  #closed(connection: Libp2pConnection): void {
    this.#guests.delete(connection)
    const id = connection.remotePeer
    const peer = id.toString()
    if (this.#homes.get(peer) !== connection) return
    this.#homes.delete(peer)
    const next = this.#node?.getConnections(id).find(({ status }) => status === 'open')
    if (next === undefined) {
      this.#dialKept()
      return
    }
    this.#homes.set(peer, next)
    void this.#move(id, next)
  }

  /** What does not come about is tried again with the next message and the next change of members. */
  #dialKept(): void {
    for (const [id, address] of this.#kept) {
      if (this.#homes.has(id) || this.#dialing.has(id)) continue
      this.#dialing.add(id)
      void this.#dial(id, address).finally(() => this.#dialing.delete(id))
    }
  }

  /** Both ends of a new connection ask each other what they speak, and gossipsub takes it from there. */
  async #dial(id: string, address: string): Promise<void> {
    if (this.#node === undefined) return
    const { transportManager } = this.#node.services.inner.components
    const expected = address.includes('/p2p/') ? address : `${address}/p2p/${id}`
    try {
      await transportManager.dial(multiaddr(expected), { signal: AbortSignal.timeout(IDENTIFY_TIMEOUT_MS) })
    } catch {
      // It is away, or there is no way to it from here: others pass on what is said.
    }
  }

  /** Gossipsub keeps to the stream it has opened, and hears of a peer only when its last connection goes. */
  async #move(id: PeerId, connection: Libp2pConnection): Promise<void> {
    const { registrar } = this.#node!.services.inner.components
    try {
      for (const protocol of this.#gossip?.protocols ?? [])
        for (const topology of registrar.getTopologies(protocol)) {
          await topology.onDisconnect?.(id)
          await topology.onConnect?.(id, connection)
        }
    } catch {
      // This connection has ended meanwhile, and its end makes another one the home.
    }
  }

  #came({ msg, propagationSource }: GossipsubMessage): void {
    const topic = this.topics.find((open) => open.topic === msg.topic)
    if (topic === undefined) return
    const source = msg.type === 'signed' ? msg.from.toString() : ''
    this.#handler({ topic, payload: msg.data, source, from: propagationSource.toString() })
  }
}

/** What the class has, and its type does not show. */
interface Beating {
  readonly status: { readonly heartbeatTimeout?: NodeJS.Timeout }
  stop(): Promise<void>
}

/** Words of gossipsub's own enumeration, so that the package is loaded by those who want it only. */
const ACCEPT = 'accept' as TopicValidatorResult
const REJECT = 'reject' as TopicValidatorResult

function isFit({ format }: OpenTopic, data: Uint8Array): boolean {
  if (data.length > MAX_MESSAGE_BYTES) return false
  if (format === 'bytes') return true
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data))
    return true
  } catch {
    // Whoever sends it is to blame; that is what the verdict says.
    return false
  }
}
