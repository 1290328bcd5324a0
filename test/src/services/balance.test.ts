import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bestOf, choose, type Load } from '../../../src/services/balance.ts'
import { Breaker, FAILURES, RetryBudget } from '../../../src/services/breaker.ts'
import { newFacts } from '../../../src/services/service-facts.ts'
import type { BalanceStrategy, ServiceInstance } from '../../../src/services/service-interface.ts'

const instance = (id: string, changes: Partial<ServiceInstance> = {}): ServiceInstance => ({
  id,
  ...newFacts('s', ''),
  member: id,
  state: 'alive',
  condition: 'ok',
  ...changes,
})

/** A generator with a seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** How many of 10,000 calls each instance gets. */
function spread(
  strategy: BalanceStrategy,
  instances: readonly ServiceInstance[],
  options: { load?: (id: string) => Load; key?: (call: number) => string; self?: string; zone?: string } = {},
): Record<string, number> {
  const random = seeded(7)
  const counts: Record<string, number> = Object.fromEntries(instances.map(({ id }) => [id, 0]))
  const { load = () => ({ running: 0, latencyMs: 1 }), key, self = 'x', zone = '' } = options
  for (let turn = 0; turn < 10_000; turn++) {
    const chosen = choose(strategy, instances, { self, zone, key: key?.(turn), load, random, turn })
    counts[chosen!.id]! += 1
  }
  return counts
}

const three = [instance('a'), instance('b'), instance('c')]
const near = (value: number | undefined, wanted: number, tolerance: number): void =>
  assert.ok(Math.abs((value ?? 0) - wanted) <= tolerance, `${value} is not within ${tolerance} of ${wanted}`)

describe('10,000 calls over three instances', () => {
  it('in turn are shared exactly', () => {
    assert.deepEqual(spread('round-robin', three), { a: 3_334, b: 3_333, c: 3_333 })
  })

  it('by weight are shared by weight, within 2 %', () => {
    const counts = spread('weighted', [
      instance('a', { weight: 1 }),
      instance('b', { weight: 2 }),
      instance('c', { weight: 7 }),
    ])
    near(counts.a, 1_000, 200)
    near(counts.b, 2_000, 200)
    near(counts.c, 7_000, 200)
  })

  it('by load are shared evenly between equals, and go away from the slow one', () => {
    const even = spread('least-loaded', three)
    for (const count of Object.values(even)) near(count, 3_333, 300)
    const slow = spread('least-loaded', three, { load: (id) => ({ running: id === 'a' ? 9 : 0, latencyMs: 1 }) })
    assert.equal(slow.a, 0)
  })

  it('by key are shared within a fifth, each key always to the same, and few move when one is gone', () => {
    const key = (call: number): string => `k${call % 3_000}`
    for (const count of Object.values(spread('consistent-hash', three, { key }))) near(count, 3_333, 667)
    const random = seeded(1)
    const to = (instances: readonly ServiceInstance[], call: number): string =>
      choose('consistent-hash', instances, {
        self: '',
        zone: '',
        key: key(call),
        load: () => ({ running: 0, latencyMs: 1 }),
        random,
        turn: call,
      })!.id
    for (let call = 0; call < 3_000; call++) {
      const before = to(three, call)
      if (before !== 'c') assert.equal(to(three.slice(0, 2), call), before)
    }
  })

  it('by key go past an instance that has more than its share', () => {
    const busy = (id: string): Load => ({ running: id === 'a' ? 50 : 1, latencyMs: 1 })
    assert.equal(spread('consistent-hash', three, { key: String, load: busy }).a, 0)
  })

  it('go to other clusters last, and there to this zone first', () => {
    const far = [instance('a', { zone: 'x', cluster: 'east' }), instance('b', { zone: 'y', cluster: 'west' })]
    assert.equal(spread('local-first', far, { zone: 'y' }).b, 10_000)
    const own = [...far, instance('c', { zone: 'z' })]
    assert.equal(spread('local-first', own, { zone: 'y' }).c, 10_000)
  })

  it('go to this node first, then to its zone', () => {
    assert.equal(spread('local-first', three, { self: 'b' }).b, 10_000)
    const zones = [instance('a', { zone: 'x' }), instance('b', { zone: 'y' }), instance('c', { zone: 'y' })]
    assert.equal(spread('local-first', zones, { zone: 'x' }).a, 10_000)
    assert.equal(spread('local-first', zones, { zone: 'y' }).a, 0)
  })
})

describe('instances', () => {
  it('with a reason against them come last, and critical ones never', () => {
    const ids = (...instances: ServiceInstance[]): string =>
      bestOf(instances)
        .map(({ id }) => id)
        .join()
    const suspect = instance('s', { state: 'suspect' })
    const stalled = instance('t', { condition: 'stalled' })
    const degraded = instance('d', { health: 'degraded' })
    const critical = instance('x', { health: 'critical' })
    assert.equal(ids(suspect, stalled, degraded, critical, three[0]!), 'a')
    assert.equal(ids(suspect, stalled, degraded, critical), 'd')
    assert.equal(ids(suspect, stalled, critical), 't')
    assert.equal(ids(suspect, critical), 's')
    assert.equal(ids(critical), '')
  })
})

describe('the breaker', () => {
  it('opens after failures in a row, tries one call after a pause, and doubles the pause when that fails', () => {
    const breaker = new Breaker()
    for (let failure = 0; failure < FAILURES; failure++) {
      assert.ok(breaker.admits(0))
      breaker.begin()
      breaker.failed(0)
    }
    assert.equal(breaker.admits(999), false)
    assert.equal(breaker.admits(1_000), true)
    breaker.begin()
    assert.equal(breaker.admits(1_000), false)
    breaker.failed(1_000)
    assert.deepEqual([breaker.admits(2_999), breaker.admits(3_000)], [false, true])
    breaker.begin()
    breaker.succeeded()
    assert.ok(breaker.admits(3_000))
  })
})

describe('the retry budget', () => {
  it('allows a burst, and then one retry for ten calls', () => {
    const budget = new RetryBudget()
    let burst = 0
    while (budget.take()) burst += 1
    assert.equal(burst, 10)
    for (let call = 0; call < 11; call++) budget.called()
    assert.deepEqual([budget.take(), budget.take()], [true, false])
  })
})
