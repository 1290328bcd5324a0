// The peers at the other ends of this node's links: which of them are in its cluster, who is let in, and what a lost
// link is evidence of. Membership and log are spoken of only between members of one cluster; anything else is dropped
// and counted.

import type { MemberRecord } from '../../topology/index.ts'
import { type ClusterError, isClusterError } from '../errors.ts'
import { PeerPolicy } from '../membership/peer-policy.ts'
import { oncePer } from '../observability/logger.ts'
import type { Toolbox } from '../runtime/toolbox.ts'
import type { Transport } from '../transport/transport.ts'
import type { Contact } from '../wire/contacts.ts'
import type { LocalHello } from '../wire/handshake.ts'
import type { Hello } from '../wire/hello.ts'
import type { Link, LinkEnd } from '../wire/link.ts'
import type { WireMessage } from '../wire/message.ts'
import type { ClusterRecord } from '../wire/record.ts'
import type { Keyring } from '../wire/secrets.ts'
import { CloseEvidence } from './close-evidence.ts'
import { Links } from './links.ts'

export interface PeersOptions {
  readonly transport: Transport
  readonly keyring: Keyring
  readonly toolbox: Toolbox
  readonly hello: () => LocalHello
  /** The generation of a later life of this node, or of a copy of it, that evidence shows. */
  readonly laterLife: (evidence: Uint8Array) => number | undefined
  /** The cluster that this node knows for its own; empty: none. */
  readonly clusterId: () => string
  /** This node knows its cluster. */
  readonly isInCluster: () => boolean
  readonly isStopping: () => boolean
  readonly member: (id: string) => MemberRecord | undefined
  readonly onUp: (link: Link) => void
  readonly onDown: (link: Link, end: LinkEnd) => void
  /** The port of `peer` refuses after its link, to that life of it, was lost. */
  readonly onRefusedPort: (peer: string, generation: number) => void
  /** A peer said which cluster it is in; first of all when its link came up. */
  readonly onCluster: (link: Link, clusterId: string) => void
  /** `record` and `swim` and `raft` only from members of our cluster. */
  readonly onMessage: (link: Link, message: WireMessage) => void
  /** A handshake that this node began was refused; or any, with the evidence of a later life. */
  readonly onRefused: (error: ClusterError, address: string) => void
  /** Somebody else lives at the address of this member. */
  readonly onMoved: (member: string, address: string) => void
  /** A call of this member failed; it goes on being called. */
  readonly onUnreachable?: (member: string) => void
}

/** One log line per reason in this time, however often strangers knock. */
const REFUSAL_LOG_INTERVAL_MS = 10_000

const ofOneCluster: ReadonlySet<WireMessage['type']> = new Set([
  'swim',
  'raft',
  'record',
  'overlay',
  'hold',
  'plumtree',
])

/**
 * A fresh peer that says nothing for so long keeps its name from nobody: its machine may have died without closing a
 * connection. As long as a log waits for the holder of a name. Founders say something every 300 ms; of two that claim a
 * name all the same the log decides.
 */
const FRESH_PEER_GONE_MS = 10_000

export class Peers {
  readonly links: Links
  readonly #options: PeersOptions
  readonly #policy: PeerPolicy
  readonly #evidence: CloseEvidence
  readonly #sayRefusal: ReturnType<typeof oncePer>
  readonly #clusterOf = new Map<string, string>()
  /** Of those, which named a leader in their record. */
  readonly #joinable = new Map<string, string>()

  constructor(options: PeersOptions) {
    const { transport, keyring, toolbox, hello, laterLife, member, onMoved, onUnreachable } = options
    const { isInCluster, isStopping } = options
    this.#options = options
    this.#sayRefusal = oncePer({ intervalMs: REFUSAL_LOG_INTERVAL_MS, now: () => toolbox.clock.now() })
    const self = { id: transport.id, name: () => hello().name }
    const isThere = ({ id }: Hello): boolean =>
      toolbox.clock.now() - (this.links.heardAt(id) ?? Number.NEGATIVE_INFINITY) < FRESH_PEER_GONE_MS
    const linked = (): Hello[] =>
      this.links
        .all()
        .map(({ peer }) => peer)
        .filter(isThere)
    this.#policy = new PeerPolicy({ self, isInCluster, isStopping, member, linked })
    this.#evidence = new CloseEvidence(transport, toolbox.clock, (peer, generation) =>
      toolbox.turn.enter(() => this.#refusedPort(peer, generation)),
    )
    this.links = new Links({
      transport,
      keyring,
      ...toolbox,
      hello,
      laterLife,
      admit: (peer) => this.#policy.judge(peer),
      onUp: (link) => this.#up(link),
      onDown: (link, end) => this.#down(link, end),
      onMessage: (link, message) => this.#receive(link, message),
      onRefused: (error, side, address) => this.#refused(error, side, address),
      onUnexpected: onMoved,
      ...(onUnreachable ? { onUnreachable } : {}),
      count: (reason) => toolbox.counters.add(reason),
    })
  }

