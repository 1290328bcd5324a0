import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { turns, waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { Prng } from '../../../src/testing/simulator/random.ts'
import { MemoryNetwork } from '../../../src/transport/memory.ts'
import { LinkedNode, pair } from './lab.ts'

const gossip = { type: 'swim', message: { type: 'gossip', updates: [] } } as const

/** Linked by one dial of `a`. */
async function linkedPair(): Promise<[LinkedNode, LinkedNode]> {
  const [a, b] = await pair()
  a.links.callMember('b', b.address, 'eager')
  await waitUntil(() => a.links.all().length === 1 && b.links.all().length === 1)
  return [a, b]
}

describe('a link', () => {
  it('is told of once at each end, and carries messages both ways', async () => {
    const [a, b] = await linkedPair()
    assert.deepEqual([a.told, b.told], [['up b'], ['up a']])
    assert.equal(a.links.send('b', { type: 'swim', message: { type: 'gossip', updates: [] } }), true)
    assert.equal(b.links.send('a', { type: 'swim', message: { type: 'ping', probe: 1, updates: [] } }), true)
    await waitUntil(() => a.messages.length === 1 && b.messages.length === 1)
    assert.deepEqual(b.messages, [{ type: 'swim', message: { type: 'gossip', updates: [] } }])
    assert.equal(a.links.send('c', { type: 'swim', message: { type: 'gossip', updates: [] } }), false)
  })

  it('ends with a goodbye when it is closed on purpose', async () => {
    const [a, b] = await linkedPair()
    a.links.disconnect('b', 'idle')
    await waitUntil(() => a.told.length === 2 && b.told.length === 2)
    assert.deepEqual([a.told[1], b.told[1]], ['down b idle', 'down a idle'])
  })

  it('that one end lets go of carries what the other had sent before it heard that, and nothing more', async () => {
    const [a, b] = await linkedPair()
    a.links.release('b')
    assert.equal(a.links.send('b', gossip), false)
    assert.equal(b.links.send('a', gossip), true)
    await waitUntil(() => a.told.length === 2 && b.told.length === 2)
    assert.deepEqual([a.told[1], b.told[1]], ['down b idle', 'down a idle'])
    assert.deepEqual([a.messages, b.messages], [[gossip], []])
  })

  it('that is let go of closes in bounded time though the other end does not answer', async () => {
    const [a, b] = await linkedPair()
    b.links.get('a')!.receive = () => {}
    a.links.release('b')
    await waitUntil(() => a.told.length === 2)
    assert.equal(a.told[1], 'down b idle')
  })

  it('ends as a loss when nobody said goodbye', async () => {
    const [a, b] = await linkedPair()
    b.links.get('a')?.destroy()
    await waitUntil(() => a.told.length === 2 && b.told.length === 2)
    assert.deepEqual([a.told[1], b.told[1]], ['down b lost', 'down a lost'])
    assert.deepEqual([a.links.all(), b.links.all()], [[], []])
  })

  it('takes no more than a bounded queue; what comes on top is counted', async () => {
    const network = new MemoryNetwork()
    const [a, b] = await pair(network)
    a.links.callMember('b', b.address, 'eager')
    await waitUntil(() => a.links.all().length === 1 && b.links.all().length === 1)
    const payload = new Uint8Array(1024 * 1024)
    const envelope = sampleEnvelope(payload)
    const sent: boolean[] = []
    for (let message = 0; message < 12; message++) sent.push(a.links.send('b', { type: 'envelope', envelope }))
    const accepted = sent.filter((isSent) => isSent).length
    assert.ok(accepted >= 8 && accepted <= 9, `${accepted} accepted`)
    assert.equal(a.counts.filter((reason) => reason === 'link-queue-full').length, 12 - accepted)
    await waitUntil(() => b.messages.length === accepted)
    assert.equal(a.links.send('b', { type: 'envelope', envelope }), true)
  })

  it('is made by a seed whose identity nobody knows, and its seed is called again when it is lost', async () => {
    const [a, b] = await pair()
    a.links.callSeed(b.address, 'eager')
    await waitUntil(() => a.links.all().length === 1 && b.links.all().length === 1)
    a.links.get('b')?.destroy()
    await waitUntil(() => a.told.length === 3)
    assert.deepEqual(
      a.told.map((line) => line.split(' ')[0]),
      ['up', 'down', 'up'],
    )
  })

  it('comes up in the end at a peer that only later listens', async () => {
    const network = new MemoryNetwork()
    const a = await new LinkedNode(network, 'a').listen()
    a.links.callMember('b', '127.0.0.1:50000', 'eager')
    await turns(20)
    const b = await new LinkedNode(network, 'b').listen('127.0.0.1:50000')
    await waitUntil(() => a.links.get('b') !== undefined && b.links.get('a') !== undefined)
  })
})

describe('a refused handshake', () => {
  it('is told at both ends, and leaves no link', async () => {
    const network = new MemoryNetwork()
    const a = await new LinkedNode(network, 'a').listen()
    const b = await new LinkedNode(network, 'b', { secret: 'another secret of 16 bytes' }).listen()
    a.links.callSeed(b.address, 'eager')
    await waitUntil(() => a.refusals.length > 0 && b.refusals.length > 0)
    assert.equal(a.refusals[0], 'dialer ERR_WRONG_SECRET')
    assert.equal(b.refusals[0], 'acceptor ERR_WRONG_SECRET')
    assert.deepEqual([a.told, b.told], [[], []])
  })

  it('by the policy of the acceptor is told to the dialer', async () => {
    const network = new MemoryNetwork()
    const a = await new LinkedNode(network, 'a').listen()
    const admit = () => ({ code: 'name-taken', detail: 'c' }) as const
    const b = await new LinkedNode(network, 'b', { admit }).listen()
    a.links.callMember('b', b.address, 'eager')
    await waitUntil(() => a.refusals.length > 0)
    assert.equal(a.refusals[0], 'dialer ERR_NAME_TAKEN')
  })

  it('with oneself is told to nobody and not tried again', async () => {
    const a = await new LinkedNode(new MemoryNetwork(), 'a').listen()
    let dials = 0
    const { dial } = a.transport
    a.transport.dial = (address, signal) => {
      dials += 1
      return dial.call(a.transport, address, signal)
    }
    a.links.callSeed(a.address, 'eager')
    await waitUntil(() => dials === 1)
    const began = performance.now()
    await waitUntil(() => performance.now() - began > 150)
    assert.deepEqual([a.refusals, a.told, dials], [[], [], 1])
  })
})

describe('another identity at the address of a member', () => {
  it('is linked all the same, and the mistake is told', async () => {
    const [a, b] = await pair()
    a.links.callMember('c', b.address, 'eager')
    await waitUntil(() => a.unexpected.length === 1)
    assert.deepEqual([a.unexpected, a.told], [['c'], ['up b']])
    a.links.dropMember('c')
  })
})

describe('a second connection', () => {
  /** Another process with the identity and the life of `b`: to `a` nothing else than `b` that dials again. */
  async function dialAgain(a: LinkedNode): Promise<LinkedNode> {
    const again = await new LinkedNode(a.network, 'b').listen()
    again.links.callMember('a', a.address, 'eager')
    return again
  }

  it('that came up at the same time is given up by the rule: the one that the lower id dialed stays', async () => {
    const [a] = await linkedPair()
    const old = a.links.get('b')
    const again = await dialAgain(a)
    await waitUntil(() => again.told.length >= 2)
    assert.deepEqual(again.told.slice(0, 2), ['up a', 'down a duplicate'])
    assert.equal(a.links.get('b'), old)
    again.links.dropMember('a')
  })

  const MESSAGES = 40
  const ping = { type: 'swim', message: { type: 'ping', probe: 1, updates: [] } } as const

  /**
   * A network on which all that happens takes some turns, drawn from `seed`: the two ends do not see connections in one
   * order.
   */
  function uneven(seed: number): MemoryNetwork {
    const random = new Prng(seed)
    return new MemoryNetwork({
      schedule: (task) => {
        let left = random.integer(20)
        const step = (): void => void (left-- > 0 ? setImmediate(step) : task())
        setImmediate(step)
      },
    })
  }

  it('that came up at the same time is given up without a loss at either end, and what was sent over it is heard', async () => {
    for (let seed = 0; seed < 60; seed++) {
      const [a, b] = await pair(uneven(seed))
      a.links.callMember('b', b.address, 'eager')
      b.links.callMember('a', a.address, 'eager')
      for (let [fromA, fromB] = [0, 0]; fromA < MESSAGES || fromB < MESSAGES; ) {
        await turns(1)
        if (fromA < MESSAGES && a.links.send('b', ping)) fromA += 1
        if (fromB < MESSAGES && b.links.send('a', ping)) fromB += 1
      }
      await waitUntil(() => a.messages.length === MESSAGES && b.messages.length === MESSAGES)
      await turns(60)
      assert.deepEqual([a.told, b.told], [['up b'], ['up a']], `seed ${seed}`)
      assert.deepEqual([a.links.get('b')?.connection.side, b.links.get('a')?.connection.side], ['dialer', 'acceptor'])
    }
  })

  it('that comes when the link has stood for a while replaces it, for only a peer without a link dials', async () => {
    const [a, b] = await linkedPair()
    const old = a.links.get('b')
    a.clock.pass(10_000)
    const again = await dialAgain(a)
    await waitUntil(() => a.links.get('b') !== old && again.links.get('a') !== undefined)
    assert.deepEqual(a.told, ['up b'])
    await waitUntil(() => b.told.length === 2)
    assert.equal(b.told[1], 'down a duplicate')
  })

  it('is not made when the peer behind a seed turns out to be linked', async () => {
    const [a, b] = await linkedPair()
    let accepted = 0
    await b.transport.listen('127.0.0.1:50001', (connection) => {
      accepted += 1
      void b.links.accept(connection)
    })
    const link = b.links.get('a')
    a.clock.pass(10_000)
    b.clock.pass(10_000)
    a.links.callSeed('127.0.0.1:50001', 'eager')
    await waitUntil(() => accepted === 1)
    await turns(20)
    assert.deepEqual([a.told, b.told, accepted], [['up b'], ['up a'], 1])
    assert.equal(b.links.get('a'), link)
  })

  it('of a new life ends what was with the old one, and begins anew', async () => {
    const [a, b] = await linkedPair()
    const instance = Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9)
    const reborn = new LinkedNode(b.network, 'a', { hello: { generation: 4, instance } })
    await reborn.listen()
    reborn.links.callMember('b', b.address, 'eager')
    await waitUntil(() => b.told.length === 3)
    assert.deepEqual(b.told, ['up a', 'down a duplicate', 'up a'])
    await waitUntil(() => a.told.length === 2)
    assert.equal(a.told[1], 'down b duplicate')
    assert.equal(b.links.get('a')?.peer.generation, 4)
  })
})

