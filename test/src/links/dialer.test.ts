import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { ATTEMPT_TIMEOUT_MS, Dialer } from '../../../src/links/dialer.ts'
import { systemClock } from '../../../src/runtime/clock.ts'

interface Attempt {
  readonly at: number
  readonly address: string
  readonly expected: string | undefined
  readonly signal: AbortSignal
  readonly succeed: () => void
  readonly fail: () => void
}

let now: number
let attempts: Attempt[]
/** What becomes of attempts; undefined: they hang until the test ends them. */
let outcome: 'succeed' | 'fail' | undefined
let chance: number
let dialer: Dialer

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] })
  now = 0
  attempts = []
  outcome = 'fail'
  chance = 1
  dialer = new Dialer({
    clock: systemClock,
    random: () => chance,
    attempt: (address, expected, signal) =>
      new Promise((resolve, reject) => {
        const fail = (): void => reject(new Error('refused'))
        signal.addEventListener('abort', fail)
        attempts.push({ at: now, address, expected, signal, succeed: () => resolve('linked'), fail })
        if (outcome === 'succeed') resolve('linked')
        if (outcome === 'fail') fail()
      }),
  })
})

afterEach(async () => {
  dialer.close()
  // Attempts that it ends call off their timers a moment later: those must still be the mock's.
  for (let turn = 0; turn < 10; turn++) await undefined
  mock.timers.reset()
})

