import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import {
  Adviser,
  adviceRules,
  adviserProblems,
  figureNames,
  InvariantError,
  type Situation,
} from '../../../topology/index.ts'

const all = ['full-mesh', 'hyparview', 'client-server']
const quiet: Situation = {
  members: 5,
  servers: 0,
  clients: 0,
  messagesPerSecond: 0,
  fanOut: 0,
  churnPerMinute: 0,
  linkBytes: 100_000,
  linkMs: 5,
}
const advise = (changes: Partial<Situation>, current: string, available = all) =>
  new Adviser().advise({ ...quiet, ...changes }, current, available, 0)

describe('the adviser recommends', () => {
  // What is special about the situation, what there is, what is recommended, by which rule.
  const table: readonly (readonly [Partial<Situation>, string, string, string])[] = [
    [{ members: 1 }, 'full-mesh', 'full-mesh', 'small'],
    [{ members: 5 }, 'full-mesh', 'full-mesh', 'small'],
    [{ members: 5 }, 'hyparview', 'full-mesh', 'small'],
    [{ members: 5, servers: 2, clients: 3 }, 'full-mesh', 'client-server', 'declared-roles'],
    [{ members: 200, servers: 1, clients: 1 }, 'hyparview', 'client-server', 'declared-roles'],
    [{ members: 5, servers: 2 }, 'full-mesh', 'full-mesh', 'small'],
    [{ members: 24 }, 'full-mesh', 'full-mesh', 'small'],
    [{ members: 25 }, 'full-mesh', 'full-mesh', 'nothing-to-gain'],
    [{ members: 17 }, 'hyparview', 'hyparview', 'nothing-to-gain'],
    [{ members: 16 }, 'hyparview', 'full-mesh', 'small'],
    [{ members: 59 }, 'full-mesh', 'full-mesh', 'nothing-to-gain'],
    [{ members: 60 }, 'full-mesh', 'hyparview', 'large'],
    [{ members: 40 }, 'hyparview', 'hyparview', 'large'],
    [{ members: 39 }, 'hyparview', 'hyparview', 'nothing-to-gain'],
    [{ members: 30, churnPerMinute: 300 }, 'full-mesh', 'hyparview', 'joins-cost-too-much'],
    [{ members: 30, churnPerMinute: 30 }, 'full-mesh', 'full-mesh', 'nothing-to-gain'],
    [{ members: 30, linkBytes: 2_000_000 }, 'full-mesh', 'hyparview', 'links-cost-too-much'],
    [{ members: 80, fanOut: 60, messagesPerSecond: 500 }, 'full-mesh', 'full-mesh', 'everybody-talks-to-everybody'],
    [{ members: 80, fanOut: 60, messagesPerSecond: 500 }, 'hyparview', 'full-mesh', 'everybody-talks-to-everybody'],
    [{ members: 80, fanOut: 60, messagesPerSecond: 1 }, 'full-mesh', 'hyparview', 'large'],
    [{ members: 80, fanOut: 4, messagesPerSecond: 500 }, 'full-mesh', 'hyparview', 'large'],
    [{ members: 500, fanOut: 400, messagesPerSecond: 500 }, 'hyparview', 'hyparview', 'links-cost-too-much'],
  ]
  for (const [changes, current, recommended, rule] of table)
    it(`${recommended} by ${rule} for ${JSON.stringify(changes)} in ${current}`, () => {
      const advice = advise(changes, current)
      assert.deepEqual([advice.recommended, advice.rule], [recommended, rule])
    })

  it('nothing that these members cannot form', () => {
    assert.equal(advise({ members: 200 }, 'full-mesh', ['full-mesh']).recommended, 'full-mesh')
  })

  it('with each figure, its threshold and what came of it', () => {
    const { conditions, because, figures } = advise({ members: 60 }, 'full-mesh')
    assert.deepEqual(conditions, [
      { figure: 'members', is: 'at-least', value: 50, measured: 60, threshold: 60, holds: true },
    ])
    assert.match(because, /square/)
    assert.deepEqual(Object.keys(figures).sort(), [...figureNames].sort())
  })
})

describe('advice is due', () => {
  const large = { ...quiet, members: 200 }

  it('when it has held for a while, and not after it has changed', () => {
    const adviser = new Adviser({ stableMs: 60_000 })
    const dueAt = (now: number, situation = large) => adviser.advise(situation, 'full-mesh', all, now).isDue
    assert.deepEqual([dueAt(0), dueAt(59_999), dueAt(60_000)], [false, false, true])
    assert.deepEqual([dueAt(61_000, quiet), dueAt(62_000), dueAt(121_999), dueAt(122_000)], [false, false, false, true])
  })

  it('not while the cluster rests after a switch', () => {
    const adviser = new Adviser({ stableMs: 0, coolDownMs: 600_000 })
    const advice = adviser.advise(large, 'full-mesh', all, 500_000, 0)
    assert.deepEqual([advice.isDue, advice.coolDownLeftMs], [false, 100_000])
    assert.equal(adviser.advise(large, 'full-mesh', all, 600_000, 0).isDue, true)
  })

  it('never for what there is', () => {
    assert.equal(new Adviser({ stableMs: 0 }).advise(quiet, 'full-mesh', all, 1_000_000).isDue, false)
  })

  it('without swinging, however a figure moves around a threshold', () => {
    const adviser = new Adviser({ stableMs: 0, coolDownMs: 0 })
    let current = 'full-mesh'
    let switches = 0
    for (let step = 0; step < 1_000; step++) {
      const members = 50 + Math.round(9 * Math.sin(step / 3))
      const { isDue, recommended } = adviser.advise({ ...quiet, members }, current, all, step)
      if (isDue) switches++
      current = recommended
    }
    assert.equal(switches, 0)
  })
})

describe('the rules', () => {
  it('stand in the documents as they are', () => {
    const page = readFileSync(new URL('../../../docs/topologies.md', import.meta.url), 'utf8')
    const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (?:`([a-z-]+)`|what there is) \| (always|`.*) \|$/gm)].map(
      ([, name, topology, when]) => ({ name, topology, when }),
    )
    const sign = { 'at-least': '>=', 'at-most': '<=' }
    const rules = adviceRules.map(({ name, topology, conditions }) => ({
      name,
      topology,
      when: conditions.map(({ figure, is, value }) => `\`${figure}\` ${sign[is]} ${value}`).join(', ') || 'always',
    }))
    assert.deepEqual(rows, rules)
  })

  it('must end with one that always holds, and options must be in range', () => {
    assert.throws(() => new Adviser({}, adviceRules.slice(0, -1)), InvariantError)
    assert.throws(() => new Adviser({ margin: 1 }), InvariantError)
    assert.deepEqual(adviserProblems({ coolDownMs: -1, mood: 1 }), [
      'adviser.mood is not an option',
      'adviser.coolDownMs (-1) must be from 0 to 604800000',
    ])
  })
})
