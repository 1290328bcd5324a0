import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Registry, type RegistryDelta } from '../../../src/services/registry.ts'

type Delta = RegistryDelta<string>

const view = (registry: Registry<string>): string[] =>
  [...registry.entries()].map(({ owner, number, facts }) => `${owner}.${number}=${facts}`).sort()

/** Gives `to` all that `from` knows more. */
function reconcile(from: Registry<string>, to: Registry<string>): void {
  for (const delta of from.lackedBy(to.digest(), 3)) to.apply(delta)
}

describe('the registry', () => {
  it('tells others of what is there, changed and gone', () => {
    const [a, b] = [new Registry<string>('a', 1), new Registry<string>('b', 1)]
    const created = a.create('one')!
    assert.equal(b.apply(created.delta), 'new')
    assert.equal(b.apply(created.delta), 'known')
    assert.equal(b.apply(a.update(created.number, 'two')!), 'new')
    assert.deepEqual(view(b), ['a.1=two'])
    assert.equal(b.apply(a.remove(created.number)!), 'new')
    assert.deepEqual(view(b), [])
    assert.equal(a.update(created.number, 'three'), undefined)
  })

  it('asks for more where something is missing, and never guesses', () => {
    const [a, b] = [new Registry<string>('a', 1), new Registry<string>('b', 1)]
    a.create('lost')
    assert.equal(b.apply(a.create('late')!.delta), 'gap')
    assert.deepEqual(view(b), [])
    assert.ok(b.lacks(a.digest()))
    reconcile(a, b)
    assert.deepEqual(view(b), view(a))
    assert.equal(a.fingerprint(), b.fingerprint())
  })

  it('lets nobody but its owner write an entry', () => {
    const [a, b] = [new Registry<string>('a', 1), new Registry<string>('b', 1)]
    a.create('mine')
    const forged: Delta = {
      owner: 'a',
      generation: 9,
      from: 0,
      to: 1,
      upTo: 1,
      entries: [{ number: 1, count: 1, facts: 'x' }],
    }
    assert.equal(a.apply(forged), 'refused')
    assert.deepEqual(view(a), ['a.1=mine'])
    assert.equal(b.apply({ ...forged, entries: [{ number: 1, count: 7, facts: 'x' }] }), 'refused')
  })

  it('begins anew with a new life of an owner, and forgets who is gone for good', () => {
    const b = new Registry<string>('b', 1)
    reconcile(owning('a', 1, ['old', 'older']), b)
    reconcile(owning('a', 2, ['new']), b)
    assert.deepEqual(view(b), ['a.1=new'])
    assert.equal(b.apply(owning('a', 1, ['ghost']).lackedBy(new Map())[0]!), 'known')
    b.forget('a')
    assert.deepEqual(view(b), [])
  })

  it('gives the whole to whoever is behind what it has forgotten', () => {
    const a = new Registry<string>('a', 1, { maxTombstones: 2 })
    const b = new Registry<string>('b', 1, { maxTombstones: 2 })
    const numbers = ['p', 'q', 'r', 's', 't'].map((facts) => a.create(facts)!.number)
    reconcile(a, b)
    for (const number of numbers.slice(0, 4)) a.remove(number)
    reconcile(a, b)
    assert.deepEqual(view(b), ['a.5=t'])
  })

  it('is bounded in entries and owners', () => {
    const a = new Registry<string>('a', 1, { maxEntries: 1, maxOwners: 2 })
    assert.ok(a.create('one'))
    assert.equal(a.create('two'), undefined)
    assert.equal(a.apply(owning('b', 1, ['x']).lackedBy(new Map())[0]!), 'new')
    assert.equal(a.apply(owning('c', 1, ['x']).lackedBy(new Map())[0]!), 'refused')
  })

  it('is the union of all owners after any loss, repetition and reordering, once everybody has asked everybody', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => converges(steps)),
      { numRuns: 200 },
    )
  })

  it('does not converge when a gap is passed over (the property can fail)', () => {
    class Careless extends Registry<string> {
      override apply(delta: Delta): 'new' | 'known' | 'gap' | 'refused' {
        const answer = super.apply(delta)
        return answer === 'gap' ? super.apply({ ...delta, from: 0 }) : answer
      }
    }
    const make = (id: string, generation: number): Registry<string> =>
      new Careless(id, generation, { maxTombstones: 2 })
    assert.throws(() =>
      fc.assert(
        fc.property(fc.array(step, { maxLength: 120 }), (steps) => converges(steps, make)),
        { numRuns: 500, seed: 1 },
      ),
    )
  })
})

function owning(id: string, generation: number, facts: readonly string[]): Registry<string> {
  const registry = new Registry<string>(id, generation)
  for (const each of facts) registry.create(each)
  return registry
}

const owners = ['a', 'b', 'c', 'd']
const who = fc.integer({ min: 0, max: owners.length - 1 })
const step = fc.oneof(
  fc.record({ type: fc.constant('create' as const), owner: who }),
  fc.record({ type: fc.constant('update' as const), owner: who, number: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ type: fc.constant('remove' as const), owner: who, number: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ type: fc.constant('restart' as const), owner: who }),
  /** One of the deltas ever sent comes to somebody: late, again, or never. */
  fc.record({ type: fc.constant('deliver' as const), to: who, which: fc.nat() }),
  fc.record({ type: fc.constant('reconcile' as const), from: who, to: who }),
)

function converges(
  steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[],
  make = (id: string, generation: number): Registry<string> => new Registry(id, generation, { maxTombstones: 2 }),
): void {
  const generations = owners.map(() => 1)
  const registries = owners.map((owner) => make(owner, 1))
  const sent: Delta[] = []
  let facts = 0
  for (const each of steps) {
    if (each.type === 'create') sent.push(registries[each.owner]!.create(`f${facts++}`)!.delta)
    else if (each.type === 'update') sent.push(...defined(registries[each.owner]!.update(each.number, `f${facts++}`)))
    else if (each.type === 'remove') sent.push(...defined(registries[each.owner]!.remove(each.number)))
    else if (each.type === 'restart') {
      generations[each.owner]! += 1
      registries[each.owner] = make(owners[each.owner]!, generations[each.owner]!)
    } else if (each.type === 'deliver' && sent.length > 0) registries[each.to]!.apply(sent[each.which % sent.length]!)
    else if (each.type === 'reconcile') reconcile(registries[each.from]!, registries[each.to]!)
  }
  for (const from of registries) for (const to of registries) reconcile(from, to)
  const union = registries
    .flatMap((registry, at) => view(registry).filter((text) => text.startsWith(owners[at]!)))
    .sort()
  for (const registry of registries) assert.deepEqual(view(registry), union)
  assert.equal(new Set(registries.map((registry) => registry.fingerprint())).size, 1)
}

const defined = (delta: Delta | undefined): Delta[] => (delta ? [delta] : [])
