// What carries a lane: a socket of its own, opened with a ticket of the link, or, for coordination, the link itself. It
// brings the lane's connection together with the bytes and with the scheduler that shares each turn among lanes.

import { Buffer } from 'node:buffer'
import { handedOver } from '../runtime/young-garbage.ts'
import { freeMemory } from '../transport/free-memory.ts'
import type { Envelope } from '../wire/envelope.ts'
import { FRAME_HEADER_BYTES } from '../wire/frame.ts'
import type { LaneEnds, LaneEnvelope } from '../wire/lane-envelope.ts'
import { CHUNK_HEADER_BYTES, LaneFrameSplitter } from '../wire/lane-frames.ts'
import type { Link } from '../wire/link.ts'
import { frameNumbers } from '../wire/message-numbers.ts'
import { WireError } from '../wire/wire-error.ts'
import type { Taken } from './frame-queue.ts'
import type { LanesHandler } from './lane.ts'
import { type ConnectionOwner, LaneConnection } from './lane-connection.ts'
import { PRIORITIES, type Scheduler, type Work } from './scheduler.ts'
import type { SocketLane } from './socket-lane.ts'
import type { ReassemblyBudget } from './transfers.ts'

export interface LaneSocketOptions {
  readonly lane: SocketLane
  readonly link: Link
  readonly scheduler: Scheduler
  readonly budget: ReassemblyBudget
  readonly handler: LanesHandler
  readonly now: () => number
  /** The peer sent what is no frame, or broke the rules of credit; the connection is closed. */
  readonly onWrong: (error: WireError) => void
  readonly onPeerEnded: () => void
}

export class LaneSocket implements ConnectionOwner {
  readonly link: Link
  readonly lane: SocketLane
  readonly ends: LaneEnds
  readonly budget: ReassemblyBudget
  readonly connection: LaneConnection
  readonly #options: LaneSocketOptions
  readonly #splitter: LaneFrameSplitter
  /** Chunks whose turn has not come; no more than the peer was granted. */
  readonly #inbox: Buffer[] = []
  readonly #reading: Work
  readonly #writing: Work
  #isWaking = false
  /** When something was last sent or received. */
  usedAt: number

  constructor(options: LaneSocketOptions) {
    const { lane, link, budget } = options
    this.#options = options
    this.link = link
    this.lane = lane
    this.ends = lane.ends
    this.budget = budget
    this.usedAt = options.now()
    this.connection = new LaneConnection(this)
    this.#splitter = new LaneFrameSplitter(this.connection)
    const priority = lane.channel === 'coordination' ? 0 : PRIORITIES[lane.channel]
    this.#reading = { priority, isScheduled: false, run: () => this.#read() }
    this.#writing = {
      priority,
      isScheduled: false,
      run: () => {
        this.connection.flush()
        return false
      },
    }
  }

  /** Bytes of a socket of its own. */
  data(bytes: Uint8Array): void {
    this.#inbox.push(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    this.#options.scheduler.schedule(this.#reading)
  }

  /** One frame that came over the link. */
  linkFrame(kind: number, body: Uint8Array): void {
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    this.#guarded(() => {
      if (kind !== frameNumbers['lane-chunk']) return this.connection.frame(kind, bytes, 0, bytes.length)
      const header = CHUNK_HEADER_BYTES - FRAME_HEADER_BYTES
      if (bytes.length <= header) throw new WireError('truncated', 'a chunk is empty')
      const frameBytes = FRAME_HEADER_BYTES + bytes.length
      this.connection.piece(bytes.readUInt32BE(0), bytes, header, bytes.length, frameBytes, true)
    })
  }

  /** Writes soon what the lane has queued: coordination at once, the others when the scheduler lets them. */
  wake(): void {
    if (this.lane.channel !== 'coordination') return void this.#options.scheduler.schedule(this.#writing)
    if (this.#isWaking) return
    this.#isWaking = true
    queueMicrotask(() => {
      this.#isWaking = false
      this.connection.flush()
    })
  }

  /** Writes what the lane has queued now, in the middle of a turn. */
  flush(): void {
    this.connection.flush()
    this.link.connection.flush?.()
  }

  // --- What its connection asks of it ---

  get hasQueued(): boolean {
    return this.lane.hasQueued
  }

  now(): number {
    return this.#options.now()
  }

  write(bytes: Uint8Array, onWritten: () => void): void {
    this.usedAt = this.now()
    this.link.connection.write(bytes, onWritten)
  }

  nextFree(limit: number): Taken | undefined {
    return this.lane.nextFree(limit)
  }

  next(limit: number): Taken | undefined {
    return this.lane.next(this.connection, limit)
  }

  nextTransfer(hasCredit: boolean): Envelope | undefined {
    return this.lane.nextTransfer(this.connection, hasCredit)
  }

  transferEnded(envelope: Envelope, outcome: 'taken' | 'refused'): void {
    this.lane.transferEnded(envelope, outcome)
  }

  sent(messages: number, bytes: number): void {
    this.lane.sent(messages, bytes)
  }

  roundTrip(ms: number): void {
    this.lane.roundTrip(ms)
  }

  peerEnded(): void {
    this.#options.onPeerEnded()
  }

  #read(): boolean {
    const chunk = this.#inbox.shift()
    if (chunk !== undefined) {
      this.#guarded(() => {
        const { handsOverMemory } = this.link.connection
        if (this.#splitter.push(chunk) && handsOverMemory !== undefined) freeMemory(chunk, handsOverMemory)
      })
    }
    return this.#inbox.length > 0
  }

  /** Hands up what the bytes held, even when they end in nonsense. */
  #guarded(read: () => void): void {
    this.usedAt = this.now()
    let wrong: WireError | undefined
    try {
      read()
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      wrong = error
      this.#inbox.length = 0
    }
    const batch = this.connection.takeBatch()
    if (batch !== undefined) this.#handUp(batch)
    if (wrong !== undefined) this.#options.onWrong(wrong)
  }

  #handUp(batch: LaneEnvelope[]): void {
    let bytes = 0
    for (const { payload } of batch) bytes += payload.length
    this.lane.received(batch.length, bytes)
    handedOver(bytes)
    this.#options.handler.arrived(this.lane, batch)
  }
}
