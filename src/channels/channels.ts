// The channels of a node as one of its parts: who is meant by a name, what a link or a member means for what waits, and
// whom an arrival is for. The work is done by `local-channel.ts`, `delivery-driver.ts` and the lanes.

import { deliveryPresets, FollowedWays, type SwimEvent } from '../../topology/index.ts'
import type { Broadcasts } from '../broadcasts/broadcasts.ts'
import type { OpenTopicsPart } from '../broadcasts/open-topics-part.ts'
import { ClusterError } from '../errors.ts'
import type { Stage } from '../lifecycle-options.ts'
import type { NodeContext, NodePart } from '../node-part.ts'
import type { DistributionView } from '../observability/distribution.ts'
import { passingOnSpan } from '../observability/tracing.ts'
import type { Timer } from '../runtime/clock.ts'
import type { Envelope } from '../wire/envelope.ts'
import type { Link } from '../wire/link.ts'
import type { Carrier } from './carrier.ts'
import type { Channel, ChannelStats, LaneView, Recipient } from './channel.ts'
import { channelNames, checkChannel } from './channel-defaults.ts'
import { CongestionNews } from './congestion-news.ts'
import { DeliveryDriver } from './delivery-driver.ts'
import type { ArrivedEnvelope, ChannelName, CongestionCause, IncomingLane, Lanes, LanesHandler } from './lane.ts'
import { LocalChannel } from './local-channel.ts'
import type { Destination } from './outgoing-message.ts'
import type { ReassemblyBudget } from './transfers.ts'

/** Refutations that fit below one generation in an incarnation number. */
const REFUTATIONS_PER_GENERATION = 2 ** 20
/** News of ways is gathered for so long. */
const WAYS_DELAY_MS = 20

export class Channels implements NodePart, LanesHandler {
  readonly #context: NodeContext
  readonly #lanes: Lanes
  readonly #driver: DeliveryDriver
  readonly #channels: ReadonlyMap<string, LocalChannel>
  /** By name and id, as long as membership does not change. */
  readonly #destinations = new Map<string, Destination>()
  #others: readonly Destination[] | undefined
  /** Whom messages were sent to, until somebody asks. Bounded by the members there are. */
  readonly #recipients = new Set<string>()
  /** Members that are to be reached over relays. */
  readonly #ways: FollowedWays
  #waysTimer: Timer | undefined
  #isClosed = false
  readonly #news: CongestionNews
  /** The life in which those are asked for. */
  readonly #relayed = new Map<string, number>()

