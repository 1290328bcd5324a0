import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { CloseEvidence } from '../../../src/links/close-evidence.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import type { Reachability, Transport } from '../../../src/transport/transport.ts'

const address = '127.0.0.1:7402'
/** So many ports are tried at once, those of further peers so long after the last link came up. */
const triedAtOnce = 4
const triedAfterMs = 300
/** While they come one after the other, after so long at most. */
const triedWithinMs = 3_000

let refused: string[]
/** When each knock came, in milliseconds since the start. */
let knocks: number[]
let now: number
/** What a knock shows. `hangs`: nothing until it is aborted. */
let port: Reachability | 'hangs'
let evidence: CloseEvidence

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] })
  refused = []
  knocks = []
  now = 0
  port = 'accepts'
  const reach: Transport['reach'] = (_address, signal) => {
    knocks.push(now)
    if (port !== 'hangs') return Promise.resolve(port)
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  }
  evidence = new CloseEvidence({ reach } as Transport, { ...systemClock, now: () => now }, (peer, generation) =>
    refused.push(generation === 1 ? peer : `${peer} ${generation}`),
  )
})

afterEach(() => {
  evidence.close()
  mock.timers.reset()
})

async function pass(ms: number): Promise<void> {
  for (let step = 0; step <= ms; step++) {
    for (let turn = 0; turn < 12; turn++) await undefined
    if (step === ms) return
    now += 1
    mock.timers.tick(1)
  }
}

