import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { CALL_RETRIES, RetryAllowance } from '../../../src/services/retry-allowance.ts'

/** What becomes of an attempt, and the calls that its handler makes meanwhile. */
interface Attempt {
  readonly end: 'answered' | 'refused' | 'lost'
  readonly calls: readonly Attempt[][]
}

/** At most three hops deep. */
const callOf = (hops: number): fc.Arbitrary<Attempt[]> => {
  const end = fc.constantFrom('answered' as const, 'refused' as const, 'lost' as const)
  const calls = hops === 0 ? fc.constant([]) : fc.array(callOf(hops - 1), { maxLength: 3 })
  return fc.array(fc.record({ end, calls }), { minLength: 1, maxLength: 4 })
}

/** Retries that a call and all that it leads to make. */
function retriesOf(attempts: readonly Attempt[], allowance: RetryAllowance): number {
  let retries = 0
  for (const [at, { end, calls }] of attempts.entries()) {
    if (at > 0 && !allowance.take()) break
    if (at > 0) retries += 1
    const lent = allowance.lend()
    const callee = new RetryAllowance(lent)
    if (end !== 'refused') for (const next of calls) retries += retriesOf(next, callee)
    if (end !== 'lost') allowance.returned(callee.close())
    if (end === 'answered') break
  }
  return retries
}

describe('the retries of a call', () => {
  it('are divided among all that it leads to, however deep that goes', () => {
    fc.assert(
      fc.property(callOf(3), (attempts) => {
        assert.ok(retriesOf(attempts, new RetryAllowance(CALL_RETRIES)) <= CALL_RETRIES)
      }),
      { numRuns: 200 },
    )
  })

  it('come back when they were not used', () => {
    const allowance = new RetryAllowance(CALL_RETRIES)
    for (let times = 0; times < 100; times++) {
      const callee = new RetryAllowance(allowance.lend())
      assert.ok(callee.left > 0)
      allowance.returned(callee.close())
    }
    assert.equal(allowance.left, CALL_RETRIES)
  })

  it('are over for a handler that has answered', () => {
    const callee = new RetryAllowance(2)
    assert.equal(callee.close(), 2)
    assert.equal(callee.take(), false)
  })
})
