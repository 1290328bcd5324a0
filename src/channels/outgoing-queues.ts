// What lanes had no room for, in order, per lane: the next neighbor on the way and the channel. Bounded per lane; past
// the bound a message fails, or its caller said that it should fail rather than wait at all.

import type { ClusterError } from '../errors.ts'
import type { Time } from '../runtime/clock.ts'
import type { Envelope } from '../wire/envelope.ts'
import { MAX_CHUNK_BYTES } from '../wire/limits.ts'
import { channelDefaults, MAX_WAITING_CALLS, QUEUE_BYTES } from './channel-defaults.ts'
import { noRoute, queueFull, transferRefused } from './failures.ts'
import type { ChannelName, Lanes, OutgoingLane } from './lane.ts'
import { type Destination, isOver, type OutgoingMessage } from './outgoing-message.ts'
import type { OutgoingPieces } from './outgoing-pieces.ts'
import type { EncodedPayload } from './payload.ts'
import type { ResolvedSendOptions } from './send-options.ts'

/** Messages that go one way before it is asked for again. */
const MAX_USES_OF_WAY = 64

/** A way to one member for what nobody remembers. */
export interface DirectWay {
  /** The id of the message that the lane took; 0: it did not. */
  send(
    encoded: EncodedPayload,
    options: Pick<ResolvedSendOptions, 'topic' | 'deadlineMs' | 'onFull'>,
    trace: string | undefined,
  ): number
  /** See {@link OutgoingLane.hasPlenty}. */
  readonly hasPlenty: boolean
}

export interface OutgoingQueuesOptions {
  readonly self: { readonly id: string; readonly generation: number }
  readonly clock: Time
  readonly lanes: Lanes
  /** The neighbor by which to reach a member; undefined: no way now. */
  readonly nextHop: (member: string, isLarge: boolean) => string | undefined
  /** `member` has no link yet and is being called: what is for it waits. */
  readonly isAwaited: (member: string) => boolean
  /** Takes what is larger than a chunk where relays are the only way. */
  readonly pieces: Pick<OutgoingPieces, 'put'>
}

interface Waiting {
  readonly message: OutgoingMessage
  readonly floor: number
  /** `gone`: in its place still, but nobody waits for it any more. `taken`: out of the line. */
  state: 'waiting' | 'gone' | 'taken'
}

interface Queue {
  /** Undefined: they wait for another message, and not for a lane. */
  readonly hop: string | undefined
  readonly channel: ChannelName
  entries: Waiting[]
  taken: number
  /** Of those that are not taken. */
  gone: number
  /** Of those that are neither taken nor gone. */
  bytes: number
  /** Its first is being sent: no entry may go meanwhile. */
  isMoving: boolean
}

function emptyQueue(hop: string | undefined, channel: ChannelName): Queue {
  return { hop, channel, entries: [], taken: 0, gone: 0, bytes: 0, isMoving: false }
}

export class OutgoingQueues {
  readonly #options: OutgoingQueuesOptions
  readonly #queues = new Map<string, Queue>()
  /** Of each key of which a large payload is on its way out, what would overtake it. */
  readonly #behind = new Map<string, Queue>()
  /** Large payloads that the lane to a neighbor is still reading. */
  readonly #taking = new Map<Envelope, { readonly hop: string; readonly message: OutgoingMessage }>()

  constructor(options: OutgoingQueuesOptions) {
    this.#options = options
  }

  /** Sends `message` now or when its lane has room. What is not acknowledged is settled by it. */
  put(message: OutgoingMessage, floor: number): void {
    const { key, isAcknowledged, isMonotonic, channel, destination } = message
    // The other end puts in order what is acknowledged, and of what is not drops those that were overtaken.
    const isInOrder = key !== undefined && !isAcknowledged && !isMonotonic
    if (isInOrder && (this.#behind.size > 0 || isLarge(message))) {
      const name = `${channel} ${destination.id} ${key}`
      const line = this.#behind.get(name)
      if (line) {
        this.#wait(line, message, floor)
        return
      }
      if (isLarge(message) && !message.isSettled) this.#holdBack(name, channel, message)
    }
    this.#put(message, floor)
  }

  /** What comes with the same key waits until `message` has been read. */
  #holdBack(name: string, channel: ChannelName, message: OutgoingMessage): void {
    const line = emptyQueue(undefined, channel)
    this.#behind.set(name, line)
    const goOn = (): void => {
      while (line.taken < line.entries.length) {
        const { message: next, floor } = advance(line)
        if (isOver(next)) continue
        this.#put(next, floor)
        if (!isLarge(next) || next.isSettled) continue
        next.onSettled(goOn)
        return
      }
      this.#behind.delete(name)
    }
    message.onSettled(goOn)
  }

