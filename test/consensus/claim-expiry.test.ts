import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClaimExpiry, type ClaimedThing } from '../../consensus/index.ts'

const thing = (renewedAt: number, leaseMs = 1_000): ClaimedThing => ({
  kind: 'lock',
  name: 'x',
  limit: 1,
  since: 1,
  claims: [{ claim: 1, owner: 'a', leaseMs, renewedAt, token: 1, value: '' }],
})

/** Looks every 100 ms from `from` on until something is due or `until` is reached; when it was. */
function dueAt(expiry: ClaimExpiry, things: ClaimedThing[], from: number, until: number, term = 1): number | undefined {
  for (let now = from; now <= until; now += 100) if (expiry.due(now, term, things).length > 0) return now
  return undefined
}

const options = { clockDrift: 0.05, awayMs: 1_000 }

describe('the end of a lease', () => {
  it('comes after the lease and the drift, counted from when the claim was first seen as it is', () => {
    const expiry = new ClaimExpiry(options)
    assert.equal(dueAt(expiry, [thing(1)], 0, 5_000), 1_100)
    assert.deepEqual(expiry.due(1_200, 1, [thing(1)]), [
      { type: 'expire-claim', kind: 'lock', name: 'x', claim: 1, renewedAt: 1 },
    ])
  })

  it('moves with every renewal', () => {
    const expiry = new ClaimExpiry(options)
    assert.equal(dueAt(expiry, [thing(1)], 0, 900), undefined)
    assert.equal(dueAt(expiry, [thing(7)], 1_000, 5_000), 2_100)
  })

  it('is counted anew by a new leader, and by one that was away: longer, never shorter', () => {
    const expiry = new ClaimExpiry(options)
    assert.equal(dueAt(expiry, [thing(1)], 0, 900), undefined)
    assert.equal(dueAt(expiry, [thing(1)], 1_000, 5_000, 2), 2_100)
    assert.equal(dueAt(expiry, [thing(1)], 60_000, 90_000, 2), 61_100)
  })
})