describe('a link that is lost', () => {
  it('is evidence when the port, dialed before, refuses', async () => {
    evidence.linked('b', address, 'dialer')
    port = 'refuses'
    evidence.lost('b', 1)
    await pass(0)
    assert.deepEqual(refused, ['b'])
    assert.deepEqual(knocks, [0])
    await pass(1_000)
    assert.equal(refused.length, 1)
  })

  it('is evidence when the port refuses only a moment later: a dying process closes one after the other', async () => {
    evidence.linked('b', address, 'dialer')
    evidence.lost('b', 1)
    await pass(30)
    assert.deepEqual(refused, [])
    port = 'refuses'
    await pass(100)
    assert.deepEqual(refused, ['b'])
    assert.deepEqual(knocks, [0, 10, 40])
  })

  it('is none when the port accepts, however often it is knocked at', async () => {
    evidence.linked('b', address, 'dialer')
    evidence.lost('b', 1)
    await pass(2_000)
    assert.deepEqual(knocks, [0, 10, 40, 150, 400])
    port = 'refuses'
    await pass(2_000)
    assert.deepEqual(refused, [])
  })

  it('is none when the port is silent', async () => {
    evidence.linked('b', address, 'dialer')
    port = 'silent'
    evidence.lost('b', 1)
    await pass(2_000)
    assert.deepEqual([refused, knocks.length], [[], 5])
  })

  it('is none when nobody has ever reached that port', async () => {
    port = 'refuses'
    evidence.linked('b', address, 'acceptor')
    await pass(0)
    evidence.lost('b', 1)
    await pass(2_000)
    assert.deepEqual(refused, [])
    evidence.lost('c', 1)
    await pass(2_000)
    assert.deepEqual([refused, knocks.length], [[], 1])
  })

  it('is evidence when the peer had opened it, for its port was tried then', async () => {
    evidence.linked('b', address, 'acceptor')
    await pass(0)
    assert.deepEqual(knocks, [0])
    port = 'refuses'
    evidence.lost('b', 1)
    await pass(0)
    assert.deepEqual(refused, ['b'])
  })

  it('tries the ports of many that come together a moment after the last of them, but for the first ones', async () => {
    const atOnce = new Array<number>(triedAtOnce).fill(0)
    for (const peer of ['b', 'c', 'd', 'e', 'f']) evidence.linked(peer, `127.0.0.1:${peer}`, 'acceptor')
    await pass(100)
    evidence.linked('g', '127.0.0.1:g', 'acceptor')
    await pass(triedAfterMs - 1)
    assert.deepEqual(knocks, atOnce)
    await pass(1)
    assert.deepEqual(knocks, [...atOnce, 100 + triedAfterMs, 100 + triedAfterMs])
    evidence.linked('h', '127.0.0.1:h', 'acceptor')
    assert.equal(knocks.at(-1), 100 + triedAfterMs)
    assert.equal(knocks.length, triedAtOnce + 3)
  })

  it('tries the ports of many that come one after the other all the same', async () => {
    for (let came = 0; came * 100 < 2 * triedWithinMs; came++) {
      evidence.linked(`peer ${came}`, `127.0.0.1:${came}`, 'acceptor')
      await pass(100)
    }
    // The first of those that wait came behind those that were tried at once.
    const [tried = 0] = knocks.slice(triedAtOnce)
    assert.ok(tried > 0 && tried <= triedAtOnce * 100 + triedWithinMs, `${tried} ms`)
  })

  it('does not try the port of one that said goodbye before that', async () => {
    for (const peer of ['b', 'c', 'd', 'e', 'f']) evidence.linked(peer, `127.0.0.1:${peer}`, 'acceptor')
    evidence.forget('f')
    await pass(2 * triedAfterMs)
    assert.equal(knocks.length, triedAtOnce)
  })

  it('is none before the port was tried', async () => {
    for (const peer of ['b', 'c', 'd', 'e', 'f']) evidence.linked(peer, `127.0.0.1:${peer}`, 'acceptor')
    await pass(0)
    port = 'refuses'
    evidence.lost('f', 1)
    await pass(2_000)
    assert.deepEqual([refused, knocks.length], [[], triedAtOnce])
  })

  it('is none when the port answers only then, and nothing of that is kept', async () => {
    const answers: ((found: Reachability) => void)[] = []
    const reach: Transport['reach'] = () => new Promise((resolve) => answers.push(resolve))
    evidence.close()
    evidence = new CloseEvidence({ reach } as Transport, systemClock, (peer) => refused.push(peer))
    evidence.linked('b', address, 'acceptor')
    evidence.lost('b', 1)
    answers[0]!('accepts')
    await pass(0)
    evidence.lost('b', 1)
    await pass(1_000)
    assert.deepEqual([refused, answers.length], [[], 1])
  })

  it('is none when the peer has moved to where nobody has reached it: its old port says nothing', async () => {
    evidence.linked('b', address, 'dialer')
    port = 'refuses'
    evidence.linked('b', '127.0.0.1:7999', 'acceptor')
    await pass(0)
    evidence.lost('b', 1)
    await pass(1_000)
    assert.deepEqual(refused, [])
  })

  it('is none once a link is up again, whatever was being asked', async () => {
    evidence.linked('b', address, 'dialer')
    evidence.lost('b', 1)
    await pass(20)
    evidence.linked('b', address, 'acceptor')
    port = 'refuses'
    await pass(1_000)
    assert.deepEqual([refused, knocks], [[], [0, 10]])
  })

  it('is none once the peer is forgotten, as after a goodbye', async () => {
    evidence.linked('b', address, 'dialer')
    evidence.lost('b', 1)
    evidence.forget('b')
    port = 'refuses'
    await pass(1_000)
    evidence.lost('b', 1)
    await pass(1_000)
    assert.deepEqual(refused, [])
  })

  it('is none after the node has closed', async () => {
    evidence.linked('b', address, 'dialer')
    port = 'hangs'
    evidence.lost('b', 1)
    await pass(0)
    evidence.close()
    port = 'refuses'
    evidence.lost('b', 1)
    await pass(1_000)
    assert.deepEqual([refused, knocks], [[], [0]])
  })

  it('is one piece of evidence: a second needs a second link', async () => {
    evidence.linked('b', address, 'dialer')
    port = 'refuses'
    evidence.lost('b', 1)
    await pass(0)
    evidence.lost('b', 1)
    await pass(1_000)
    assert.deepEqual(refused, ['b'])
    evidence.linked('b', address, 'dialer')
    evidence.lost('b', 1)
    await pass(0)
    assert.deepEqual(refused, ['b', 'b'])
  })
})