/** Lets time pass a millisecond at a time, and what it leads to happen. */
async function pass(ms: number): Promise<void> {
  for (let step = 0; step < ms; step++) {
    now += 1
    mock.timers.tick(1)
    await settled()
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await undefined
}

const gaps = (): number[] => attempts.slice(1).map(({ at }, index) => at - (attempts[index]?.at ?? 0))

describe('an eager target', () => {
  it('is called at once, then after pauses that double up to a second', async () => {
    dialer.want('member:b', '127.0.0.1:1', 'b', 'eager')
    await pass(6_000)
    assert.deepEqual(attempts[0], { ...attempts[0], address: '127.0.0.1:1', expected: 'b' })
    assert.deepEqual(gaps().slice(0, 7), [50, 100, 200, 400, 800, 1_000, 1_000])
  })

  it('is called a quarter sooner at most, by chance', async () => {
    chance = 0
    dialer.want('member:b', '127.0.0.1:1', 'b', 'eager')
    await pass(6_000)
    assert.deepEqual(gaps().slice(0, 7), [38, 75, 150, 300, 600, 750, 750])
  })

  it('is first called after the delay that was asked for', async () => {
    dialer.want('member:b', '127.0.0.1:1', 'b', 'eager', 500)
    await pass(499)
    assert.equal(attempts.length, 0)
    await pass(1)
    assert.equal(attempts.length, 1)
  })

  it('begins anew with short pauses after an attempt that worked', async () => {
    dialer.want('member:b', '127.0.0.1:1', 'b', 'eager')
    await pass(2_000)
    outcome = 'succeed'
    await pass(1_200)
    attempts.length = 0
    await pass(200)
    assert.deepEqual(gaps().slice(0, 2), [50, 50])
  })
})

describe('a remembered target', () => {
  it('is called every four seconds at most, so that with an attempt that hangs eight are enough', async () => {
    dialer.want('member:b', '127.0.0.1:1', 'b', 'remembered')
    await pass(9_000)
    assert.deepEqual(gaps(), [4_000, 4_000])
    outcome = undefined
    attempts.length = 0
    await pass(13_000)
    assert.ok(
      gaps().every((gap) => gap <= 4_000 + ATTEMPT_TIMEOUT_MS),
      String(gaps()),
    )
  })

  it('is called at once when it becomes eager, and not when it already is', async () => {
    dialer.want('member:b', '127.0.0.1:1', 'b', 'remembered')
    await pass(10)
    dialer.want('member:b', '127.0.0.1:1', 'b', 'eager')
    await pass(1)
    assert.equal(attempts.length, 2)
    for (let again = 0; again < 20; again++) dialer.want('member:b', '127.0.0.1:1', 'b', 'eager')
    await pass(1)
    assert.equal(attempts.length, 2)
  })
})

describe('the dialer', () => {
  it('makes one attempt at a time for a target, and ends one that hangs', async () => {
    outcome = undefined
    dialer.want('member:b', '127.0.0.1:1', 'b', 'eager')
    await pass(ATTEMPT_TIMEOUT_MS)
    assert.equal(attempts.length, 1)
    await pass(1)
    assert.equal(attempts[0]?.signal.aborted, true)
    await pass(200)
    assert.equal(attempts.length, 2)
  })

  it('calls 32 remembered targets at once, and all in the end', async () => {
    outcome = undefined
    for (let peer = 0; peer < 100; peer++) dialer.want(`${peer}`, `127.0.0.1:${peer + 1}`, `${peer}`, 'remembered')
    await pass(1)
    assert.equal(attempts.length, 32)
    attempts[0]?.fail()
    await settled()
    assert.equal(attempts.length, 33)
    for (let done = 0; done < attempts.length; done++) {
      attempts[done]?.succeed()
      await settled()
    }
    assert.equal(new Set(attempts.map(({ expected }) => expected)).size, 100)
  })

  it('calls few eager targets at once at first, others beside those that are slow, and remembered ones beside all', async () => {
    outcome = undefined
    for (let peer = 0; peer < 100; peer++) dialer.want(`${peer}`, `127.0.0.1:${peer + 1}`, `${peer}`, 'eager')
    await pass(1)
    assert.equal(attempts.length, 2)
    dialer.want('remembered', '127.0.0.1:1000', 'remembered', 'remembered')
    await pass(1)
    assert.equal(attempts.length, 3)
    await pass(500)
    assert.equal(attempts.length, 4)
    for (let done = 0; done < attempts.length; done++) {
      attempts[done]?.succeed()
      await settled()
    }
    assert.equal(new Set(attempts.map(({ expected }) => expected)).size, 101)
  })

  it('calls eager targets in random order, so that nodes with the same list do not all call the same one', async () => {
    outcome = 'succeed'
    let turn = 0
    const chances = [0, 0.9, 0.3, 0.6]
    const shuffled = new Dialer({
      clock: systemClock,
      random: () => chances[turn++ % chances.length] ?? 0,
      attempt: async (address) => {
        attempts.push({ at: now, address, expected: undefined, signal: AbortSignal.abort(), succeed() {}, fail() {} })
        return 'linked'
      },
    })
    for (const peer of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) shuffled.want(peer, peer, peer, 'eager')
    await pass(1)
    const called = attempts.map(({ address }) => address)
    shuffled.close()
    assert.notDeepEqual(called.slice(4), ['e', 'f', 'g', 'h'])
    assert.deepEqual(called.toSorted(), ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
  })

  it('aborts the attempt of a target that is dropped, and calls it no more', async () => {
    outcome = undefined
    dialer.want('member:b', '127.0.0.1:1', 'b', 'eager')
    await pass(1)
    dialer.drop('member:b')
    dialer.drop('never wanted')
    assert.equal(attempts[0]?.signal.aborted, true)
    assert.equal(dialer.wants('member:b'), false)
    await pass(3_000)
    assert.equal(attempts.length, 1)
  })

  it('calls a target at its new address, and gives up the attempt at the old one', async () => {
    outcome = undefined
    dialer.want('member:b', '127.0.0.1:1', 'b', 'eager')
    await pass(1)
    dialer.want('member:b', '127.0.0.1:2', 'b', 'eager')
    await pass(1)
    assert.equal(attempts[0]?.signal.aborted, true)
    assert.deepEqual(
      attempts.map(({ address }) => address),
      ['127.0.0.1:1', '127.0.0.1:2'],
    )
    await pass(1_000)
    assert.equal(attempts.length, 2)
  })

  it('does nothing any more once closed', async () => {
    outcome = undefined
    for (const peer of ['b', 'c'])
      dialer.want(`member:${peer}`, `127.0.0.1:${peer}`, peer, 'eager', peer === 'c' ? 5 : 0)
    await pass(1)
    dialer.close()
    dialer.want('member:d', '127.0.0.1:4', 'd', 'eager')
    await pass(5_000)
    assert.deepEqual(
      attempts.map(({ signal }) => signal.aborted),
      [true],
    )
  })
})
