// All lanes of a node: a link to a neighbour brings four of them. Coordination travels over the link; the others get
// connections of their own when they are first used, and lose them when they are idle. Whoever has dialled the link
// dials these too, for the other end may not be able to; it asks by `lane-open`.
//
//   no connection ── something queued ──▶ opening ──▶ open ── idle: lane-end both ways ──▶ closed, no connection
//                                            │ failed: again, later               │ broken: what was under way is lost
//                                            ◀──────────────────────────────────────┘

import type { Links } from '../links/links.ts'
import type { Timer } from '../runtime/clock.ts'
import type { Toolbox } from '../runtime/toolbox.ts'
import type { Envelope } from '../wire/envelope.ts'
import type { Link } from '../wire/link.ts'
import { channelNumbers, frameNumbers } from '../wire/message-numbers.ts'
import { WireError } from '../wire/wire-error.ts'
import { type Held, heldLane, isBusy, isFull, retire } from './held-lane.ts'
import type { ChannelName, LaneStats, Lanes, LanesHandler, OutgoingLane } from './lane.ts'
import { LaneSocket } from './lane-socket.ts'
import { Scheduler } from './scheduler.ts'
import { SocketLane } from './socket-lane.ts'
import { StrandedLanes } from './stranded-lanes.ts'
import { ReassemblyBudget } from './transfers.ts'

export interface SocketLanesOptions {
  readonly self: { readonly id: string; readonly generation: number }
  /** Asked from {@link SocketLanes.start} on. */
  readonly links: () => Links
  readonly toolbox: Toolbox
  /**
   * Milliseconds after which an unused connection is closed. Default 30,000. Small: reopened often. Large: memory of
   * some 130 KiB each.
   */
  readonly idleMs?: number
  /**
   * When a connection of a lane to `peer` is wanted, and about once a second while something is under way on one to or
   * from it: its link is in use.
   */
  readonly onBusy?: (peer: string) => void
}

const DEFAULT_IDLE_MS = 30_000
const SWEEP_MS = 1_000
/** After so many looks a lane that needs another connection gets one, and one that has them for nothing loses one. */
const NEEDY_LOOKS = 2
const CALM_LOOKS = 10
const DIAL_TIMEOUT_MS = 5_000
/** So long what is under way when a link is let go of has to arrive. */
const PARTING_MS = 5_000
/** The first pause after a failed attempt, and the longest. */
const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 2_000

interface Neighbor {
  /** The link as it was when coordination was last set up on it: another one of the same life begins anew. */
  link: Link
  readonly held: Map<ChannelName, Held>
}

const channels = Object.keys(channelNumbers) as ChannelName[]

export class SocketLanes implements Lanes {
  readonly #options: SocketLanesOptions
  readonly #neighbors = new Map<string, Neighbor>()
  readonly #scheduler: Scheduler
  /** Memory for messages that are being put together, of the whole node. */
  readonly budget = new ReassemblyBudget()
  readonly #closing = new AbortController()
  /** Of links that were let go of. */
  readonly #parting = new Map<LaneSocket, { readonly held: Held; readonly timer: Timer }>()
  readonly #stranded: StrandedLanes
  #sweep: Timer | undefined
  #handler: LanesHandler | undefined

  constructor(options: SocketLanesOptions) {
    this.#options = options
    this.#scheduler = new Scheduler(options.toolbox.turn, options.toolbox.clock)
    this.#stranded = new StrandedLanes(options.toolbox.clock)
  }

  /** Before the first link comes up. */
  start(): void {
    const idleMs = this.#options.idleMs ?? DEFAULT_IDLE_MS
    this.#sweep = this.#options.toolbox.clock.setInterval(() => this.#lookThrough(), Math.min(SWEEP_MS, idleMs))
    this.#sweep?.unref()
    this.#options.links().serveLanes((lane) => this.#accept(lane))
  }

  attach(handler: LanesHandler): void {
    this.#handler = handler
  }

