// The channels of a node as one of its parts: who is meant by a name, what a link or a member means for what waits, and whom an
// arrival is for. The work is done by `local-channel.ts`, `delivery-driver.ts` and the lanes.

import { deliveryPresets, type SwimEvent } from '../../topology/index.ts'
import { ClusterError } from '../errors.ts'
import type { Stage } from '../lifecycle-options.ts'
import type { NodeContext, NodePart } from '../node-part.ts'
import type { Envelope } from '../wire/envelope.ts'
import type { Link } from '../wire/link.ts'
import type { Channel, ChannelStats } from './channel.ts'
import { channelNames } from './channel-defaults.ts'
import { DeliveryDriver } from './delivery-driver.ts'
import type { ArrivedEnvelope, ChannelName, CongestionCause, IncomingLane, Lanes, LanesHandler } from './lane.ts'
import { LocalChannel } from './local-channel.ts'
import type { Destination } from './outgoing-message.ts'

/** Refutations that fit below one generation in an incarnation number. */
const REFUTATIONS_PER_GENERATION = 2 ** 20

export class Channels implements NodePart, LanesHandler {
  readonly #context: NodeContext
  readonly #lanes: Lanes
  readonly #driver: DeliveryDriver
  readonly #channels: ReadonlyMap<string, LocalChannel>
  /** By name and id, as long as membership does not change. */
  readonly #destinations = new Map<string, Destination>()
  #others: readonly Destination[] | undefined

  constructor(context: NodeContext, lanes: Lanes) {
    this.#context = context
    const { self, toolbox, options } = context
    this.#lanes = lanes
    this.#driver = new DeliveryDriver({
      self,
      delivery: deliveryPresets[options.profile],
      lanes: this.#lanes,
      toolbox,
      nextHop: (member) => (context.links.get(member) === undefined ? undefined : member),
      deliver: (arrival) => this.#channels.get(arrival.channel)?.take(arrival),
      dropped: (channel, reason, count) => this.#channels.get(channel)?.counts.drop(reason, count),
    })
    const channelContext = {
      self,
      clock: toolbox.clock,
      logger: toolbox.logger,
      driver: this.#driver,
      destination: (nameOrId: string) => this.#destination(nameOrId),
      others: () => this.#aliveOthers(),
      nameOf: (id: string) => context.nameOf(id),
      lanes: (channel: ChannelName) => this.#laneStats(channel),
    }
    this.#channels = new Map(channelNames.map((name) => [name, new LocalChannel(name, channelContext)]))
    this.#lanes.attach(this)
  }

  /** Throws `ERR_UNKNOWN_CHANNEL`. */
  channel(name: string): Channel {
    const channel = this.#channels.get(name)
    if (channel) return channel
    const text = `there is no channel '${name}', only ${channelNames.join(', ')}`
    throw new ClusterError('ERR_UNKNOWN_CHANNEL', text, { channel: String(name).slice(0, 100) })
  }

  // --- What the node tells ---

  stage(_stage: Stage): void {
    this.#forgetDestinations()
  }

  linkUp({ peer: { id, generation } }: Link): void {
    this.#forgetDestinations()
    this.#driver.put({ type: 'connected', peer: id, generation })
  }

  linkDown({ peer: { id } }: Link): void {
    this.#driver.put({ type: 'disconnected', peer: id })
  }

  member(event: Extract<SwimEvent, { type: 'member' | 'forgotten' }>): void {
    this.#forgetDestinations()
    if (event.type === 'forgotten') {
      this.#driver.put({ type: 'forgotten', peer: event.member.id })
      return
    }
    const { id, state } = event.after
    if (state !== 'down' && state !== 'left') return
    this.#driver.put({ type: 'down', peer: id })
    for (const channel of this.#channels.values()) channel.lost(id, true)
  }

  close(): void {
    for (const channel of this.#channels.values()) channel.close()
    this.#driver.close()
  }

  // --- What the lanes tell ---

  arrived(lane: IncomingLane, envelopes: readonly ArrivedEnvelope[]): void {
    this.#driver.arrived(lane, envelopes)
  }

  room(peer: string, channel: ChannelName): void {
    this.#driver.queues.room(peer, channel)
  }

  taken(_peer: string, envelope: Envelope): void {
    this.#driver.queues.taken(envelope)
  }

  lost(peer: string): void {
    this.#driver.queues.lost(peer)
    for (const channel of this.#channels.values()) channel.lost(peer, false)
  }

  congestion(peer: string, channel: ChannelName, state: 'congested' | 'relieved', cause: CongestionCause): void {
    this.#channels.get(channel)?.tell({ type: 'congestion', peer: this.#context.nameOf(peer), state, cause })
  }

  // --- Who is meant ---

  #destination(nameOrId: string): Destination {
    const known = this.#destinations.get(nameOrId)
    if (known) return known
    const id = this.#context.route(String(nameOrId))
    const destination = this.#all().find((member) => member.id === id)
    if (destination === undefined)
      throw new ClusterError('ERR_UNKNOWN_MEMBER', `no member is called '${nameOrId}'`, { member: nameOrId })
    this.#destinations.set(nameOrId, destination)
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

  #laneStats(channel: ChannelName): Pick<ChannelStats, 'queue' | 'credit' | 'connections' | 'dropped'> {
    const { messages, bytes } = this.#driver.queues.waiting(channel)
    const sum = { messages, bytes, oldestMs: 0, credit: 0, connections: 0 }
    const dropped: Record<string, number> = {}
    for (const lane of this.#lanes.stats()) {
      if (lane.channel !== channel) continue
      sum.messages += lane.queued.messages
      sum.bytes += lane.queued.bytes
      sum.oldestMs = Math.max(sum.oldestMs, lane.oldestMs)
      sum.credit += lane.credit
      sum.connections += lane.connections
      for (const [reason, count] of Object.entries(lane.dropped)) dropped[reason] = (dropped[reason] ?? 0) + count
    }
    const { credit, connections, ...queue } = sum
    return { queue, credit, connections, dropped }
  }
}