  #put(message: OutgoingMessage, floor: number): void {
    const { destination, channel } = message
    const hop = this.#options.nextHop(destination.id, isLarge(message))
    if (hop === undefined) {
      this.#lost(message)
      return
    }
    if (isLarge(message) && hop !== destination.id) {
      this.#options.pieces.put(message, floor)
      return
    }
    // A lane is still reading it: it will come, so it is not sent again.
    if (isLarge(message) && this.#isTaking(message)) return
    const queue = this.#queues.size === 0 ? undefined : this.#queues.get(`${channel} ${hop}`)
    // Others wait for room; what takes the place of the oldest needs none.
    const isNext =
      queue === undefined || waitingIn(queue) === 0 || (message.onFull === 'drop-oldest' && !isBehind(queue, message))
    if (isNext && this.#send(hop, message, floor)) return
    const line = queue ?? emptyQueue(hop, channel)
    if (!queue) this.#queues.set(`${channel} ${hop}`, line)
    this.#wait(line, message, floor)
  }

  /**
   * A way to send to one member what nobody remembers, without an object for each: the lane takes it now, and that is
   * all. It gives the message's id, or 0 when the lane takes no more, when others wait for it already, and for what is
   * larger than a chunk; then it is `put` like any other.
   */
  directly(destination: Destination, channel: ChannelName, nextId: () => number): DirectWay {
    const { self, lanes, nextHop } = this.#options
    let lane: OutgoingLane | undefined
    let name = ''
    let uses = 0
    const send: DirectWay['send'] = ({ encoding, payload }, { topic, deadlineMs, onFull }, trace) => {
      if (payload.length > MAX_CHUNK_BYTES) return 0
      // Whoever finds ways wants to hear that this one is used: a stream gets a link, and keeps it.
      if (lane === undefined || ++uses > MAX_USES_OF_WAY) {
        const hop = nextHop(destination.id, false)
        lane = hop === undefined ? undefined : lanes.to(hop, channel)
        name = `${channel} ${hop}`
        uses = 0
      }
      if (lane === undefined || this.#hasWaiting(name)) return 0
      const id = nextId()
      const envelope: Envelope = {
        kind: 'message',
        id,
        source: self.id,
        sourceGeneration: self.generation,
        destination: destination.id,
        destinationGeneration: destination.generation,
        channel,
        sequence: 0,
        floor: 0,
        key: undefined,
        epoch: 0,
        hops: 0,
        trace,
        deadlineMs: deadlineMs === undefined ? undefined : Math.ceil(deadlineMs),
        subject: undefined,
        topic,
        encoding,
        payload,
      }
      const outcome = lane.send(envelope, onFull === 'drop-oldest')
      if (outcome === 'accepted') return id
      // The link may be another one by now, or there is another way: `put` finds out.
      if (outcome === 'no-route') lane = undefined
      return 0
    }
    return {
      send,
      get hasPlenty() {
        return lane?.hasPlenty === true
      },
    }
  }

  /** Others wait for room already. */
  #hasWaiting(name: string): boolean {
    const queue = this.#queues.size === 0 ? undefined : this.#queues.get(name)
    return queue !== undefined && waitingIn(queue) > 0
  }

  /** The lane takes more. */
  room(hop: string, channel: ChannelName): void {
    const queue = this.#queues.get(`${channel} ${hop}`)
    if (queue === undefined) return
    queue.isMoving = true
    while (queue.taken < queue.entries.length) {
      const { message, floor } = queue.entries[queue.taken] as Waiting
      if (!isOver(message) && !this.#send(hop, message, floor)) break
      advance(queue)
    }
    queue.isMoving = false
    if (queue.taken === queue.entries.length) this.#queues.delete(`${channel} ${hop}`)
  }

  /** A large payload has been read, or its receiver has no memory for it. */
  taken(envelope: Envelope, outcome: 'taken' | 'refused'): void {
    const taking = this.#taking.get(envelope)
    this.#taking.delete(envelope)
    if (taking === undefined || taking.message.isAcknowledged) return
    taking.message.settle(outcome === 'taken' ? undefined : transferRefused(taking.message))
  }

  /**
   * The link to the neighbor is gone. `isWhole`: nobody needed it, and nothing went with it; what waits takes another
   * way. What is acknowledged is asked after and sent again by whoever counts it.
   */
  lost(hop: string, isWhole: boolean): void {
    for (const [name, queue] of [...this.#queues]) {
      if (queue.hop !== hop) continue
      this.#queues.delete(name)
      for (const { message, floor } of queue.entries.slice(queue.taken)) {
        if (!isWhole) this.#lost(message)
        else if (!message.isAcknowledged && !isOver(message)) this.#put(message, floor)
      }
    }
    for (const [envelope, { hop: over, message }] of this.#taking) {
      if (over !== hop) continue
      this.#taking.delete(envelope)
      if (!message.isAcknowledged) message.settle(noRoute(message.destination.name, true))
    }
  }

  /**
   * No link to `member` came up in time: what waits for one goes piece by piece where relays lead there, and has no way
   * otherwise.
   */
  givenUp(member: string): void {
    const { nextHop, pieces } = this.#options
    for (const [name, queue] of this.#queues) {
      if (queue.hop !== member) continue
      this.#queues.delete(name)
      for (const { message, floor } of queue.entries.slice(queue.taken)) {
        const hop = isLarge(message) ? nextHop(message.destination.id, true) : undefined
        if (hop === undefined || hop === member) this.#lost(message)
        else pieces.put(message, floor)
      }
    }
  }

  /** Messages and bytes that wait on `channel`. */
  waiting(channel: ChannelName): { messages: number; bytes: number } {
    const sum = { messages: 0, bytes: 0 }
    for (const queue of [...this.#queues.values(), ...this.#behind.values()]) {
      if (queue.channel !== channel) continue
      sum.messages += waitingIn(queue)
      sum.bytes += queue.bytes
    }
    return sum
  }

  /** Others wait for room in the lane to `member`: the limit that it has come to. Undefined: it has room. */
  fullAt(member: string, channel: ChannelName): OutgoingLane['nearestLimit'] | undefined {
    const hop = this.#queues.size === 0 ? undefined : this.#options.nextHop(member, false)
    const queue = hop === undefined ? undefined : this.#queues.get(`${channel} ${hop}`)
    if (hop === undefined || queue === undefined || waitingIn(queue) === 0) return undefined
    return this.#options.lanes.to(hop, channel)?.nearestLimit
  }

  #lost(message: OutgoingMessage): void {
    if (!message.isAcknowledged) message.settle(noRoute(message.destination.name))
  }

  #wait(queue: Queue, message: OutgoingMessage, floor: number): void {
    // What is acknowledged was bounded before it was numbered; refusing it here would only have it sent again.
    const refusal = message.isAcknowledged ? undefined : this.#refusal(queue, message)
    if (refusal) {
      message.settle(refusal)
      return
    }
    const entry: Waiting = { message, floor, state: 'waiting' }
    queue.entries.push(entry)
    queue.bytes += message.bytes
    message.onSettled(() => forget(queue, entry))
  }

  /** Why `message` may not wait; undefined: it may. */
  #refusal(queue: Queue, message: OutgoingMessage): ClusterError | undefined {
    const { hop, channel, bytes } = queue
    const waiting = waitingIn(queue)
    if (waiting >= MAX_WAITING_CALLS) return queueFull(channel, MAX_WAITING_CALLS, 'messages')
    if (waiting > 0 && bytes + message.bytes > QUEUE_BYTES) return queueFull(channel, QUEUE_BYTES, 'bytes')
    if (message.onFull !== 'fail' || hop === undefined) return undefined
    const lane = this.#options.lanes.to(hop, channel)
    return queueFull(
      channel,
      ...(lane?.nearestLimit ?? ([channelDefaults[channel].queueMessages, 'messages'] as const)),
    )
  }

  /** False: its lane is full. */
  #send(hop: string, message: OutgoingMessage, floor: number): boolean {
    const { self, clock, lanes, isAwaited } = this.#options
    const lane = lanes.to(hop, message.channel)
    if (lane === undefined && isAwaited(hop)) return false
    const envelope = message.envelope(self, floor, message.deadlineAt === Number.POSITIVE_INFINITY ? 0 : clock.now())
    const outcome = lane?.send(envelope, message.onFull === 'drop-oldest') ?? 'no-route'
    if (outcome === 'full') return false
    if (outcome === 'no-route') this.#lost(message)
    else if (outcome === 'taking') this.#taking.set(envelope, { hop, message })
    else if (!message.isAcknowledged) message.settle()
    return true
  }

