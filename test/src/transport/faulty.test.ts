import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { isClusterError } from '../../../src/errors.ts'
import { turns, waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { FaultyTransport, NetworkFaults } from '../../../src/transport/faulty.ts'
import { MemoryNetwork } from '../../../src/transport/memory.ts'
import type { Connection } from '../../../src/transport/transport.ts'

const open: FaultyTransport[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((transport) => transport.close()))
})

/** Two nodes, `a` and `b`, whose transports share one set of faults; `b` listens. */
async function world(dialTimeoutMs?: number) {
  const faults = new NetworkFaults()
  const network = new MemoryNetwork()
  const [a, b] = ['a', 'b'].map((id) => new FaultyTransport(network.transport(id), faults, dialTimeoutMs)) as [
    FaultyTransport,
    FaultyTransport,
  ]
  open.push(a, b)
  const arrived: Connection[] = []
  const address = await b.listen('127.0.0.1:0', (connection) => arrived.push(connection))
  const connect = async (): Promise<[End, End]> => {
    const before = arrived.length
    const near = await a.dial(address, AbortSignal.timeout(30_000))
    await waitUntil(() => arrived.length > before)
    const far = arrived.at(-1) as Connection
    far.admit()
    return [new End(near), new End(far)]
  }
  return { faults, a, b, address, arrived, connect }
}

class End {
  text = ''
  closes = 0
  drains = 0
  readonly connection: Connection

  constructor(connection: Connection) {
    this.connection = connection
    connection.start({
      data: (bytes) => {
        this.text += Buffer.from(bytes).toString()
      },
      drain: () => {
        this.drains += 1
      },
      close: () => {
        this.closes += 1
      },
    })
  }

  write(text: string): boolean {
    return this.connection.write(Buffer.from(text))
  }
}

describe('a direction that is cut', () => {
  it('holds back what goes that way, while the other way stays open, and delivers it in order when restored', async () => {
    const { faults, connect } = await world()
    const [near, far] = await connect()
    faults.cut('a', 'b')
    near.write('one ')
    near.write('two')
    far.write('back')
    await waitUntil(() => near.text === 'back')
    await turns(20)
    assert.equal(far.text, '')
    faults.restore('a', 'b')
    await waitUntil(() => far.text === 'one two')
  })

  it('holds back what was already on its way', async () => {
    const { faults, connect } = await world()
    const [near, far] = await connect()
    near.write('sent before')
    faults.cut('a', 'b')
    await turns(20)
    assert.equal(far.text, '')
    faults.heal()
    await waitUntil(() => far.text === 'sent before')
  })

  it('makes writers wait past a bound, and calls drain when what was held has gone', async () => {
    const { faults, connect } = await world()
    const [near] = await connect()
    faults.cut('a', 'b')
    const chunk = 'x'.repeat(256 * 1024)
    let written = 0
    while (near.write(chunk)) written += chunk.length
    assert.ok(written >= 1024 * 1024 - chunk.length && near.connection.queuedBytes > 1024 * 1024)
    assert.equal(near.drains, 0)
    faults.heal()
    await waitUntil(() => near.drains === 1)
  })

  it('hides the other end’s close until it is healed', async () => {
    const { faults, connect } = await world()
    const [near, far] = await connect()
    faults.cutBoth('a', 'b')
    near.connection.destroy()
    await turns(20)
    assert.equal(far.closes, 0)
    faults.heal()
    await waitUntil(() => far.closes === 1)
  })

  for (const ending of ['close', 'destroy'] as const) {
    it(`tells an end of the close that it hides when that end itself decides to ${ending}`, async () => {
      const { faults, connect } = await world()
      const [near, far] = await connect()
      faults.cutBoth('a', 'b')
      near.connection.destroy()
      await turns(20)
      await far.connection[ending]()
      await waitUntil(() => far.closes === 1)
      faults.heal()
      await turns(20)
      assert.equal(far.closes, 1)
    })
  }
})

describe('between two that are cut off from each other', () => {
  it('a dial hangs until the cut is healed', async () => {
    const { faults, a, address } = await world()
    faults.cutBoth('a', 'b')
    let isConnected = false
    const dial = a.dial(address, AbortSignal.timeout(30_000)).then(() => {
      isConnected = true
    })
    await turns(20)
    assert.equal(isConnected, false)
    faults.heal()
    await dial
  })

  it('a dial can be given up', async () => {
    const { faults, a, address } = await world()
    faults.cut('b', 'a')
    const controller = new AbortController()
    const dial = a.dial(address, controller.signal)
    await turns(20)
    controller.abort()
    await assert.rejects(dial, (error) => isClusterError(error, 'ERR_ABORTED'))
  })

  it('a dial that hangs too long is rejected as silent', async () => {
    const { faults, a, address } = await world(20)
    faults.cutBoth('a', 'b')
    await assert.rejects(
      a.dial(address, AbortSignal.timeout(30_000)),
      (error) => isClusterError(error, 'ERR_HANDSHAKE_FAILED') && error.details.reason === 'silent',
    )
  })

  it('a knock at an address that was reached before is silent', async () => {
    const { faults, a, address, connect } = await world()
    await connect()
    faults.cutBoth('a', 'b')
    assert.equal(await a.reach(address, AbortSignal.timeout(50)), 'silent')
    faults.heal()
    assert.equal(await a.reach(address, AbortSignal.timeout(30_000)), 'accepts')
  })
})

describe('other faults', () => {
  it('delay what leaves, keeping its order', async () => {
    const { faults, connect } = await world()
    const [near, far] = await connect()
    faults.setDelay(30)
    const sentAt = performance.now()
    near.write('slow ')
    faults.setDelay(0)
    near.write('fast')
    await waitUntil(() => far.text === 'slow fast')
    assert.ok(performance.now() - sentAt >= 29)
  })

  it('delay the close behind what was written before it', async () => {
    const { faults, connect } = await world()
    const [near, far] = await connect()
    faults.setDelay(20)
    near.write('last words')
    await near.connection.close()
    await waitUntil(() => far.closes === 1)
    assert.equal(far.text, 'last words')
  })

  it('stall a node: nothing reaches it and nothing leaves it until it resumes', async () => {
    const { faults, connect } = await world()
    const [near, far] = await connect()
    faults.stall('b')
    near.write('to b')
    far.write('from b')
    await turns(20)
    assert.deepEqual([near.text, far.text], ['', ''])
    faults.resume('b')
    await waitUntil(() => near.text === 'from b' && far.text === 'to b')
  })

  it('drop connections: both ends learn it, and a new one can be opened', async () => {
    const { faults, connect } = await world()
    const [near, far] = await connect()
    faults.drop('b', 'a')
    await waitUntil(() => near.closes === 1 && far.closes === 1)
    const [again, there] = await connect()
    again.write('again')
    await waitUntil(() => there.text === 'again')
  })
})
