// Payloads in pieces, from a source to a destination over ways that lose, repeat and reorder what they carry, in time
// that is not real.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { IncomingPieces } from '../../../src/channels/incoming-pieces.ts'
import type { ArrivedEnvelope, IncomingLane } from '../../../src/channels/lane.ts'
import { MAX_RELAYED_TRANSFERS } from '../../../src/channels/lane-limits.ts'
import { OutgoingMessage } from '../../../src/channels/outgoing-message.ts'
import { OutgoingPieces } from '../../../src/channels/outgoing-pieces.ts'
import { ReassemblyBudget } from '../../../src/channels/transfers.ts'
import type { ClusterError } from '../../../src/errors.ts'
import { systemClock, type Time, type Timer } from '../../../src/runtime/clock.ts'
import { Schedule } from '../../../src/testing/simulator/schedule.ts'
import { type DeliveryMessage, decodeDelivery, encodeDelivery } from '../../../src/wire/delivery.ts'
import { MAX_CHUNK_BYTES } from '../../../src/wire/limits.ts'
import { PIECE_BYTES } from '../../../topology/index.ts'

/** Time that passes when it is told to. */
class SteppedTime implements Time {
  readonly #schedule = new Schedule()
  readonly setInterval = systemClock.setInterval
  readonly setImmediate = systemClock.setImmediate
  readonly timeout = systemClock.timeout

  now(): number {
    return this.#schedule.now
  }

  wall(): number {
    return this.now()
  }

  boot(): number {
    return this.now()
  }

  setTimeout(work: () => void, ms: number): Timer {
    let isOff = false
    this.#schedule.after(ms, () => {
      if (!isOff) work()
    })
    return {
      unref: () => undefined,
      [Symbol.dispose]: () => {
        isOff = true
      },
    }
  }

  advance(ms: number): void {
    let isOver = false
    this.#schedule.after(ms, () => {
      isOver = true
    })
    while (!isOver) this.#schedule.step()
  }
}

interface Settings {
  /** What becomes of each message on its way: the milliseconds that it takes, for each copy that comes. */
  readonly fate?: () => readonly number[]
  readonly limit?: number
  /** Takes what arrives; by default it is done with at once. */
  readonly arrived?: (lane: IncomingLane, envelopes: readonly ArrivedEnvelope[]) => void
}

function world({ fate = () => [1], limit = 64 * 1024 * 1024, arrived }: Settings = {}) {
  const clock = new SteppedTime()
  const turn = { enter: (work: () => void) => work() }
  const came: ArrivedEnvelope[] = []
  const settled: string[] = []
  const traces: string[] = []
  const said = { pieces: 0, mostUnderWay: 0, underWay: 0 }
  const budget = new ReassemblyBudget(limit)
  const carry = (message: DeliveryMessage, take: (message: DeliveryMessage) => void): void => {
    const bytes = encodeDelivery(message)
    const isPiece = message.type === 'piece'
    if (isPiece) said.pieces += 1
    for (const delay of fate()) {
      if (isPiece) said.underWay += message.part.length
      said.mostUnderWay = Math.max(said.mostUnderWay, said.underWay)
      clock.setTimeout(() => {
        if (isPiece) said.underWay -= message.part.length
        take(decodeDelivery(bytes))
      }, delay)
    }
  }
  const source: OutgoingPieces = new OutgoingPieces({
    ...{ self: { id: 'a', generation: 1 }, clock, turn },
    say: (to, message, trace) => {
      if (trace !== undefined) traces.push(trace)
      carry(message, (piece) => {
        assert.ok(piece.type === 'piece')
        destination.take({ peer: 'a', generation: 1, channel: to.channel }, piece)
      })
    },
  })
  const destination: IncomingPieces = new IncomingPieces({
    ...{ self: { id: 'b', generation: 1 }, clock, budget },
    say: (_to, message) =>
      carry(message, (placed) => {
        assert.ok(placed.type === 'placed')
        source.placed('b', placed)
      }),
    arrived: (lane, envelopes) => {
      came.push(...envelopes)
      if (arrived) arrived(lane, envelopes)
      else lane.release(envelopes.length)
    },
    malformed: () => assert.fail('malformed'),
  })
  let id = 0
  const send = (bytes: number, isAcknowledged = false, trace?: string): OutgoingMessage => {
    id += 1
    const payload = Uint8Array.from({ length: bytes }, (_, at) => (at * 7 + id) % 251)
    const message = new OutgoingMessage({
      ...({ kind: 'message', id, channel: 'data', isAcknowledged, encoded: { encoding: 'bytes', payload } } as const),
      destination: { id: 'b', name: 'b', generation: 1 },
      trace,
      listener: {
        settled: (one: OutgoingMessage, error?: ClusterError) =>
          void settled.push(`${one.id} ${error?.code ?? 'sent'}`),
      },
    })
    source.put(message, 0)
    return message
  }
  return { clock, source, destination, came, settled, said, budget, send, traces }
}