  #isTaking(message: OutgoingMessage): boolean {
    for (const taking of this.#taking.values()) if (taking.message === message) return true
    return false
  }
}

function waitingIn({ entries, taken, gone }: Queue): number {
  return entries.length - taken - gone
}

/**
 * Something with its key waits that it must not overtake; the other end puts in order what is acknowledged, and drops
 * older ones of what only the newest counts of.
 */
function isBehind({ entries }: Queue, { key, isAcknowledged, isMonotonic, destination }: OutgoingMessage): boolean {
  if (key === undefined || isAcknowledged || isMonotonic) return false
  return entries.some(({ message: other, state }) => {
    return state === 'waiting' && other.key === key && other.destination.id === destination.id && !other.isAcknowledged
  })
}

/**
 * `entry` takes no room any more once nobody waits for it; those that are gone are let go of when they are more than
 * the others.
 */
function forget(queue: Queue, entry: Waiting): void {
  if (entry.state !== 'waiting' || !isOver(entry.message)) return
  entry.state = 'gone'
  queue.gone += 1
  queue.bytes -= entry.message.bytes
  if (queue.isMoving || queue.gone <= waitingIn(queue)) return
  queue.entries = queue.entries.filter(({ state }) => state === 'waiting')
  queue.taken = 0
  queue.gone = 0
}

/** Takes the first away. */
function advance(queue: Queue): Waiting {
  const first = queue.entries[queue.taken] as Waiting
  queue.taken += 1
  if (first.state === 'gone') queue.gone -= 1
  else queue.bytes -= first.message.bytes
  first.state = 'taken'
  if (queue.taken > 1_024 && 2 * queue.taken > queue.entries.length) {
    queue.entries = queue.entries.slice(queue.taken)
    queue.taken = 0
  }
  return first
}

function isLarge({ bytes }: OutgoingMessage): boolean {
  return bytes > MAX_CHUNK_BYTES
}