  /** Which cluster a linked peer is in: empty while it is in none, undefined when it is not linked. */
  clusterOf(peer: string): string | undefined {
    return this.#clusterOf.get(peer)
  }

  /**
   * Clusters that linked peers are in and that have had a leader: so a majority has started, and they can be joined.
   * One that a single founder has started may never come alive (design rule 2).
   */
  clusters(): string[] {
    return [...this.#joinable.values()]
  }

  /** Linked peers that are in the same cluster as this node, or are one of `others`. */
  companions(others: readonly string[] = []): Link[] {
    const clusterId = this.#options.clusterId()
    const isInOurs = (id: string): boolean => clusterId !== '' && this.#clusterOf.get(id) === clusterId
    return this.links.all().filter(({ peer: { id } }) => isInOurs(id) || others.includes(id))
  }

  /** Linked peers that are in no cluster. */
  strangers(): string[] {
    return [...this.#clusterOf].filter(([, clusterId]) => clusterId === '').map(([peer]) => peer)
  }

  /** Linked peers that could found a cluster with this node, and where they can be dialed. */
  founders(): Contact[] {
    const couldFound = ({ peer }: Link): boolean => peer.expect > 0 && this.#clusterOf.get(peer.id) === ''
    return this.links
      .all()
      .filter(couldFound)
      .map(({ peer }) => ({ id: peer.id, address: peer.address }))
  }

  async close(reason: 'leaving' | 'stopping'): Promise<void> {
    this.#evidence.close()
    await this.links.close(reason)
  }

  #up(link: Link): void {
    const { peer, connection } = link
    this.#policy.remember(peer)
    this.#evidence.linked(peer.id, peer.address, connection.side)
    this.#clusterOf.set(peer.id, peer.clusterId)
    this.#options.onUp(link)
    this.#options.onCluster(link, peer.clusterId)
  }

  #down(link: Link, end: LinkEnd): void {
    const { id, generation } = link.peer
    this.#clusterOf.delete(id)
    this.#joinable.delete(id)
    this.#options.onDown(link, end)
    if (end.announced) {
      this.#evidence.forget(id)
      return
    }
    this.#evidence.lost(id, generation)
  }

  #refusedPort(peer: string, generation: number): void {
    if (!this.links.get(peer)) this.#options.onRefusedPort(peer, generation)
  }

  #receive(link: Link, message: WireMessage): void {
    const { clusterId, toolbox, onCluster, onMessage } = this.#options
    const peer = link.peer.id
    if (message.type === 'record' && this.#learn(peer, message.record)) onCluster(link, message.record.clusterId)
    if (!this.#isWelcome(message, this.#clusterOf.get(peer) ?? '', clusterId())) {
      toolbox.counters.add(`${message.type}-foreign`)
      return
    }
    onMessage(link, message)
  }

  /** True when the record says of the peer's cluster what was not known. */
  #learn(peer: string, { clusterId, leader }: ClusterRecord): boolean {
    const isNews = this.#clusterOf.get(peer) !== clusterId || (leader !== '' && this.#joinable.get(peer) !== clusterId)
    this.#clusterOf.set(peer, clusterId)
    if (leader !== '') this.#joinable.set(peer, clusterId)
    return isNews
  }

  /**
   * Membership and log are for members of one cluster; who is in none yet may ask to be let in, and forms with others.
   */
  #isWelcome({ type }: WireMessage, theirs: string, ours: string): boolean {
    if (ofOneCluster.has(type)) return ours !== '' && theirs === ours
    return ours === '' || theirs === '' || theirs === ours
  }

  #refused(error: ClusterError, side: 'dialer' | 'acceptor', address: string): void {
    const { toolbox, onRefused } = this.#options
    const reason = isClusterError(error, 'ERR_HANDSHAKE_FAILED') ? error.details.reason : error.code
    toolbox.counters.add(`handshake-${side}-${reason}`)
    // Calls that are given up because the peer was quicker end like this all the time.
    if (reason === 'closed') return
    const heldBack = this.#sayRefusal(`${side} ${reason}`)
    if (heldBack !== undefined)
      toolbox.logger.warn('no link', { side, address, code: error.code, reason: error.message, heldBack })
    // Of what its callers say, a node believes only what it has signed itself.
    if (side === 'dialer' || error.code === 'ERR_DATA_ROLLED_BACK') onRefused(error, address)
  }
}
