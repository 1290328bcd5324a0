import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Taken } from '../../../src/channels/frame-queue.ts'
import { type ConnectionOwner, LaneConnection } from '../../../src/channels/lane-connection.ts'
import { CREDIT_BYTES } from '../../../src/channels/lane-limits.ts'
import { SocketLane } from '../../../src/channels/socket-lane.ts'
import { ReassemblyBudget } from '../../../src/channels/transfers.ts'
import { isWireError, mutate, randomFrom } from '../../../src/testing/compliance/codec.ts'
import type { Envelope } from '../../../src/wire/envelope.ts'
import type { LaneEnds } from '../../../src/wire/lane-envelope.ts'
import { LaneFrameSplitter, smallFrame } from '../../../src/wire/lane-frames.ts'
import { MAX_CHUNK_BYTES, MAX_OPEN_TRANSFERS } from '../../../src/wire/limits.ts'
import { encodeFrame } from '../../../src/wire/message.ts'
import { frameNumbers } from '../../../src/wire/message-numbers.ts'
import { WireError } from '../../../src/wire/wire-error.ts'
import { laneEnds, laneFrames, otherEnds, plainEnvelope } from '../wire/sample-lane-frames.ts'

/** One end without a socket: what it writes lies here until the test carries it over. */
class End implements ConnectionOwner {
  readonly ends: LaneEnds
  readonly budget: ReassemblyBudget
  readonly lane: SocketLane
  readonly connection: LaneConnection
  readonly splitter: LaneFrameSplitter
  readonly wire: { readonly bytes: Buffer; readonly onWritten: () => void }[] = []
  readonly arrived: { readonly kind: string; readonly length: number; readonly laneBytes: number }[] = []
  readonly outcomes: string[] = []
  held = 0

  constructor(ends: LaneEnds, budget = new ReassemblyBudget()) {
    this.ends = ends
    this.budget = budget
    const handler = {
      arrived: () => {},
      room: () => {},
      taken: (_peer: string, _envelope: Envelope, outcome: string) => void this.outcomes.push(outcome),
      lost: () => {},
      congestion: () => {},
    }
    this.lane = new SocketLane({ ends, handler, now: () => 0, count: () => {}, onQueued: () => {}, onEnough: () => {} })
    this.connection = new LaneConnection(this)
    this.lane.connections.push(this.connection)
    this.splitter = new LaneFrameSplitter(this.connection)
  }

  send(kind: Envelope['kind'], length: number): void {
    const { self: source, selfGeneration: sourceGeneration, peer: destination } = this.ends
    const payload = new Uint8Array(length)
    this.lane.send({ ...plainEnvelope, kind, source, sourceGeneration, destination, destinationGeneration: 0, payload })
  }

  /** Writes, and hands one write over to `other`. False: there was none. */
  carry(other: End): boolean {
    this.connection.flush()
    const write = this.wire.shift()
    if (write === undefined) return false
    other.splitter.push(Buffer.from(write.bytes))
    write.onWritten()
    for (const { kind, payload, laneBytes } of other.connection.takeBatch() ?? []) {
      other.arrived.push({ kind, length: payload.length, laneBytes })
      other.held += laneBytes
    }
    return true
  }

  releaseAll(): void {
    this.lane.release(this.held)
    this.held = 0
  }

  get hasQueued(): boolean {
    return this.lane.hasQueued
  }

  now = (): number => 0
  write(bytes: Uint8Array, onWritten: () => void): void {
    this.wire.push({ bytes: Buffer.from(bytes), onWritten })
  }
  nextFree = (limit: number): Taken | undefined => this.lane.nextFree(limit)
  next = (limit: number): Taken | undefined => this.lane.next(this.connection, limit)
  nextTransfer = (hasCredit: boolean): Envelope | undefined => this.lane.nextTransfer(this.connection, hasCredit)
  transferEnded = (envelope: Envelope, outcome: 'taken' | 'refused'): void => this.lane.transferEnded(envelope, outcome)
  sent = (messages: number, bytes: number): void => this.lane.sent(messages, bytes)
  roundTrip = (): void => {}
  peerEnded = (): void => {}
  wake = (): void => {}
}

const pair = (): [End, End] => [new End(laneEnds), new End(otherEnds)]
const step = fc.oneof(
  fc.record({
    do: fc.constant('send' as const),
    from: fc.nat(1),
    kind: fc.constantFrom('message' as const, 'request' as const, 'reply' as const, 'ack' as const),
    length: fc.oneof(fc.nat(300), fc.constantFrom(MAX_CHUNK_BYTES, MAX_CHUNK_BYTES + 1, 3 * MAX_CHUNK_BYTES)),
  }),
  fc.record({ do: fc.constant('carry' as const), from: fc.nat(1) }),
  fc.record({ do: fc.constant('release' as const), from: fc.nat(1) }),
)