describe('links that are closed', () => {
  it('say goodbye to everybody, and make and take no new ones', async () => {
    const [a, b] = await linkedPair()
    await a.links.close('leaving')
    await a.links.close('leaving')
    await waitUntil(() => b.told.length === 2)
    assert.equal(b.told[1], 'down a leaving')
    assert.deepEqual(a.links.all(), [])
    a.links.callSeed(b.address, 'eager')
    b.links.callMember('a', a.address, 'eager')
    await turns(50)
    assert.deepEqual([a.links.all(), b.links.all()], [[], []])
  })

  it('end a handshake that is under way, without a complaint', async () => {
    const [a, b] = await pair()
    const connection = await a.transport.dial(b.address, AbortSignal.timeout(30_000))
    const accepted = a.links.accept(connection)
    await a.links.close('stopping')
    await accepted
    assert.deepEqual(a.refusals, [])
  })
})

function sampleEnvelope(payload: Uint8Array) {
  return {
    kind: 'request',
    id: 1,
    source: 'a',
    sourceGeneration: 3,
    destination: 'b',
    destinationGeneration: 0,
    channel: 'coordination',
    sequence: 1,
    floor: 1,
    key: undefined,
    epoch: 0,
    hops: 0,
    trace: undefined,
    deadlineMs: undefined,
    subject: 'x',
    topic: undefined,
    encoding: 'bytes',
    payload,
  } as const
}