describe('a payload in pieces', () => {
  it('comes whole and once, in the order of the calls, whatever its way does (30 ways)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), (seed) => {
        let state = seed
        const random = (): number => {
          state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
          return (state >>> 8) / 2 ** 24
        }
        const fate = () => (random() < 0.2 ? [] : random() < 0.1 ? [1, 40] : [random() < 0.2 ? 30 : 1])
        const { clock, came, settled, send, budget } = world({ fate })
        const sent = [MAX_CHUNK_BYTES + 1, 10 * PIECE_BYTES, 3 * PIECE_BYTES + 17].map((bytes) => send(bytes))
        for (let turn = 0; turn < 20_000 && settled.length < sent.length; turn++) clock.advance(10)
        assert.deepEqual(settled, ['1 sent', '2 sent', '3 sent'])
        assert.deepEqual(
          came.map(({ id, payload }) => [id, Buffer.compare(payload, sent[id - 1]!.encoded.payload)]),
          [
            [1, 0],
            [2, 0],
            [3, 0],
          ],
        )
        assert.equal(budget.reserved, 0)
      }),
      { numRuns: 30 },
    )
  })

  it('has no more under way than four pieces, however long it is and whatever is lost', () => {
    const { clock, said, send, settled } = world({ fate: () => [20] })
    send(100 * PIECE_BYTES)
    for (let turn = 0; turn < 100 && settled.length === 0; turn++) clock.advance(10)
    assert.deepEqual(settled, ['1 sent'])
    assert.equal(said.mostUnderWay, 4 * PIECE_BYTES)
    assert.equal(said.pieces, 100, 'none was sent twice')
  })

  it('tells relays once whose trace it is in, and its handler too', () => {
    const { clock, came, traces, send } = world()
    send(10 * PIECE_BYTES, false, '00-aa-bb-01')
    clock.advance(1_000)
    assert.deepEqual([traces, came[0]?.trace], [['00-aa-bb-01'], '00-aa-bb-01'])
  })

  it('keeps its sender back until its handler is done, and its memory too', () => {
    const lanes: IncomingLane[] = []
    const { clock, settled, send, came, budget } = world({ arrived: (lane) => lanes.push(lane) })
    send(2 * PIECE_BYTES)
    send(2 * PIECE_BYTES)
    for (let turn = 0; turn < 1_000; turn++) clock.advance(10)
    assert.deepEqual([came.length, settled.length, budget.reserved], [1, 0, 2 * PIECE_BYTES])
    lanes[0]!.release(1)
    for (let turn = 0; turn < 1_000; turn++) clock.advance(10)
    assert.deepEqual([came.length, settled], [2, ['1 sent']])
  })

  it('is refused where there is no memory for it, which only the sender of an unacknowledged one is told', () => {
    const { clock, settled, send } = world({ limit: 2 * PIECE_BYTES })
    send(3 * PIECE_BYTES)
    send(3 * PIECE_BYTES, true)
    send(2 * PIECE_BYTES)
    for (let turn = 0; turn < 100; turn++) clock.advance(10)
    assert.deepEqual(settled, ['1 ERR_BUFFER_FULL', '3 sent'])
  })

  it('is forgotten at both ends when nobody waits for it, or its destination is gone', () => {
    let isCut = false
    const { clock, source, settled, send, budget, said } = world({ fate: () => (isCut ? [] : [1]) })
    const given = send(50 * PIECE_BYTES)
    clock.advance(3)
    assert.equal(budget.reserved, 50 * PIECE_BYTES)
    given.settle()
    for (let turn = 0; turn < 8_000; turn++) clock.advance(10)
    assert.equal(budget.reserved, 0)
    isCut = true
    send(2 * PIECE_BYTES)
    clock.advance(1_000)
    source.lost('b')
    const { pieces } = said
    for (let turn = 0; turn < 1_000; turn++) clock.advance(10)
    assert.deepEqual([settled, said.pieces], [['1 sent', '2 ERR_MEMBER_DOWN'], pieces])
  })

  it('that a source begins beyond the bound is refused', () => {
    const { destination, clock, budget } = world()
    const from = { peer: 'a', generation: 1, channel: 'data' } as const
    for (let transfer = 1; transfer <= 2 * MAX_RELAYED_TRANSFERS; transfer++)
      destination.take(from, {
        ...{ type: 'piece', transfer, bytes: MAX_CHUNK_BYTES + 1, offset: 0 },
        ...{ head: new Uint8Array(), part: new Uint8Array(8) },
      })
    clock.advance(1)
    assert.equal(budget.reserved, MAX_RELAYED_TRANSFERS * (MAX_CHUNK_BYTES + 1))
  })
})
