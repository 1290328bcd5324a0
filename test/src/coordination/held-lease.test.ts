import assert from 'node:assert/strict'
import { afterEach, describe, it, mock } from 'node:test'
import { HeldLease } from '../../../src/coordination/held-lease.ts'
import { elapsedSince, leaseMarginMs, momentOf } from '../../../src/coordination/lease-time.ts'
import { isClusterError } from '../../../src/errors.ts'
import { systemClock } from '../../../src/runtime/clock.ts'

/** A clock that the test moves, with the timers of the process. */
function lab(leaseMs: number, renew: () => Promise<boolean>) {
  mock.timers.enable({ apis: ['setTimeout'] })
  let now = 0
  let boot = 5
  const clock = { ...systemClock, now: () => now, wall: () => now, boot: () => boot }
  let ended = 0
  const lease = new HeldLease({
    kind: 'lock',
    name: 'x',
    claim: 1,
    leaseMs,
    sent: momentOf(clock),
    clock,
    renew,
    end: async () => {
      ended += 1
    },
    onEnd: () => {},
  })
  lease.granted(9)
  /** Time goes on in steps; what was promised meanwhile is kept. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 10) {
      now += 10
      boot += 10
      mock.timers.tick(10)
      for (let turn = 0; turn < 5; turn++) await Promise.resolve()
    }
  }
  return {
    lease,
    clock,
    pass,
    stop: (ms: number) => {
      now += ms
      boot += ms
    },
    suspend: (ms: number) => {
      boot += ms
    },
    ended: () => ended,
  }
}

afterEach(() => mock.timers.reset())

const lost = (error: unknown): boolean => isClusterError(error, 'ERR_LEASE_LOST')

describe('a lease in the hands of a process', () => {
  it('has a margin of 5 % for the clocks and up to 200 ms to stop in', () => {
    assert.equal(leaseMarginMs(10_000), 700)
    assert.equal(leaseMarginMs(1_000), 250)
    assert.equal(leaseMarginMs(100), 25)
  })

  it('is held while it is renewed', async () => {
    const { lease, pass } = lab(1_000, async () => true)
    await pass(10_000)
    assert.equal(lease.token, 9)
    assert.equal(lease.signal.aborted, false)
    await lease.end()
  })

  it('its signal aborts a margin before it could be over, when nobody answers', async () => {
    const { lease, pass } = lab(1_000, () => Promise.reject(new Error('nobody')))
    await pass(740)
    assert.equal(lease.signal.aborted, false)
    await pass(10)
    assert.equal(lease.signal.aborted, true)
    assert.ok(lost(lease.signal.reason))
    assert.throws(() => lease.token, lost)
  })

  it('counts from when a renewal was sent, not from when it was answered', async () => {
    let answer = (_: boolean): void => {}
    const { lease, pass } = lab(1_000, () => new Promise((resolve) => (answer = resolve)))
    await pass(700)
    // The first one was sent after a third of the lease.
    answer(true)
    await pass(380)
    assert.equal(lease.signal.aborted, false)
    await pass(20)
    assert.equal(lease.signal.aborted, true)
  })

  it('is lost at once when the cluster has ended it', async () => {
    const { lease, pass } = lab(1_000, async () => false)
    await pass(340)
    assert.equal(lease.signal.aborted, true)
  })

  it('after a stop of the process its token is refused before any timer has run', () => {
    const { lease, stop } = lab(1_000, async () => true)
    stop(800)
    assert.throws(() => lease.token, lost)
    assert.equal(lease.signal.aborted, true)
  })

  it('a suspension counts, though the monotonic clock stood still', () => {
    const { lease, clock, suspend } = lab(1_000, async () => true)
    const moment = momentOf(clock)
    suspend(3_600_000)
    assert.equal(elapsedSince(moment, clock), 3_600_000)
    assert.throws(() => lease.token, lost)
  })

  it('is given back once, and not when it is lost', async () => {
    const { lease, ended } = lab(1_000, async () => true)
    await Promise.all([lease.end(), lease[Symbol.asyncDispose]()])
    assert.equal(ended(), 1)
    assert.throws(() => lease.token, lost)
    mock.timers.reset()
    const other = lab(1_000, async () => false)
    await other.pass(400)
    await other.lease.end()
    assert.equal(other.ended(), 0)
  })
})
