// One connection of a lane, both directions. Out: what its lane has queued, as far as the receiver has granted, in few
// and large writes, no more of them under way than keeps the connection busy. In: frames become envelopes, and what the
// lane's owner releases is granted to the sender again.

import { Buffer } from 'node:buffer'
import { FRAME_HEADER_BYTES } from '../wire/frame.ts'
import { HeadReader, isFree, isFreeHead, type LaneEnds, type LaneEnvelope } from '../wire/lane-envelope.ts'
import { CHUNK_HEADER_BYTES, type LaneFrameHandler, smallFrame } from '../wire/lane-frames.ts'
import { MAX_CHUNK_BYTES, MAX_LANE_FRAME_BYTES, MAX_OPEN_TRANSFERS } from '../wire/limits.ts'
import { frameNumbers } from '../wire/message-numbers.ts'
import { Reader } from '../wire/reader.ts'
import { WireError } from '../wire/wire-error.ts'
import { FrameQueue, finished, type Slab, type Taken } from './frame-queue.ts'
import { CREDIT_BYTES, GRANT_SHARE, TRANSFER_CREDIT_BYTES } from './lane-limits.ts'
import { IncomingTransfers, OutgoingTransfer, type ReassemblyBudget, transferCredit } from './transfers.ts'

/**
 * Bytes written and not yet taken by the kernel, past which nothing is added: what waits longer can still be overtaken.
 */
const MAX_WRITING_BYTES = MAX_CHUNK_BYTES

/** The lane that a connection is of. */
export interface ConnectionOwner {
  readonly ends: LaneEnds
  readonly budget: ReassemblyBudget
  /** Something waits to be sent. */
  readonly hasQueued: boolean
  now(): number
  write(bytes: Uint8Array, onWritten: () => void): void
  /** The next frames that need no credit. */
  nextFree(limit: number): Taken | undefined
  /** The next frames within `limit` bytes of credit. */
  next(limit: number): Taken | undefined
  /** The next large message, if there is one that may begin. */
  nextTransfer(hasCredit: boolean): LargeMessage | undefined
  transferEnded(envelope: LargeMessage, outcome: 'taken' | 'refused'): void
  /** Frames left for the connection. */
  sent(messages: number, bytes: number): void
  roundTrip(ms: number): void
  /** The other end sends nothing more on this connection. */
  peerEnded(): void
  /** Runs {@link LaneConnection.flush} soon. */
  wake(): void
}

type LargeMessage = OutgoingTransfer['envelope']

export class LaneConnection implements LaneFrameHandler {
  readonly #owner: ConnectionOwner
  readonly #reader: HeadReader
  readonly #window: number
  // Out.
  #credit: number
  #chunkCredit: number
  #writingBytes = 0
  #control: Buffer[] = []
  readonly #transfers: OutgoingTransfer[] = []
  readonly #chunks = new FrameQueue()
  #nextNumber = 1
  #isTransfersTurn = false
  /** Bytes of credit used so far, and given back so far. */
  #used = 0
  #regained = 0
  /** The moment at which `used` was that much: the next measure of the round trip. */
  #markAt: number | undefined
  #markUsed = 0
  #hasEnded = false
  #hasSaidEnd = false
  // In.
  readonly #incoming: IncomingTransfers
  #batch: LaneEnvelope[] = []
  #unreleased = 0
  #ungranted = 0
  #ungrantedChunks = 0

  constructor(owner: ConnectionOwner) {
    this.#owner = owner
    this.#window = CREDIT_BYTES[owner.ends.channel]
    this.#credit = this.#window
    this.#chunkCredit = this.#window
    this.#reader = new HeadReader(owner.ends)
    this.#incoming = new IncomingTransfers(owner.budget, this.#reader)
  }