  /** `offerer`: the id of a member that offers a service; throws `ERR_UNKNOWN_SERVICE`. */
  constructor(
    context: NodeContext,
    lanes: Lanes,
    offerer: (to: Exclude<Recipient, string>) => string,
    {
      open,
      tree,
      budget,
    }: { readonly open: OpenTopicsPart; readonly tree: Broadcasts; readonly budget: ReassemblyBudget },
  ) {
    this.#context = context
    const { self, toolbox, options } = context
    this.#lanes = lanes
    this.#news = new CongestionNews({
      now: () => toolbox.clock.now(),
      wall: () => toolbox.clock.wall(),
      after: (ms, work) => toolbox.clock.setTimeout(() => toolbox.turn.enter(work), ms),
      nameOf: (id) => context.nameOf(id),
      emit: (event) => context.emit(event),
    })
    this.#ways = new FollowedWays((member) => context.relay().hopTo(member))
    const delivery = deliveryPresets[options.profile]
    this.#driver = new DeliveryDriver({
      self,
      delivery,
      lanes: this.#lanes,
      budget,
      toolbox,
      nextHop: (member, isLarge) => context.relay().way(member, isLarge),
      isAwaited: (member) => context.relay().isAwaited(member),
      onOwed: (member, generation) => this.#seek(member, generation),
      deliver: (arrival) => this.#channels.get(arrival.channel)?.take(arrival),
      dropped: (channel, reason, count) => this.#channels.get(channel)?.counts.drop(reason, count),
    })
    const channelContext = {
      self,
      clock: toolbox.clock,
      logger: toolbox.logger,
      turn: toolbox.turn,
      delivery,
      handlerConcurrency: options.handlerConcurrency,
      driver: this.#driver,
      destination: (to: Recipient) => this.#destination(typeof to === 'object' && to !== null ? offerer(to) : to),
      others: () => this.#aliveOthers(),
      nameOf: (id: string) => context.nameOf(id),
      broadcasters: [open, tree],
      isOpen: (channel: ChannelName, topic: string) => open.isOpen(channel, topic),
      lanes: (channel: ChannelName) => this.#laneStats(channel),
    }
    this.#channels = new Map(channelNames.map((name) => [name, new LocalChannel(name, channelContext)]))
    this.#lanes.attach(this)
    for (const broadcaster of [open, tree]) broadcaster.attach((envelope, peer) => this.#cameToAll(envelope, peer))
  }

  /** Throws `ERR_UNKNOWN_CHANNEL`, `ERR_BAD_OPTIONS`. */
  channel(name: string): Channel {
    checkChannel(name)
    return this.#channels.get(name)!
  }

  /** Messages between this part of a node and that of others, on one of its channels. */
  carrier(channel: ChannelName, name: string): Carrier {
    return this.#channels.get(channel)!.carrier(name)
  }

  /**
   * User messages sent so far, and to how many different members, those of broadcasts apart, since this was last asked.
   */
  traffic(): { readonly messages: number; readonly recipients: number } {
    const messages = [...this.#channels.values()].reduce((sum, { counts }) => sum + counts.sentMessages, 0)
    const recipients = this.#recipients.size
    this.#recipients.clear()
    return { messages, recipients }
  }

  /** How long acknowledged messages and requests took. */
  latencies(): ReadonlyMap<string, DistributionView> {
    return new Map([...this.#channels].map(([name, { counts }]) => [name, counts.distribution()]))
  }

  // --- What the node tells ---

  stage(_stage: Stage): void {
    this.#forgetDestinations()
  }

  linkUp({ peer: { id, generation } }: Link): void {
    this.#forgetDestinations()
    this.#ways.forget(id)
    this.#driver.put({ type: 'connected', peer: id, generation })
    for (const channel of channelNames) this.#driver.queues.room(id, channel)
  }

  linkDown({ peer: { id, generation } }: Link): void {
    // A way that was found while the link ended, before this was told of it.
    this.#ways.forget(id)
    this.#driver.put({ type: 'disconnected', peer: id })
    if (this.#isOwed(id)) this.#seek(id, generation)
    this.#followWays()
  }

  /** Ways may be others; while an overlay forms they are again and again, so they are looked at together. */
  overlays(): void {
    if (this.#isClosed) return
    const { clock, turn } = this.#context.toolbox
    this.#waysTimer ??= clock.setTimeout(() => {
      this.#waysTimer = undefined
      turn.enter(() => this.#followWays())
    }, WAYS_DELAY_MS)
  }

  /** Whoever has no way any more waits, and of the rest it is asked what came over the former one. */
  #followWays(): void {
    const { rerouted, lost } = this.#ways.changes()
    for (const peer of lost) {
      this.#driver.put({ type: 'disconnected', peer })
      if (this.#isOwed(peer)) this.#callIfLost(peer)
    }
    for (const peer of rerouted) this.#driver.put({ type: 'connected', peer, generation: this.#relayed.get(peer) ?? 0 })
  }

  givenUp(member: string): void {
    this.#driver.queues.givenUp(member)
    if (this.#isOwed(member)) this.#callIfLost(member)
  }

  member(event: Extract<SwimEvent, { type: 'member' | 'forgotten' }>): void {
    this.#forgetDestinations()
    if (event.type === 'forgotten') {
      this.#relayed.delete(event.member.id)
      this.#ways.forget(event.member.id)
      this.#driver.gone(event.member.id)
      this.#driver.put({ type: 'forgotten', peer: event.member.id })
      return
    }
    const { id, state } = event.after
    if (state !== 'down' && state !== 'left') return
    this.#ways.forget(id)
    this.#driver.gone(id)
    this.#driver.put({ type: 'down', peer: id })
    for (const channel of this.#channels.values()) channel.lost(id, true)
  }

  close(): void {
    this.#isClosed = true
    this.#waysTimer?.[Symbol.dispose]()
    this.#news.close()
    for (const channel of this.#channels.values()) channel.close()
    this.#driver.close()
  }

  // --- What the lanes tell ---

  arrived(lane: IncomingLane, envelopes: readonly ArrivedEnvelope[]): void {
    const { self } = this.#context
    const isOurs = ({ source, destination }: ArrivedEnvelope): boolean =>
      source === lane.peer && destination === self.id
    this.#driver.arrived(lane, envelopes.every(isOurs) ? envelopes : this.#passOn(lane, envelopes))
  }

  room(peer: string, channel: ChannelName): void {
    this.#driver.queues.room(peer, channel)
  }

  taken(_peer: string, envelope: Envelope, outcome: 'taken' | 'refused'): void {
    this.#driver.queues.taken(envelope, outcome)
  }

  lost(peer: string, isWhole: boolean): void {
    this.#news.lost(peer)
    this.#driver.queues.lost(peer, isWhole)
    // What was asked of it may be answered by another way, or over a link that it opens.
    if (isWhole || this.#context.relay().hopTo(peer) !== undefined) return
    for (const channel of this.#channels.values()) channel.lost(peer, false)
  }

  congestion(peer: string, channel: ChannelName, state: 'congested' | 'relieved', cause: CongestionCause): void {
    this.#channels.get(channel)?.tell({ type: 'congestion', peer: this.#context.nameOf(peer), state, cause })
    this.#news.tell(peer, channel, state, cause)
  }

  // --- Relays ---

  /** Those for this node; the others go on, or are dropped and counted: whoever wants an answer sends them again. */
  #passOn(lane: IncomingLane, envelopes: readonly ArrivedEnvelope[]): ArrivedEnvelope[] {
    const { self, toolbox } = this.#context
    const relay = this.#context.relay()
    const ours: ArrivedEnvelope[] = []
    for (const envelope of envelopes) {
      const hop = relay.onward(lane.peer, envelope)
      if (hop === self.id) {
        ours.push(envelope)
        continue
      }
      if (hop !== undefined) {
        const trace = passingOnSpan(envelope)
        const isSent = this.#lanes.forward(hop, { ...envelope, hops: envelope.hops + 1, trace })
        toolbox.counters.add(isSent ? 'relay-forwarded' : 'relay-full')
      }
      lane.release(envelope.laneBytes)
    }
    return ours
  }

  /** Something waits for the word of that member. */
  #isOwed(id: string): boolean {
    return channelNames.some((channel) => this.#driver.size(id, channel) > 0)
  }

  /**
   * What waits for a member without a link goes over relays, as soon as one is known, or over a link that is asked for.
   */
  #seek(id: string, generation: number): void {
    if (this.#context.links.get(id)) return
    if (this.#relayed.get(id) !== generation) this.#ways.forget(id)
    this.#relayed.set(id, generation)
    if (this.#ways.follow(id)) this.#driver.put({ type: 'connected', peer: id, generation })
    else this.#callIfLost(id)
  }

  /** Asks for a link to whoever is neither linked nor reached by a relay. */
  #callIfLost(id: string): void {
    const relay = this.#context.relay()
    if (!this.#context.links.get(id) && relay.hopTo(id) === undefined) relay.way(id)
  }

  /** It took no room in any lane, so none is given back. */
  #cameToAll(envelope: Envelope, peer: string): void {
    if (envelope.sequence !== 0 || envelope.kind !== 'message') return
    this.#driver.arrived({ peer, channel: envelope.channel, release: () => {} }, [{ ...envelope, laneBytes: 0 }])
  }

  // --- Who is meant ---

  #destination(nameOrId: string): Destination {
    const known = this.#destinations.get(nameOrId)
    if (known) {
      this.#recipients.add(known.id)
      return known
    }
    const id = this.#context.route(nameOrId)
    const destination = this.#all().find((member) => member.id === id)
    if (destination === undefined)
      throw new ClusterError('ERR_UNKNOWN_MEMBER', `no member is called '${nameOrId}'`, { member: nameOrId })
    this.#destinations.set(nameOrId, destination)
    this.#recipients.add(destination.id)
    return destination
  }

  #aliveOthers(): readonly Destination[] {
    this.#others ??= this.#all().filter(({ id, isAlive }) => isAlive && id !== this.#context.self.id)
    return this.#others
  }

  #all(): (Destination & { readonly isAlive: boolean })[] {
    return this.#context.members().map(({ id, name, incarnation, state }) => ({
      id,
      name,
      generation: Math.floor(incarnation / REFUTATIONS_PER_GENERATION),
      isAlive: state === 'alive',
    }))
  }

  #forgetDestinations(): void {
    this.#destinations.clear()
    this.#others = undefined
  }

  #laneStats(channel: ChannelName): Pick<ChannelStats, 'queue' | 'credit' | 'connections' | 'dropped' | 'lanes'> {
    const { messages, bytes } = this.#driver.queues.waiting(channel)
    const sum = { messages, bytes, oldestMs: 0, credit: 0, connections: 0 }
    const dropped: Record<string, number> = {}
    const lanes: LaneView[] = []
    for (const lane of this.#lanes.stats()) {
      if (lane.channel !== channel) continue
      sum.messages += lane.queued.messages
      sum.bytes += lane.queued.bytes
      sum.oldestMs = Math.max(sum.oldestMs, lane.oldestMs)
      sum.credit += lane.credit
      sum.connections += lane.connections
      for (const [reason, count] of Object.entries(lane.dropped)) dropped[reason] = (dropped[reason] ?? 0) + count
      const { connections, credit, oldestMs, sent, received } = lane
      lanes.push({
        peer: this.#context.nameOf(lane.peer),
        ...{ connections, credit, sent, received, dropped: lane.dropped },
        queue: { ...lane.queued, oldestMs },
        latencyMs: lane.roundTripMs,
      })
    }
    const { credit, connections, ...queue } = sum
    return { queue, credit, connections, dropped, lanes }
  }
}