  to(peer: string, channel: ChannelName): OutgoingLane | undefined {
    return this.#neighbor(peer)?.held.get(channel)?.lane
  }

  forward(peer: string, envelope: Envelope): boolean {
    return this.#neighbor(peer)?.held.get(envelope.channel)?.lane.forward(envelope) ?? false
  }

  channelsOf(peer: string): readonly ChannelName[] {
    const held = [...(this.#neighbors.get(peer)?.held.values() ?? [])]
    return held
      .filter(({ lane }) => lane.channel !== 'coordination' && lane.connections.length > 0)
      .map(({ lane }) => lane.channel)
  }

  stats(): readonly LaneStats[] {
    return [...this.#neighbors.values()].flatMap(({ held }) =>
      [...held.values()]
        .filter(({ lane, sockets }) => sockets.size > 0 || lane.hasQueued)
        .map(({ lane }) => lane.stats()),
    )
  }

  /** The first link to a neighbour is up. */
  linkUp(link: Link): void {
    this.#neighbor(link.peer.id)
  }

  /**
   * The link to a neighbour is gone, and all its lanes with it. `isLetGo`: nobody needed it; what is under way on them
   * arrives, what is queued goes over the next one.
   */
  linkDown(link: Link, isLetGo = false): void {
    const peer = link.peer.id
    const neighbor = this.#neighbors.get(peer)
    if (neighbor === undefined) return
    this.#neighbors.delete(peer)
    let isWhole = isLetGo
    const stranded: SocketLane[] = []
    for (const held of neighbor.held.values()) {
      held.retry?.[Symbol.dispose]()
      if ((isLetGo ? held.lane.strand() : held.lane.lose()) > 0) isWhole = false
      if (held.lane.hasQueued) stranded.push(held.lane)
      for (const socket of [...held.sockets]) {
        if (isLetGo && held.lane.channel !== 'coordination') this.#letGo(held, socket)
        else this.#drop(held, socket)
      }
    }
    if (stranded.length > 0) this.#stranded.keep(peer, stranded)
    this.#handler?.lost(peer, isWhole)
    // There may be another link already.
    if (stranded.length > 0) this.#neighbor(peer)
  }

  /** A message of a link, for one of its lanes. */
  receive(link: Link, kind: number, body: Uint8Array): void {
    const known = this.#neighbors.get(link.peer.id)
    // A link that this end has let go of is heard to its end.
    const neighbor = known?.link === link ? known : this.#neighbor(link.peer.id)
    // What comes over a link that another one has replaced was counted there; whoever wants an answer sends it again.
    if (neighbor?.link !== link) return
    if (kind !== frameNumbers['lane-open'])
      return void neighbor.held.get('coordination')!.sockets.values().next().value?.linkFrame(kind, body)
    const channel = channels.find((name) => channelNumbers[name] === body[0])
    const held = channel === undefined || channel === 'coordination' ? undefined : neighbor.held.get(channel)
    if (held === undefined || body.length !== 1)
      return void this.#wrong(link, new WireError('bad-value', 'no such lane'))
    this.#open(neighbor, held)
  }

  /** Idempotent. */
  close(): void {
    this.#closing.abort(new Error('the node is stopping'))
    this.#sweep?.[Symbol.dispose]()
    for (const { link } of [...this.#neighbors.values()]) this.linkDown(link)
    for (const [socket, { held }] of this.#parting) this.#drop(held, socket)
    this.#stranded.close()
  }

  // --- Neighbours ---

  #neighbor(peer: string): Neighbor | undefined {
    const link = this.#options.links().get(peer)
    const known = this.#neighbors.get(peer)
    if (known?.link === link) return known
    if (link === undefined || this.#handler === undefined || this.#closing.signal.aborted) return undefined
    const neighbor = known ?? this.#meet(link, this.#handler)
    neighbor.link = link
    const coordination = neighbor.held.get('coordination')!
    for (const socket of [...coordination.sockets]) this.#detach(coordination, socket)
    this.#attach(coordination, link)
    return neighbor
  }

  #meet(link: Link, handler: LanesHandler): Neighbor {
    const { self, links, toolbox } = this.#options
    const { id: peer, generation: peerGeneration } = link.peer
    const neighbor: Neighbor = { link, held: new Map() }
    for (const channel of channels) {
      const lane: SocketLane = new SocketLane({
        ends: { channel, self: self.id, selfGeneration: self.generation, peer, peerGeneration },
        handler,
        now: () => toolbox.clock.now(),
        count: (reason, by) => toolbox.counters.add(reason, by),
        isCut: () => (channel === 'coordination' || held.sockets.size === 0) && links().get(peer) !== neighbor.link,
        onQueued: () => toolbox.turn.enter(() => this.#queued(neighbor, held)),
        onEnough: () =>
          toolbox.turn.enter(() => {
            for (const socket of held.sockets) socket.flush()
          }),
      })
      const held = heldLane(lane)
      neighbor.held.set(channel, held)
    }
    this.#neighbors.set(peer, neighbor)
    this.#stranded.handOver(
      peer,
      [...neighbor.held.values()].map(({ lane }) => lane),
    )
    return neighbor
  }

  #queued(neighbor: Neighbor, held: Held): void {
    // Its link went in the turn in which it was queued.
    if (this.#neighbors.get(held.lane.peer) !== neighbor) return
    if (held.lane.connections.length === 0) this.#need(neighbor, held)
    for (const socket of held.sockets) socket.wake()
  }

  /** Something waits and there is no connection for it, or too few. */
  #need(neighbor: Neighbor, held: Held): void {
    if (held.lane.channel === 'coordination' || held.isOpening || held.retry !== undefined) return
    // Of two links that came up together the other one may have stayed.
    this.#neighbor(held.lane.peer)
    this.#options.onBusy?.(held.lane.peer)
    if (neighbor.link.connection.side === 'dialer') return void this.#open(neighbor, held)
    neighbor.link.send({
      type: 'lane',
      kind: frameNumbers['lane-open'],
      body: Uint8Array.of(channelNumbers[held.lane.channel]),
    })
    this.#retryLater(neighbor, held, LONGEST_RETRY_MS)
  }

  #open(neighbor: Neighbor, held: Held): void {
    const { channel, peer } = held.lane
    if (held.isOpening || isFull(held) || neighbor.link.connection.side !== 'dialer') return
    held.isOpening = true
    const signal = AbortSignal.any([this.#closing.signal, this.#options.toolbox.clock.timeout(DIAL_TIMEOUT_MS)])
    this.#options
      .links()
      .dialLane(peer, channel, signal)
      .then(
        (link) => {
          held.isOpening = false
          held.failures = 0
          this.#accept(link)
        },
        (error: unknown) => {
          held.isOpening = false
          held.failures += 1
          if (this.#closing.signal.aborted) return
          this.#options.toolbox.counters.add('lane-dial-failed')
          this.#options.toolbox.logger.debug('a lane was not opened', { peer: neighbor.link.peer.name, channel, error })
          const pause = Math.min(FIRST_RETRY_MS * 2 ** Math.min(held.failures - 1, 10), LONGEST_RETRY_MS)
          this.#retryLater(neighbor, held, pause)
        },
      )
  }

  #retryLater(neighbor: Neighbor, held: Held, afterMs: number): void {
    held.retry?.[Symbol.dispose]()
    held.retry = this.#options.toolbox.clock.setTimeout(() => {
      held.retry = undefined
      const isOver = this.#neighbors.get(held.lane.peer) !== neighbor
      if (!isOver && held.lane.connections.length === 0 && held.lane.hasQueued) this.#need(neighbor, held)
    }, afterMs)
  }

  // --- Connections ---

  /** A connection of a further channel is up, whoever has dialled it. */
  #accept(link: Link): void {
    const held = this.#neighbor(link.peer.id)?.held.get(link.peer.channel)
    if (held === undefined || isFull(held)) return void link.destroy()
    held.retry?.[Symbol.dispose]()
    held.retry = undefined
    const socket = this.#attach(held, link)
    link.takeOver({
      data: (bytes) => socket.data(bytes),
      close: () => this.#options.toolbox.turn.enter(() => this.#closed(held, socket)),
    })
  }

  #attach(held: Held, link: Link): LaneSocket {
    const { toolbox } = this.#options
    const socket: LaneSocket = new LaneSocket({
      lane: held.lane,
      link,
      scheduler: this.#scheduler,
      budget: this.budget,
      handler: this.#handler!,
      now: () => toolbox.clock.now(),
      onWrong: (error) => this.#wrong(link, error),
      onPeerEnded: () => this.#peerEnded(held, socket),
    })
    held.sockets.add(socket)
    held.lane.connections.push(socket.connection)
    if (held.lane.hasQueued) socket.wake()
    return socket
  }