  get credit(): number {
    return Math.max(0, this.#credit)
  }

  get unreleased(): number {
    return this.#unreleased
  }

  /** Nothing is being sent, and all that came is done with. */
  get isQuiet(): boolean {
    return this.#writingBytes === 0 && this.#unreleased === 0 && this.#transfers.length === 0
  }

  /** Messages wait for the receiver, not for the connection. */
  get lacksCredit(): boolean {
    return this.#credit < MAX_LANE_FRAME_BYTES
  }

  /** Milliseconds for which a grant has been owed that is not here. */
  ungrantedFor(now: number): number {
    return this.#markAt === undefined ? 0 : now - this.#markAt
  }

  // --- Out ---

  /** Writes what may be written now. */
  flush(): void {
    if (this.#ungranted >= this.#window * GRANT_SHARE || this.#ungrantedChunks >= this.#window * GRANT_SHARE)
      this.#grant()
    if (this.#hasEnded && !this.#hasSaidEnd && this.#transfers.length === 0) {
      this.#hasSaidEnd = true
      this.#control.push(smallFrame(frameNumbers['lane-end']))
    }
    if (this.#control.length > 0) this.#writeControl()
    while (this.#writingBytes < MAX_WRITING_BYTES) {
      const free = this.#hasEnded ? undefined : this.#owner.nextFree(Infinity)
      if (free !== undefined) this.#write(free)
      else if (!this.#writeNext()) return
    }
  }

  /** Messages and chunks in turns, when there are both. */
  #writeNext(): boolean {
    this.#isTransfersTurn = !this.#isTransfersTurn
    return this.#isTransfersTurn
      ? this.#writeChunks() || this.#writeMessages()
      : this.#writeMessages() || this.#writeChunks()
  }

  #writeMessages(): boolean {
    if (this.#credit <= 0 || this.#hasEnded) return false
    const taken = this.#owner.next(this.#credit)
    if (taken === undefined) return false
    this.#use(taken.bytes.length)
    this.#write(taken)
    return true
  }

  #writeChunks(): boolean {
    if (this.#chunkCredit < MAX_LANE_FRAME_BYTES) return false
    const transfer = this.#beginTransfer() ?? this.#transfers.shift()
    if (transfer === undefined) return false
    const slab = this.#chunks.reserve(CHUNK_HEADER_BYTES + MAX_CHUNK_BYTES, this.#now)
    this.#chunks.commit(slab, transfer.writeChunk(slab.bytes, slab.written))
    const taken = this.#chunks.take(MAX_LANE_FRAME_BYTES)!
    this.#chunkCredit -= taken.bytes.length
    this.#write(taken, 0)
    // One after the other, so that a small one does not wait for the end of a large one.
    if (transfer.isDone) this.#owner.transferEnded(transfer.envelope, 'taken')
    else this.#transfers.push(transfer)
    return true
  }

  #beginTransfer(): OutgoingTransfer | undefined {
    if (this.#hasEnded || this.#transfers.length >= MAX_OPEN_TRANSFERS) return undefined
    const envelope = this.#owner.nextTransfer(this.#credit >= TRANSFER_CREDIT_BYTES)
    if (envelope === undefined) return undefined
    const transfer = new OutgoingTransfer(this.#nextNumber, envelope)
    this.#nextNumber = (this.#nextNumber % 0xffff_ffff) + 1
    this.#control.push(transfer.announce(this.#owner.ends))
    this.#writeControl()
    if (!isFree(envelope.kind)) this.#use(transferCredit(envelope.payload.length))
    this.#owner.sent(1, envelope.payload.length)
    return transfer
  }

  #use(bytes: number): void {
    this.#credit -= bytes
    this.#used += bytes
    // From here on the receiver has enough to grant, so nothing but the way and its handlers takes time.
    const enough = this.#regained + this.#window * GRANT_SHARE
    if (this.#markAt !== undefined || this.#used < enough) return
    this.#markAt = this.#owner.now()
    this.#markUsed = enough
  }

  #write({ bytes, messages, slab }: Taken, counted = messages): void {
    this.#writingBytes += bytes.length
    if (counted > 0) this.#owner.sent(counted, bytes.length)
    this.#owner.write(bytes, () => this.#written(slab, bytes.length))
  }

  #writeControl(): void {
    const bytes = this.#control.length === 1 ? this.#control[0]! : Buffer.concat(this.#control)
    this.#control = []
    this.#writingBytes += bytes.length
    this.#owner.write(bytes, () => this.#written(undefined, bytes.length))
  }

  #written(slab: Slab | undefined, bytes: number): void {
    this.#writingBytes -= bytes
    if (slab !== undefined) finished(slab)
    if (this.#owner.hasQueued || this.#transfers.length > 0 || this.#hasEnded) this.#owner.wake()
  }

  /** Begins nothing more, and says so when what is begun has been sent. */
  end(): void {
    this.#hasEnded = true
    this.#owner.wake()
  }

  readonly #now = (): number => this.#owner.now()

  // --- In ---

  /** The envelopes that have come since the last call. */
  takeBatch(): LaneEnvelope[] | undefined {
    if (this.#batch.length === 0) return undefined
    const batch = this.#batch
    this.#batch = []
    return batch
  }

  release(laneBytes: number): void {
    this.#unreleased -= laneBytes
    this.#ungranted += laneBytes
    if (this.#ungranted >= this.#window * GRANT_SHARE) this.#owner.wake()
  }

  frame(kind: number, bytes: Buffer, start: number, end: number): void {
    if (kind === frameNumbers['lane-message']) {
      const laneBytes = FRAME_HEADER_BYTES + end - start
      this.#receive(this.#reader.read(bytes, start, end, laneBytes))
      return
    }
    // The word of a link that closes on purpose: its close follows, and says the rest.
    if (kind === frameNumbers.goodbye) return
    const reader = new Reader(bytes.subarray(start, end))
    if (kind === frameNumbers['lane-credit']) this.#granted(reader.varint(), reader.varint())
    else if (kind === frameNumbers['lane-transfer']) return void this.#announced(reader)
    else if (kind === frameNumbers['lane-stop']) this.#refused(reader.varint())
    else if (kind === frameNumbers['lane-end']) this.#owner.peerEnded()
    else throw new WireError('unknown-number', `a lane has no frame of kind ${kind}`)
    reader.end()
  }

  piece(transfer: number, bytes: Buffer, start: number, end: number, frameBytes: number, isLast: boolean): void {
    const envelope = this.#incoming.add(transfer, bytes, start, end)
    if (envelope !== undefined) this.#receive(envelope)
    if (!isLast) return
    this.#ungrantedChunks += frameBytes
    if (this.#ungrantedChunks >= this.#window * GRANT_SHARE) this.#owner.wake()
  }

  /** The connection is gone: what it was sending is lost. */
  close(): void {
    this.#incoming.close()
    for (const { envelope } of this.#transfers.splice(0)) this.#owner.transferEnded(envelope, 'refused')
  }

  #receive(envelope: LaneEnvelope): void {
    this.#unreleased += envelope.laneBytes
    if (this.#unreleased > this.#window) {
      throw new WireError('too-long', 'the peer sent more than it was granted')
    }
    this.#batch.push(envelope)
  }

  #announced(reader: Reader): void {
    const number = reader.varint()
    const total = reader.varint()
    const head = Buffer.from(reader.fixed(reader.remaining))
    if (this.#incoming.begin(number, total, head)) return
    if (!isFreeHead(head)) this.#ungranted += transferCredit(total)
    this.#control.push(smallFrame(frameNumbers['lane-stop'], number))
    this.#owner.wake()
  }

  /** The receiver has no memory for a transfer. */
  #refused(number: number): void {
    const at = this.#transfers.findIndex((transfer) => transfer.number === number)
    // Its last chunk may have left before the refusal came: then its end has been told.
    if (at < 0) return
    const [{ envelope }] = this.#transfers.splice(at, 1) as [OutgoingTransfer]
    this.#owner.transferEnded(envelope, 'refused')
  }

  #granted(messages: number, chunks: number): void {
    this.#credit += messages
    this.#chunkCredit += chunks
    this.#regained += messages
    if (this.#credit > this.#window || this.#chunkCredit > this.#window) {
      throw new WireError('bad-value', 'the peer granted more than was used')
    }
    if (this.#markAt !== undefined && this.#regained >= this.#markUsed) {
      this.#owner.roundTrip(this.#owner.now() - this.#markAt)
      this.#markAt = undefined
    }
    this.#owner.wake()
  }

  #grant(): void {
    this.#control.push(smallFrame(frameNumbers['lane-credit'], this.#ungranted, this.#ungrantedChunks))
    this.#ungranted = 0
    this.#ungrantedChunks = 0
  }
}
