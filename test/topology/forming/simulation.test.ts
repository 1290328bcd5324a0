// Forming under every fault at once. Safety: two sets that came alive never share a node. Liveness: once faults stop,
// one cluster of all where exactly `expect` nodes run. A rule broken on purpose must be noticed, or the world is too
// kind.

import { strict as assert } from 'node:assert'
import { describe, it } from 'node:test'
import type { FormingRules } from '../../../topology/index.ts'
import { generator } from '../generator.ts'
import { FormingWorld } from './simulated-nodes.ts'

const chaosMs = 3_000
const healedByMs = 8_000

function worldOf(
  seed: number,
  sizes: readonly (readonly [expect: number, nodes: number])[],
  rules?: Partial<FormingRules>,
) {
  const random = generator(seed)
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item
  const [expect, nodes] = pick(sizes)
  return new FormingWorld({
    seed,
    nodes,
    expect,
    ...(rules ? { rules } : {}),
    loss: pick([0, 0.1, 0.3]),
    duplication: pick([0, 0.3]),
    maxDelayMs: pick([5, 40, 150]),
    maxWriteMs: pick([1, 30, 150]),
    faultEveryMs: pick([40, 80, 160, 1_000]),
    faultsUntilMs: chaosMs,
    patienceMs: pick([0, 0, 100, 1_000]),
  })
}

/** So few nodes that any two sets of the expected size share one. */
const overlapping = [
  [2, 3],
  [3, 4],
  [3, 5],
  [4, 6],
  [5, 7],
] as const

describe('forming under faults', () => {
  it('forms exactly one cluster of all nodes when as many run as are expected (200 seeds)', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const world = worldOf(seed, [
        [1, 1],
        [2, 2],
        [3, 3],
        [4, 4],
        [5, 5],
        [7, 7],
      ])
      const isFormed = world.run(healedByMs, () =>
        world.nodes.every(({ formed }) => formed?.length === world.nodes.length),
      )
      assert.deepEqual(world.unasked, [], `seed ${seed}`)
      assert.ok(isFormed, `seed ${seed}: ${JSON.stringify(world.nodes.map(({ durable }) => durable))}`)
    }
  })

  it('never lets two clusters that live share a node when more run than are expected (400 seeds)', () => {
    for (let seed = 1; seed <= 400; seed++) {
      const world = worldOf(seed, overlapping)
      const isSettled = world.run(
        healedByMs,
        () => world.now > chaosMs && world.nodes.every(({ formed, isOutside }) => formed !== undefined || isOutside),
      )
      assert.deepEqual(world.unasked, [], `seed ${seed}`)
      assert.ok(isSettled, `seed ${seed}: ${JSON.stringify(world.nodes.map(({ durable }) => durable))}`)
      assert.equal(world.alive().length, 1, `seed ${seed}`)
    }
  })

  const broken: Record<string, Partial<FormingRules>> = {
    'starting when a majority confirmed': {
      mayStart: (set, confirmed) => set.filter((id) => confirmed.has(id)).length * 2 > set.length,
    },
    'being released without the others': { mayRelease: () => true },
  }
  for (const [bug, rules] of Object.entries(broken))
    it(`notices ${bug}`, () => {
      assert.throws(() => {
        for (let seed = 1; seed <= 2_000; seed++)
          worldOf(
            seed,
            [
              [2, 3],
              [3, 5],
            ],
            rules,
          ).run(chaosMs)
      }, /two clusters share a node/)
    })

  it('notices vouching for what was said before it was asked', () => {
    const isNoticed = (seed: number): boolean => {
      const world = worldOf(seed, [[3, 5]], { mayVouch: () => true })
      world.run(chaosMs)
      return world.unasked.length > 0
    }
    assert.ok(Array.from({ length: 4_000 }, (_, seed) => seed).some(isNoticed))
  })
})

describe('forming while all are linked to one of them alone', () => {
  it('takes a few messages of each (1 to 40 founders)', () => {
    for (let nodes = 1; nodes <= 40; nodes++) {
      const world = new FormingWorld({
        ...{ seed: nodes, nodes, expect: nodes, loss: 0, duplication: 0, maxDelayMs: 5, maxWriteMs: 10 },
        ...{ faultEveryMs: 1e9, faultsUntilMs: 2_000, patienceMs: 1e9 },
      })
      assert.ok(
        world.run(1_000, () => world.nodes.every(({ formed }) => formed?.length === nodes)),
        `${nodes} founders`,
      )
      assert.ok(world.sent <= 20 * nodes, `${nodes} founders: ${world.sent} messages`)
      assert.deepEqual(world.unasked, [])
    }
  })
})
