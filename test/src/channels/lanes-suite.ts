// What lanes do over any transport. A test of a transport is a call.

import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { IncomingLane } from '../../../src/channels/lane.ts'
import { CREDIT_BYTES, laneLimits } from '../../../src/channels/lane-limits.ts'
import { turns, waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import type { Transport } from '../../../src/transport/transport.ts'
import type { LaneEnvelope } from '../../../src/wire/lane-envelope.ts'
import { MAX_CHUNK_BYTES, MAX_LANE_FRAME_BYTES } from '../../../src/wire/limits.ts'
import { type EndSettings, LaneEnd } from './lane-lab.ts'

const channels = ['coordination', 'events', 'gossip', 'data'] as const

/** `isFar`: each way takes milliseconds. */
export function testLanes(name: string, transports: () => readonly [Transport, Transport], isFar = false): void {
  const open: LaneEnd[] = []

  /** Two ends that are linked; `a` has dialled. */
  async function pair(ofA: EndSettings = {}, ofB: EndSettings = {}): Promise<[LaneEnd, LaneEnd]> {
    const [near, far] = transports()
    const a = await new LaneEnd({ transport: near, ...ofA }).open()
    const b = await new LaneEnd({ transport: far, ...ofB }).open()
    open.push(a, b)
    a.links.callSeed(b.address, 'eager')
    await waitUntil(() => a.links.all().length === 1 && b.links.all().length === 1)
    return [a, b]
  }

  describe(`lanes over ${name}`, () => {
    afterEach(async () => {
      await Promise.all(open.splice(0).map((end) => end.close()))
    })

    for (const channel of channels) {
      it(`carry envelopes of ${channel} both ways, in order, whichever end has dialled`, async () => {
        const [a, b] = await pair()
        const { messages } = laneLimits[channel]
        const count = Math.min(messages, 500)
        for (let index = 0; index < count; index++) {
          assert.equal(a.send(b.id, channel, Buffer.alloc(index, index)), 'accepted')
          assert.equal(b.send(a.id, channel, Buffer.alloc(index, index), { key: 'k' }), 'accepted')
        }
        await waitUntil(() => a.arrived.length === count && b.arrived.length === count)
        for (const [end, from] of [
          [a, b],
          [b, a],
        ] as const) {
          assert.deepEqual(
            end.arrived.map(({ id }) => id),
            Array.from({ length: count }, (_, index) => index + 1),
          )
          assert.ok(
            end.arrived.every(
              ({ payload, id }) => payload.length === id - 1 && payload.every((byte) => byte === (id - 1) % 256),
            ),
          )
          assert.ok(end.arrived.every((envelope) => envelope.source === from.id && envelope.channel === channel))
        }
        assert.equal(end(a).connections, channel === 'coordination' ? 1 : 1)
        function end(one: LaneEnd) {
          return one.lanes.stats().find((stats) => stats.channel === channel)!
        }
      })
    }

    it('carry what is larger than a chunk, of the same lane and of others, beside small ones', async () => {
      const [a, b] = await pair()
      const large = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, index) => index % 251))
      const payloads = [MAX_CHUNK_BYTES + 1, 3 * MAX_CHUNK_BYTES, 500_000].map(large)
      for (const channel of ['data', 'coordination'] as const) {
        for (const payload of payloads) assert.equal(a.send(b.id, channel, payload), 'taking')
        a.send(b.id, channel, Buffer.from('small'))
      }
      await waitUntil(() => b.arrived.length === 8 && a.taken.length === 6)
      for (const channel of ['data', 'coordination'] as const) {
        const came = b.arrived.filter((envelope) => envelope.channel === channel)
        const sizes = came.map(({ payload }) => payload.length)
        assert.deepEqual(
          sizes.sort((x, y) => x - y),
          [5, ...payloads.map(({ length }) => length)],
        )
        for (const { payload } of came.filter(({ payload }) => payload.length > 5)) {
          assert.ok(payloads.some((sent) => sent.equals(payload)))
        }
      }
      assert.ok(a.taken.every((told) => told.endsWith(' taken')))
    })

    it('say full at their limit, and tell of room when half of it is left', async () => {
      const held: [IncomingLane, LaneEnvelope][] = []
      const [a, b] = await pair(
        {},
        { arrived: (lane, batch) => held.push(...batch.map((one) => [lane, one] as [IncomingLane, LaneEnvelope])) },
      )
      const { messages } = laneLimits.events
      let accepted = 0
      const fill = (): void => {
        while (a.send(b.id, 'events', Buffer.alloc(200)) === 'accepted') accepted += 1
      }
      fill()
      assert.equal(accepted, messages)
      assert.deepEqual(a.lanes.to(b.id, 'events')!.nearestLimit, [messages, 'messages'])
      a.onRoom = fill
      const bound = CREDIT_BYTES.events + MAX_LANE_FRAME_BYTES
      await waitUntil(
        () => held.length > 0 && a.lanes.stats().some(({ channel, credit }) => channel === 'events' && credit < 2_000),
      )
      // Nothing is released: so much has come, and no more comes.
      assert.ok(held.reduce((sum, [, { laneBytes }]) => sum + laneBytes, 0) <= bound)
      assert.equal(a.rooms.length, 0)
      const release = (): void => {
        for (const [lane, { laneBytes }] of held.splice(0)) lane.release(laneBytes)
      }
      await waitUntil(() => {
        release()
        return a.rooms.length > 0
      })
      assert.deepEqual(a.rooms[0], `${b.id} events`)
      assert.ok(accepted > messages)
      assert.ok(a.congestion.includes('events congested link') || a.congestion.includes('events congested consumer'))
    })

    it('drop the oldest of gossip past the limit, and count it', async () => {
      const [a, b] = await pair()
      const { messages } = laneLimits.gossip
      for (let index = 0; index < messages + 100; index++) {
        assert.equal(a.send(b.id, 'gossip', Buffer.alloc(10)), 'accepted')
      }
      await waitUntil(() => b.arrived.at(-1)?.id === messages + 100)
      assert.equal(b.arrived[0]?.id, 101)
      assert.equal(b.arrived.length, messages)
      assert.equal(a.counters.snapshot()['lane-oldest'], 100)
    })

    it('carry acknowledgements and answers though no credit is left (design rule 11)', async () => {
      const held: LaneEnvelope[] = []
      const [a, b] = await pair({}, { arrived: (_lane, batch) => held.push(...batch) })
      while (a.send(b.id, 'data', Buffer.alloc(1_000)) === 'accepted');
      await waitUntil(() => a.lanes.stats().some(({ channel, credit }) => channel === 'data' && credit < 2_000))
      for (const kind of ['ack', 'reply', 'error'] as const) a.send(b.id, 'data', Buffer.alloc(100), { kind })
      assert.equal(a.send(b.id, 'data', Buffer.alloc(300_000), { kind: 'reply' }), 'taking')
      const free = (): LaneEnvelope[] => held.filter(({ kind }) => kind !== 'message')
      await waitUntil(() => free().length === 4)
      assert.deepEqual(
        free().map(({ laneBytes }) => laneBytes),
        [0, 0, 0, 0],
      )
    })

    it('send questions and answers in the middle of a turn once there are enough, and everything else when it ends', async () => {
      const [a, b] = await pair()
      a.send(b.id, 'data', Buffer.alloc(1))
      await waitUntil(() => b.arrived.length === 1)
      const sent = (): number => a.lanes.stats().find(({ channel }) => channel === 'data')!.sent.messages
      const before = sent()
      const sendMany = (kind: LaneEnvelope['kind'], count: number): number => {
        for (let index = 0; index < count; index++) a.send(b.id, 'data', Buffer.alloc(1), { kind })
        return sent() - before
      }
      assert.equal(sendMany('message', 100), 0)
      assert.equal(sendMany('ack', 100), 0)
      assert.equal(sendMany('request', 31), 0)
      assert.equal(sendMany('reply', 1), 232)
      assert.equal(sendMany('error', 31), 232)
      await waitUntil(() => b.arrived.length === 264)
      // Those of another turn do not count.
      assert.equal(sendMany('request', 31), 263)
      await waitUntil(() => b.arrived.length === 295)
    })

    it('pass on acknowledgements and answers of others without end, and those use no credit either', async () => {
      const [a, b] = await pair()
      let passed = 0
      const rounds = 2 * Math.ceil(CREDIT_BYTES.data / 10_000)
      for (let round = 0; round < rounds; round++) {
        for (const kind of ['ack', 'reply', 'error'] as const)
          if (a.lanes.forward(b.id, a.envelope(b.id, 'data', Buffer.alloc(10_000), { kind, hops: 1 }))) passed += 1
        await waitUntil(() => b.arrived.length === passed)
      }
      assert.equal(passed, 3 * rounds)
      a.send(b.id, 'data', Buffer.alloc(1))
      await waitUntil(() => b.arrived.length === passed + 1)
    })

    it('tell of a lost link, and count what was queued', async () => {
      const [a, b] = await pair({}, { arrived: () => {} })
      while (a.send(b.id, 'data', Buffer.alloc(1_000)) === 'accepted');
      await waitUntil(() => a.lanes.stats().some(({ channel, credit }) => channel === 'data' && credit < 2_000))
      const lane = a.lanes.to(b.id, 'data')!
      b.links.get(a.id)?.destroy()
      await waitUntil(() => a.lost.length === 1 && b.lost.length === 1)
      assert.equal(lane.send(a.envelope(b.id, 'data', Buffer.alloc(1))), 'no-route')
      assert.ok(a.counters.snapshot()['lane-link-lost']! > 1_000)
    })

    it('lose nothing that either end had sent when the link is let go of, and end what they had begun to send', async () => {
      for (let round = 0; round < 8; round++) {
        const [a, b] = await pair()
        const sendAll = (bytes: number): void => {
          for (const channel of channels) {
            const payload = Buffer.alloc(channel === 'data' ? bytes : 1)
            for (const outcome of [a.send(b.id, channel, payload), b.send(a.id, channel, payload)])
              assert.match(outcome, /accepted|taking/)
          }
        }
        sendAll(1)
        await waitUntil(() => a.arrived.length === 4 && b.arrived.length === 4)
        sendAll(5 * MAX_CHUNK_BYTES)
        const hasBegun = (end: LaneEnd): boolean => end.lanes.stats().every(({ sent }) => sent.messages === 2)
        await waitUntil(() => hasBegun(a) && hasBegun(b))
        // At another moment of their way each time.
        await turns(round)
        a.links.release(b.id)
        await waitUntil(() => a.lost.length === 1 && b.lost.length === 1)
        await waitUntil(() => a.arrived.length === 8 && b.arrived.length === 8)
      }
    })

    it('say that the link is in use while something waits, is under way, or is not done with at the other end', async () => {
      const busy: string[] = []
      let release = () => {}
      const [a, b] = await pair(
        { looksWhenTold: true, onBusy: () => busy.push('a') },
        {
          looksWhenTold: true,
          onBusy: () => busy.push('b'),
          arrived: (lane, envelopes) => {
            release = () => lane.release(envelopes.reduce((sum, { laneBytes }) => sum + laneBytes, 0))
          },
        },
      )
      const looked = (): string => {
        busy.length = 0
        a.look()
        b.look()
        return busy.join()
      }
      assert.equal(looked(), '')
      a.send(b.id, 'data', Buffer.from('one'))
      // At once: the link must not be let go of while a connection is opened.
      await waitUntil(() => busy.includes('a'))
      await waitUntil(() => looked() === 'b')
      release()
      assert.equal(looked(), '')
    })

    it('get more connections while the way is long, keep keyed ones in order over them, and lose them again', async () => {
      const [a, b] = await pair({ idleMs: 20 }, { idleMs: 20 })
      const connections = (): number => a.lanes.stats().find(({ channel }) => channel === 'data')?.connections ?? 0
      let most = 0
      let accepted = 0
      const feed = (): void => {
        const next = () => a.send(b.id, 'data', Buffer.alloc(30_000), accepted % 3 === 0 ? { key: 'k' } : {})
        while (next() === 'accepted') accepted += 1
        most = Math.max(most, connections())
      }
      a.onRoom = feed
      feed()
      await waitUntil(() => {
        feed()
        return most >= 2 || !isFar
      })
      a.onRoom = () => {}
      await waitUntil(() => b.arrived.length === accepted)
      const keyed = b.arrived.filter(({ key }) => key === 'k').map(({ id }) => id)
      assert.deepEqual(
        keyed,
        [...keyed].sort((one, other) => one - other),
      )
      assert.ok(most <= laneLimits.data.connections)
      await waitUntil(() => connections() === 0)
    })

    it('get another connection for a long way and not for a slow receiver, and lose one after ten looks without need', async () => {
      const [a, b] = await pair({ looksWhenTold: true })
      const connections = (): number => a.lanes.stats().find(({ channel }) => channel === 'data')?.connections ?? 0
      while (a.send(b.id, 'data', Buffer.alloc(30_000)) === 'accepted');
      await waitUntil(() => {
        a.send(b.id, 'data', Buffer.alloc(30_000))
        a.look()
        return connections() === 2 || (!isFar && b.arrived.length > 0)
      })
      await waitUntil(() => a.lanes.stats().every(({ queued }) => queued.messages === 0))
      const had = connections()
      for (let look = 0; look < 9; look++) a.look()
      assert.equal(connections(), had)
      await waitUntil(() => {
        a.look()
        return connections() === 1
      })
      for (let look = 0; look < 30; look++) a.look()
      assert.equal(connections(), 1)

      const [c, d] = await pair({ looksWhenTold: true }, { arrived: () => {} })
      while (c.send(d.id, 'data', Buffer.alloc(30_000)) === 'accepted');
      const lane = () => c.lanes.stats().find(({ channel }) => channel === 'data')
      await waitUntil(() => lane()?.connections === 1 && lane()!.credit < 40_000)
      for (let look = 0; look < 10; look++) {
        c.look()
        await turns(20)
      }
      assert.equal(lane()?.connections, 1)
    })

    it('close a connection that is idle, and open it again', async () => {
      const [a, b] = await pair({ idleMs: 1 }, { idleMs: 1 })
      const connections = (): number => a.lanes.stats().find(({ channel }) => channel === 'events')?.connections ?? 0
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        from.send(to.id, 'events', Buffer.from('one'))
        await waitUntil(() => to.arrived.length === 1)
        await waitUntil(() => connections() === 0 && b.lanes.stats().every(({ channel }) => channel !== 'events'))
      }
      assert.deepEqual([a.lost, b.lost], [[], []])
    })

    it('lose nothing that either end sends while a connection is closed as idle', async () => {
      const [a, b] = await pair({ idleMs: 1 }, { idleMs: 1 })
      const sent = { [a.id]: 0, [b.id]: 0 }
      // Of one connection only, and again and again at another moment of its close.
      for (let round = 0; round < 12; round++) {
        for (const [from, to] of [
          [a, b],
          [b, a],
        ] as const) {
          for (let turns = 0; turns < round; turns++) await new Promise((resolve) => setImmediate(resolve))
          if (from.send(to.id, 'gossip', Buffer.from('x')) === 'accepted') sent[from.id]! += 1
        }
        await waitUntil(() => a.arrived.length === sent[b.id])
      }
      await waitUntil(() => a.arrived.length === sent[b.id] && b.arrived.length === sent[a.id])
    })

    it('need not wait for the end of a connection that is closed', async () => {
      const [a, b] = await pair({ looksWhenTold: true, idleMs: 0 })
      const dial = a.links.dialLane.bind(a.links)
      a.links.dialLane = async (...asked) => {
        const link = await dial(...asked)
        // Its close never ends.
        link.goodbye = () => new Promise(() => {})
        return link
      }
      a.send(b.id, 'gossip', Buffer.from('one'))
      await waitUntil(() => b.arrived.length === 1)
      await waitUntil(() => {
        a.look()
        const ofGossip = [a, b].flatMap(({ lanes }) => lanes.stats().filter(({ channel }) => channel === 'gossip'))
        return ofGossip.length === 2 && ofGossip.every(({ connections }) => connections === 0)
      })
      b.send(a.id, 'gossip', Buffer.from('two'))
      await waitUntil(() => a.arrived.length === 1)
    })
  })
}
