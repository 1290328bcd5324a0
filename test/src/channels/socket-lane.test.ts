import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LaneConnection } from '../../../src/channels/lane-connection.ts'
import { MAX_RELAYED_MESSAGES } from '../../../src/channels/lane-limits.ts'
import { SocketLane } from '../../../src/channels/socket-lane.ts'
import type { Envelope } from '../../../src/wire/envelope.ts'
import { MAX_CHUNK_BYTES, MAX_HOPS } from '../../../src/wire/limits.ts'

const [self, peer] = ['a', 'b'].map((letter) => `12D3KooW${letter.repeat(44)}`) as [string, string]

function laneUnderTest() {
  const counts: Record<string, number> = {}
  const lane = new SocketLane({
    ends: { self, peer, channel: 'data', selfGeneration: 1, peerGeneration: 1 } as never,
    handler: { room: () => {}, congestion: () => {}, arrived: () => {}, taken: () => {}, lost: () => {} },
    now: () => 0,
    count: (reason, by) => {
      counts[reason] = (counts[reason] ?? 0) + by
    },
    onQueued: () => {},
    onEnough: () => {},
  })
  return { lane, counts }
}

function passedOn(hops: number, bytes = 8): Envelope {
  return {
    ...{ kind: 'message', id: 1, source: self, sourceGeneration: 1, destination: peer, destinationGeneration: 1 },
    ...{ channel: 'data', sequence: 1, floor: 0, key: undefined, epoch: 0, hops, trace: undefined },
    ...{
      deadlineMs: undefined,
      subject: undefined,
      topic: undefined,
      encoding: 'bytes',
      payload: new Uint8Array(bytes),
    },
  } as Envelope
}

/** How many of these it takes before it refuses one. */
function accepted(lane: SocketLane, hops: number): number {
  let count = 0
  while (lane.forward(passedOn(hops))) count++
  return count
}

describe('a lane that passes on for others', () => {
  it('gives what has come far more room than what has only begun, so that a full network still drains', () => {
    const { lane, counts } = laneUnderTest()
    const byHops = [1, 2, MAX_HOPS / 2, MAX_HOPS].map((hops) => accepted(lane, hops))
    const unit = MAX_RELAYED_MESSAGES / MAX_HOPS
    assert.deepEqual(byHops, [unit, unit, unit * (MAX_HOPS / 2 - 2), (unit * MAX_HOPS) / 2])
    assert.equal(counts['lane-relay-full'], 4)
  })

  it('takes its own messages all the same when that room is full', () => {
    const { lane } = laneUnderTest()
    accepted(lane, MAX_HOPS)
    assert.equal(lane.send(passedOn(0)), 'accepted')
  })

  it('has room again for as many as have left', () => {
    const { lane } = laneUnderTest()
    accepted(lane, 1)
    const taken = [lane.next({} as never, 10_000), lane.next({} as never, 10_000)].find((each) => each !== undefined)
    assert.ok(taken && taken.messages > 0, JSON.stringify(taken))
    assert.equal(accepted(lane, 1), taken.messages)
  })

  it('refuses what a relay cannot carry in one piece', () => {
    const { lane, counts } = laneUnderTest()
    assert.equal(lane.forward(passedOn(3, MAX_CHUNK_BYTES + 1)), false)
    assert.equal(counts['lane-relay-too-large'], 1)
  })
})

describe('a large payload with a key that is not acknowledged', () => {
  it('goes over the first connection, behind what was queued there before it; others go at once over any', () => {
    const { lane } = laneUnderTest()
    const [first, second] = [{}, {}] as [LaneConnection, LaneConnection]
    lane.connections.push(first, second)
    const small = { ...passedOn(0, 100), key: 'k' }
    const large = { ...passedOn(0, MAX_CHUNK_BYTES + 1), key: 'k' }
    const [acknowledged, plain] = [
      { ...large, floor: 1 },
      { ...large, key: undefined },
    ]
    for (const envelope of [small, large, small, acknowledged, plain]) lane.send(envelope)
    assert.equal(lane.nextTransfer(second, true), acknowledged)
    assert.equal(lane.nextTransfer(first, true), plain)
    assert.equal(lane.nextTransfer(first, true), undefined)
    assert.equal(lane.next(first, 200)?.messages, 1)
    assert.equal(lane.nextTransfer(second, true), undefined)
    assert.equal(lane.nextTransfer(first, false), undefined)
    assert.equal(lane.nextTransfer(first, true), large)
  })
})
