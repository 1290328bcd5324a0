import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type ClaimCommand, type ClaimKind, ClusterMachine, defaultClusterBounds } from '../../../consensus/index.ts'

function machine(bounds = defaultClusterBounds) {
  const cluster = new ClusterMachine(bounds)
  let index = 0
  const apply = (command: ClaimCommand) => cluster.apply({ index: ++index, term: 1 }, command)
  const claim = (owner: string, more: Partial<Extract<ClaimCommand, { type: 'claim' }>> = {}) =>
    apply({ type: 'claim', kind: 'lock', name: 'x', owner, leaseMs: 1_000, limit: 1, waits: true, value: '', ...more })
  const end = (claimed: number, kind: ClaimKind = 'lock') =>
    apply({ type: 'end-claim', kind, name: 'x', claim: claimed })
  const holders = (kind: ClaimKind = 'lock') =>
    cluster.claims
      .get(kind, 'x')
      ?.claims.filter(({ token }) => token > 0)
      .map(({ owner }) => owner) ?? []
  return { cluster, apply, claim, end, holders }
}

const granted = (claim: number, token = claim) => ({ type: 'claimed', claim, token, since: 1, leaseMs: 1_000 })

describe('a lock', () => {
  it('is held by one; the others wait in the order in which they came', () => {
    const { claim, end, holders } = machine()
    assert.deepEqual(claim('a'), granted(1))
    assert.deepEqual(claim('b'), granted(2, 0))
    assert.deepEqual(claim('c'), granted(3, 0))
    end(1)
    assert.deepEqual(holders(), ['b'])
    end(2)
    assert.deepEqual(holders(), ['c'])
  })

  it('is refused to who does not wait, and to an owner that has a claim already', () => {
    const { claim } = machine()
    claim('a')
    assert.deepEqual(claim('b', { waits: false }), { type: 'held', owner: 'a', token: 1 })
    assert.deepEqual(claim('a'), { type: 'held', owner: 'a', token: 1 })
    claim('b')
    assert.deepEqual(claim('b'), { type: 'held', owner: 'b', token: 0 })
  })

  it('is given back by its claim or by its token, and by nothing else', () => {
    const { claim, end, holders } = machine()
    claim('a')
    claim('b')
    end(1)
    assert.deepEqual(end(1), { type: 'no-claim', token: 3 })
    assert.deepEqual(holders(), ['b'])
    assert.equal(end(3).type, 'claimed')
    assert.deepEqual(end(3), { type: 'no-claim', token: 0 })
  })

  it('who waits may go, and is left out', () => {
    const { claim, end, holders } = machine()
    for (const owner of ['a', 'b', 'c']) claim(owner)
    end(2)
    end(1)
    assert.deepEqual(holders(), ['c'])
  })

  it('expires only if it was not renewed since', () => {
    const { apply, claim, holders } = machine()
    claim('a')
    assert.deepEqual(apply({ type: 'renew-claim', kind: 'lock', name: 'x', claim: 1 }), granted(1))
    const expire = (renewedAt: number) => apply({ type: 'expire-claim', kind: 'lock', name: 'x', claim: 1, renewedAt })
    assert.equal(expire(1).type, 'no-claim')
    assert.deepEqual(holders(), ['a'])
    assert.equal(expire(2).type, 'claimed')
    assert.deepEqual(holders(), [])
  })

  it('has nothing to do with a thing of another kind or name', () => {
    const { claim } = machine()
    claim('a')
    assert.equal(claim('a', { kind: 'election' }).type, 'claimed')
    assert.equal(claim('a', { name: 'y' }).type, 'claimed')
  })
})

describe('a semaphore', () => {
  it('is held by as many as its limit, which all must name', () => {
    const { claim, end, holders } = machine()
    const permits = { kind: 'semaphore', limit: 2 } as const
    for (const owner of ['a', 'b', 'c']) claim(owner, permits)
    assert.deepEqual(holders('semaphore'), ['a', 'b'])
    assert.deepEqual(claim('d', { ...permits, limit: 3 }), { type: 'refused', reason: 'limit-differs' })
    end(2, 'semaphore')
    assert.deepEqual(holders('semaphore'), ['a', 'c'])
  })
})

describe('a barrier', () => {
  it('lets all pass when the last one has come, and begins anew', () => {
    const { cluster, claim } = machine()
    const parties = { kind: 'barrier', limit: 2 } as const
    assert.deepEqual(claim('a', parties), granted(1, 0))
    assert.deepEqual(claim('b', parties), granted(2, 2))
    assert.equal(cluster.claims.get('barrier', 'x'), undefined)
    claim('a', parties)
    assert.equal(cluster.claims.get('barrier', 'x')?.since, 3)
  })
})