  #detach(held: Held, socket: LaneSocket): void {
    this.#parting.get(socket)?.timer[Symbol.dispose]()
    this.#parting.delete(socket)
    held.sockets.delete(socket)
    retire(held, socket)
    socket.connection.close()
  }

  #drop(held: Held, socket: LaneSocket): void {
    this.#detach(held, socket)
    if (held.lane.channel !== 'coordination') socket.link.destroy()
  }

  #closed(held: Held, socket: LaneSocket): void {
    this.#detach(held, socket)
    const neighbor = this.#neighbors.get(held.lane.peer)
    if (neighbor !== undefined && held.lane.hasQueued && held.lane.connections.length === 0) this.#need(neighbor, held)
  }

  #wrong(link: Link, error: WireError): void {
    const { counters, logger } = this.#options.toolbox
    counters.add(`lane-${error.kind}`)
    logger.warn('a neighbour sent what is no frame of a lane', { peer: link.peer.name, reason: error.message })
    link.destroy()
  }

  // --- Idle ---

  #lookThrough(): void {
    const idleMs = this.#options.idleMs ?? DEFAULT_IDLE_MS
    const now = this.#options.toolbox.clock.now()
    for (const neighbor of this.#neighbors.values()) {
      for (const one of neighbor.held.values()) {
        if (one.lane.channel === 'coordination') continue
        this.#fit(neighbor, one)
        if (isBusy(one)) this.#options.onBusy?.(one.lane.peer)
        if (one.lane.hasQueued) continue
        for (const socket of one.sockets) {
          const isIdle = now - socket.usedAt > idleMs && socket.connection.isQuiet
          if (isIdle && socket.link.connection.side === 'dialer') this.#end(one, socket)
        }
      }
    }
  }

  /** As many connections as are needed, by what was seen over some time. */
  #fit(neighbor: Neighbor, held: Held): void {
    held.needy = held.lane.needsConnection ? held.needy + 1 : 0
    held.calm = held.lane.hasQueued ? 0 : held.calm + 1
    if (held.needy >= NEEDY_LOOKS && !isFull(held)) {
      held.needy = 0
      this.#need(neighbor, held)
    }
    if (held.calm < CALM_LOOKS || held.lane.connections.length < 2) return
    held.calm = 0
    const last = [...held.sockets].findLast(({ link }) => link.connection.side === 'dialer')
    if (last?.connection.isQuiet) this.#end(held, last)
  }

  /** Sends nothing more on it; the other end answers in kind, then the dialler closes it. */
  #end(held: Held, socket: LaneSocket): void {
    retire(held, socket)
    socket.connection.end()
  }

  #letGo(held: Held, socket: LaneSocket): void {
    const timer = this.#options.toolbox.clock.setTimeout(() => this.#drop(held, socket), PARTING_MS)
    timer.unref()
    this.#parting.set(socket, { held, timer })
    this.#end(held, socket)
  }

  #peerEnded(held: Held, socket: LaneSocket): void {
    if (socket.link.connection.side === 'dialer') void socket.link.goodbye('idle')
    else this.#end(held, socket)
  }
}
