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
function dueAt(expiry: ClaimExpiry, things: ClaimedThing[], from: number, until: number): number | undefined {
  for (let now = from; now <= until; now += 100) if (expiry.look(now, things).length > 0) return now
  return undefined
}

const options = { clockDrift: 0.05 }

describe('the end of a lease', () => {
  it('comes after the lease and the drift, counted from when the claim was first seen as it is', () => {
    const expiry = new ClaimExpiry(options)
    assert.equal(dueAt(expiry, [thing(1)], 0, 5_000), 1_100)
    assert.deepEqual(expiry.look(1_200, [thing(1)]), [
      { type: 'expire-claim', kind: 'lock', name: 'x', claim: 1, renewedAt: 1 },
    ])
  })

  it('moves with every renewal', () => {
    const expiry = new ClaimExpiry(options)
    assert.equal(dueAt(expiry, [thing(1)], 0, 900), undefined)
    assert.equal(dueAt(expiry, [thing(7)], 1_000, 5_000), 2_100)
  })

  it('is the same for whoever looks seldom, and forgets what has ended', () => {
    const expiry = new ClaimExpiry(options)
    assert.deepEqual(expiry.look(0, [thing(1)]), [])
    assert.equal(dueAt(expiry, [thing(1)], 1_000, 5_000), 1_100)
    assert.deepEqual(expiry.look(5_000, []), [])
    assert.equal(dueAt(expiry, [thing(1)], 5_100, 9_000), 6_200)
  })
})