describe('a singleton', () => {
  it('goes to whose owner hosts the fewest, then to who came first', () => {
    const { claim, end, holders } = machine()
    claim('a', { kind: 'singleton' })
    claim('a', { kind: 'singleton', name: 'y' })
    claim('b', { kind: 'singleton', name: 'z' })
    for (const owner of ['b', 'c', 'd']) claim(owner, { kind: 'singleton' })
    end(1, 'singleton')
    assert.deepEqual(holders('singleton'), ['c'])
  })
})

describe('claims', () => {
  it('bounds are kept', () => {
    const bounds = {
      ...defaultClusterBounds,
      maxClaims: 3,
      maxClaimsOfOne: 2,
      maxClaimTextLength: 3,
      maxClaimValueLength: 2,
      maxLeaseMs: 9,
    }
    const { claim } = machine(bounds)
    const ok = { leaseMs: 9 }
    const refusals: [Parameters<typeof claim>, string][] = [
      [['', ok], 'claim-text-length'],
      [['long', ok], 'claim-text-length'],
      [['a', { ...ok, name: '' }], 'claim-text-length'],
      [['a', { ...ok, value: 'xyz' }], 'claim-text-length'],
      [['a', { leaseMs: 0 }], 'lease-length'],
      [['a', { leaseMs: 10 }], 'lease-length'],
      [['a', { ...ok, limit: 2 }], 'limit-range'],
      [['a', { ...ok, kind: 'barrier', limit: 0 }], 'limit-range'],
      [['a', { ...ok, kind: 'semaphore', limit: 3 }], 'limit-range'],
    ]
    for (const [asked, reason] of refusals) assert.deepEqual(claim(...asked), { type: 'refused', reason })
    claim('a', ok)
    claim('b', ok)
    assert.deepEqual(claim('c', ok), { type: 'refused', reason: 'too-many-waiting' })
    claim('a', { ...ok, name: 'y' })
    assert.deepEqual(claim('b', { ...ok, name: 'z' }), { type: 'refused', reason: 'too-many-claims' })
  })

  it('no more hold than may, every token is larger than all before, nobody overtakes (property)', () => {
    const owner = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const step = fc.oneof(
      fc.record({ type: fc.constant('claim' as const), owner, waits: fc.boolean() }),
      fc.record({
        type: fc.constantFrom('end-claim' as const, 'renew-claim' as const, 'expire-claim' as const),
        nth: fc.nat(4),
      }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), (steps, limit) => {
        const { cluster, apply } = machine()
        const thing = { kind: 'semaphore', name: 'x' } as const
        let largest = 0
        let lastGranted = 0
        const tokens = new Set<number>()
        for (const asked of steps) {
          const claims = cluster.claims.get('semaphore', 'x')?.claims ?? []
          const chosen = 'nth' in asked ? claims[asked.nth % Math.max(1, claims.length)] : undefined
          if (asked.type === 'claim') apply({ ...thing, ...asked, leaseMs: 1, limit, value: '' })
          else if (chosen) apply({ ...thing, type: asked.type, claim: chosen.claim, renewedAt: chosen.renewedAt })
          const held = (cluster.claims.get('semaphore', 'x')?.claims ?? []).filter(({ token }) => token > 0)
          assert.ok(held.length <= limit)
          assert.ok(
            claims.length < limit ||
              held.length === limit ||
              held.length === (cluster.claims.get('semaphore', 'x')?.claims.length ?? 0),
          )
          for (const { claim, token } of held.filter(({ token }) => !tokens.has(token))) {
            assert.ok(token > largest && claim > lastGranted)
            largest = token
            lastGranted = claim
            tokens.add(token)
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('counters', () => {
  it('add up, and refuse what would not be exact', () => {
    const cluster = new ClusterMachine({ ...defaultClusterBounds, maxCounters: 1 })
    let index = 0
    const count = (name: string, add: number, subtract = 0) =>
      cluster.apply({ index: ++index, term: 1 }, { type: 'count', name, add, subtract })
    assert.deepEqual(count('n', 5), { type: 'counted', value: 5, revision: 1 })
    assert.deepEqual(count('n', 0, 7), { type: 'counted', value: -2, revision: 2 })
    assert.deepEqual(count('n', 0, Number.MAX_SAFE_INTEGER), { type: 'refused', reason: 'counter-range' })
    assert.deepEqual(count('m', 1), { type: 'refused', reason: 'too-many-counters' })
    assert.deepEqual(count('', 1), { type: 'refused', reason: 'counter-name-length' })
    assert.equal(cluster.counters.get('n')?.value, -2)
  })
})
