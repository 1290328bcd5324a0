// What the coming and going of a link means to the parts of a node. Links are told apart by the cluster of the peer:
// with one of the same cluster everything is spoken, one that is in none yet is told where it could join, and one of
// another is sent away.

import type { Parts } from './dispatch.ts'
import type { Peers } from './links/peers.ts'
import type { Logger } from './observability/logger.ts'
import type { Link, LinkEnd } from './wire/link.ts'

export interface LinkEventsOptions {
  readonly parts: Parts
  readonly peers: Peers
  /** This node's cluster, once it knows it. */
  readonly clusterId: () => string | undefined
  readonly logger: Logger
  /** A peer may be in a cluster that this node could join. */
  readonly considerJoining: () => void
  /** Where a peer is that is written down. */
  readonly addressOf: (peer: string) => string | undefined
  readonly onLink: (peer: string, state: 'up' | 'down', reason: string | undefined) => void
}

export class LinkEvents {
  readonly #options: LinkEventsOptions
  /** Peers of whose link the features were told. */
  readonly #companions = new Set<string>()

  constructor(options: LinkEventsOptions) {
    this.#options = options
  }

  up(link: Link): void {
    this.#options.onLink(link.peer.name, 'up', undefined)
  }

  /** A peer is in a cluster, ours or another, or in none yet. */
  peerInCluster(link: Link, clusterId: string): void {
    const { parts, peers } = this.#options
    const peer = link.peer.id
    const ours = this.#options.clusterId()
    parts.formation?.put({ type: 'connected', peer })
    if (ours === undefined) {
      if (clusterId === '') parts.formation?.calls.linked(link.peer.address)
      if (clusterId === '') parts.formation?.introduce(peer, () => peers.founders())
      this.#options.considerJoining()
      return
    }
    if (!parts.coordination) return
    if (clusterId === ours) this.#companion(link)
    else if (clusterId === '') parts.coordination.greet(peer)
    else this.#foreigner(link, ours, clusterId)
  }

  down(link: Link, end: LinkEnd): void {
    const { parts, peers, addressOf, onLink } = this.#options
    const { id, name, fresh } = link.peer
    parts.formation?.put({ type: 'disconnected', peer: id, announced: end.announced })
    // A link that was let go of is not the only way to its peer.
    if (end.reason !== 'idle') parts.requests.lost(id)
    parts.holds.down(id)
    if (this.#companions.delete(id)) parts.features.linkDown(link, end)
    const isGoing = end.reason === 'leaving' || end.reason === 'stopping' || parts.membership?.hasLeft(id) === true
    parts.coordination?.disconnected(id, isGoing)
    parts.membership?.disconnected(id, end.announced)
    // It was here on a visit, as who merges clusters is, and nobody calls it any more; it may be the only one that is
    // known here.
    const address = fresh && parts.membership?.member(id) === undefined ? addressOf(id) : undefined
    if (address !== undefined) peers.links.callMember(id, address, 'eager')
    onLink(name, 'down', end.reason ?? end.error?.message ?? 'closed')
  }

  /** The port of a peer refuses after its link was lost: evidence, which others must confirm (design rule 13). */
  refusedPort(peer: string, generation: number): void {
    const { coordination, membership } = this.#options.parts
    coordination?.disconnected(peer, true)
    membership?.put({ type: 'evidence', peer, generation })
  }

  #companion(link: Link): void {
    const { formation, coordination, membership, relay, features } = this.#options.parts
    const peer = link.peer.id
    // Its hello says in which cluster it is, and its record says it again.
    if (this.#companions.has(peer)) return
    this.#companions.add(peer)
    formation?.put({ type: 'companion', peer })
    coordination?.greet(peer)
    coordination?.connected(peer)
    membership?.connected(peer)
    relay.up(peer)
    features.linkUp(link)
  }

  #foreigner(link: Link, ours: string, theirs: string): void {
    const { peers, logger } = this.#options
    const peer = link.peer.name
    logger.warn('linked to a foreign cluster', { code: 'ERR_FOREIGN_CLUSTER', peer, ours, theirs })
    peers.links.disconnect(link.peer.id, 'idle')
  }
}