describe('a connection of a lane', () => {
  it('never has more under way than was granted, and brings everything in the end, whatever the interleaving', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const ends = pair()
        const sent = [0, 0]
        for (const { from, ...what } of steps) {
          const [near, far] = [ends[from]!, ends[1 - from]!]
          if (what.do === 'send') {
            near.send(what.kind, what.length)
            sent[from]! += 1
          } else if (what.do === 'carry') near.carry(far)
          else near.releaseAll()
          for (const { connection } of ends) assert.ok(connection.unreleased <= CREDIT_BYTES.data)
        }
        for (let isBusy = true; isBusy; ) {
          isBusy = ends[0].carry(ends[1]) || ends[1].carry(ends[0]) || ends.some(({ held }) => held > 0)
          for (const end of ends) end.releaseAll()
        }
        assert.deepEqual([ends[1].arrived.length, ends[0].arrived.length], sent)
        assert.deepEqual([ends[0].budget.reserved, ends[1].budget.reserved], [0, 0])
      }),
    )
  })

  it('is granted enough for the next frame, whatever the lengths', () => {
    for (const channel of ['coordination', 'data'] as const) {
      for (let length = 1_000; length <= MAX_CHUNK_BYTES; length += 4_303) {
        const [near, far] = [new End({ ...laneEnds, channel }), new End({ ...otherEnds, channel })]
        for (let index = 0; index < 12; index++) near.send('message', index % 3 === 0 ? MAX_CHUNK_BYTES : length)
        for (let isBusy = true; isBusy; far.releaseAll()) isBusy = near.carry(far) || far.carry(near) || far.held > 0
        assert.equal(far.arrived.length, 12, `${channel} ${length}`)
      }
    }
  })

  it('brings a large reply to a handler that waits for it, though all message credit is taken', () => {
    const [near, far] = pair()
    for (let index = 0; index < 20; index++) near.send('message', MAX_CHUNK_BYTES)
    while (near.carry(far) || far.carry(near));
    const before = far.arrived.length
    assert.ok(before < 20)
    near.send('reply', 1_000_000)
    while (near.carry(far) || far.carry(near));
    assert.deepEqual(far.arrived.slice(before), [{ kind: 'reply', length: 1_000_000, laneBytes: 0 }])
  })

  it('refuses a payload for which there is no memory, tells its sender, and loses no credit by it', () => {
    const [near, far] = [new End(laneEnds), new End(otherEnds, new ReassemblyBudget(100_000))]
    for (let round = 0; round < 30; round++) near.send('message', 200_000)
    near.send('message', 90_000)
    for (let isBusy = true; isBusy; far.releaseAll()) isBusy = near.carry(far) || far.carry(near) || far.held > 0
    assert.deepEqual(
      far.arrived.map(({ length }) => length),
      [90_000],
    )
    assert.ok(near.outcomes.filter((outcome) => outcome === 'refused').length > 0)
    assert.equal(near.outcomes.length, 31)
    assert.equal(far.budget.reserved, 0)
  })

  it('refuses who sends or grants more than was granted or used', () => {
    const [near, far] = pair()
    for (let index = 0; index < 10; index++) near.send('message', MAX_CHUNK_BYTES)
    while (near.carry(far));
    const frame = laneFrames[0]!
    assert.throws(() => {
      for (;;) far.splitter.push(frame)
    }, isWireError('too-long'))
    const grant = smallFrame(frameNumbers['lane-credit'], CREDIT_BYTES.data, 0)
    assert.throws(() => pair()[0].splitter.push(grant), isWireError('bad-value'))
    const transfers = pair()[1]
    const announce = (number: number): Buffer => {
      const bytes = Buffer.from(laneFrames[2]!)
      bytes[5] = number
      return bytes
    }
    for (let number = 1; number <= MAX_OPEN_TRANSFERS; number++) transfers.splitter.push(announce(number))
    assert.throws(() => transfers.splitter.push(announce(100)), isWireError('too-long'))
  })

  it('takes the goodbye of a link that closes for no mistake of its peer', () => {
    const [, far] = pair()
    far.splitter.push(Buffer.from(encodeFrame({ type: 'goodbye', reason: 'idle' })))
  })

  it('has the memory of a slow receiver bounded, whatever is sent', () => {
    const [near, far] = pair()
    for (let index = 0; index < 5_000; index++) near.send('message', 10_000)
    while (near.carry(far));
    assert.ok(far.held <= CREDIT_BYTES.data)
    assert.ok(near.lane.stats().queued.bytes <= 9 * 2 ** 20)
  })

  it('never answers a mutated stream with anything but a WireError, and keeps no more than its budget', () => {
    const random = randomFrom(3)
    const stream = Buffer.concat(laneFrames.slice(0, 7))
    const kinds = new Set<string>()
    for (let count = 0; count < 20_000; count++) {
      const budget = new ReassemblyBudget(1_000_000)
      const end = new End(otherEnds, budget)
      try {
        end.splitter.push(Buffer.from(mutate(stream, random)))
        kinds.add('none')
      } catch (error) {
        if (!(error instanceof WireError)) throw error
        kinds.add(error.kind)
      }
      assert.ok(budget.reserved <= 1_000_000)
      end.connection.close()
      assert.equal(budget.reserved, 0)
    }
    assert.ok(kinds.size >= 5, [...kinds].join())
  })
})
