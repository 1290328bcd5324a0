// Rolling upgrades: which commands may be proposed, and when the level is raised.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type ClusterCommand,
  ClusterMachine,
  type Configuration,
  type FeatureLevels,
  featureLevels,
  type LevelFacts,
  levelOf,
  mayPropose,
  nextLevel,
} from '../../consensus/index.ts'
import { stores } from './voter-under-test.ts'

/** A release that has brought counters. */
const later: FeatureLevels = { own: 3, of: (type) => (type === 'count' ? 3 : featureLevels.of(type)) }
const count = { type: 'count', name: 'n', add: 1, subtract: 0 } as const
const inSession = (command: typeof count): ClusterCommand => ({
  type: 'in-session',
  session: 1,
  sequence: 1,
  floor: 1,
  command,
})

interface Setup {
  readonly voters?: string
  readonly learners?: string
  readonly outgoing?: string
  readonly shown: Readonly<Record<string, number>>
  readonly agreed?: number
  readonly view?: Partial<LevelFacts['view']>
  readonly appliedTerm?: number
}

/** `a` leads in term 4 and knows level 3. */
function next({ voters = 'abc', learners = '', outgoing = '', shown, agreed = 1, view, appliedTerm = 4 }: Setup) {
  const configuration: Configuration = {
    voters: stores([...voters]),
    outgoing: stores([...outgoing]),
    learners: stores([...learners]),
  }
  const leads = { role: 'leader', term: 4, settled: true, configuration, configurationSettled: true } as const
  const facts: LevelFacts = { self: 'a', view: { ...leads, ...view }, appliedTerm, agreed, levelOf: (id) => shown[id] }
  return nextLevel(facts, later)
}

describe('a command', () => {
  it('has the level of the release that brought it; in a session, of what the session wraps', () => {
    assert.equal(levelOf({ type: 'open-session' }, later), 1)
    assert.equal(levelOf(count, later), 3)
    assert.equal(levelOf(inSession(count), later), 3)
    assert.equal(levelOf(inSession(count)), 1)
  })

  it('is not proposed before the log has agreed on its level', () => {
    assert.deepEqual(
      [1, 2, 3].map((agreed) => mayPropose(inSession(count), agreed, later)),
      [false, false, true],
    )
    assert.ok(mayPropose({ type: 'open-session' }, 1, later))
  })

  it('that raises the level is proposed up to what the proposer itself can apply', () => {
    assert.ok(mayPropose({ type: 'agree-level', level: 3 }, 1, later))
    assert.ok(!mayPropose({ type: 'agree-level', level: 4 }, 1, later))
  })
})

describe('the level', () => {
  it('is raised to what everybody who holds the log shows', () => {
    assert.equal(next({ shown: { b: 3, c: 3 } }), 3)
    assert.equal(next({ shown: { b: 9, c: 3 } }), 3)
    assert.equal(next({ shown: { b: 2, c: 3 } }), 2)
    assert.equal(next({ shown: { b: 3, c: 3 }, agreed: 3 }), undefined)
  })

  it('waits for an old voter, an old learner, and one that cannot be asked', () => {
    assert.equal(next({ shown: { b: 1, c: 3 } }), undefined)
    assert.equal(next({ shown: { b: 3, c: 3, d: 1 }, learners: 'd' }), undefined)
    assert.equal(next({ shown: { b: 3 } }), undefined)
    assert.equal(next({ shown: { b: 3, c: 0 } }), undefined)
  })

  it('is raised by a leader alone that knows the log up to its own term, and not beside a change of voters', () => {
    const shown = { b: 3, c: 3, d: 3 }
    assert.equal(next({ shown, view: { role: 'follower' } }), undefined)
    assert.equal(next({ shown, view: { settled: false } }), undefined)
    assert.equal(next({ shown, appliedTerm: 3 }), undefined)
    assert.equal(next({ shown, view: { configurationSettled: false } }), undefined)
    assert.equal(next({ shown, outgoing: 'abd' }), undefined)
  })

  it('never falls in the machine, and is in its snapshot; one of an earlier release has the first', () => {
    const machine = new ClusterMachine()
    assert.equal(machine.level, 1)
    assert.equal(machine.apply({ index: 1, term: 1 }, { type: 'agree-level', level: 2 }).type, 'ok')
    assert.equal(machine.apply({ index: 2, term: 1 }, { type: 'agree-level', level: 1 }).type, 'refused')
    assert.equal(machine.level, 2)
    const other = new ClusterMachine()
    other.restore(machine.snapshot())
    assert.equal(other.level, 2)
    const { level: _, ...former } = machine.snapshot()
    other.restore(former as ReturnType<ClusterMachine['snapshot']>)
    assert.equal(other.level, 1)
  })
})
