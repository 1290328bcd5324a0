import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ClusterCommand, ClusterMachine, defaultClusterBounds } from '../../../consensus/index.ts'
import { Sessions } from '../../../consensus/machines/sessions.ts'

/** A command in a session that sets `a` only while it does not exist. */
function inSession(session: number, sequence: number, floor = 1): ClusterCommand {
  return {
    type: 'in-session',
    session,
    sequence,
    floor,
    command: {
      type: 'write',
      conditions: [{ type: 'revision', key: `k${sequence}`, revision: 0 }],
      operations: [{ type: 'set', key: `k${sequence}`, value: '1' }],
      otherwise: undefined,
    },
  }
}

function machine(bounds = defaultClusterBounds) {
  const cluster = new ClusterMachine(bounds)
  let index = 0
  const apply = (command: ClusterCommand) => cluster.apply({ index: ++index, term: 1 }, command)
  return { cluster, apply }
}

describe('sessions', () => {
  it('a command that comes twice is applied once and answered twice', () => {
    const { cluster, apply } = machine()
    apply({ type: 'open-session' })
    const first = apply(inSession(1, 1))
    assert.equal(first.type, 'written')
    assert.deepEqual(apply(inSession(1, 1)), first)
    assert.equal(cluster.config.get('k1')?.revision, 2)
  })

  it('commands of one session may come in any order', () => {
    const { apply } = machine()
    apply({ type: 'open-session' })
    assert.equal(apply(inSession(1, 2)).type, 'written')
    assert.equal(apply(inSession(1, 1)).type, 'written')
  })

  it('below its floor nothing is applied any more', () => {
    const { cluster, apply } = machine()
    apply({ type: 'open-session' })
    apply(inSession(1, 3, 3))
    assert.deepEqual(apply(inSession(1, 2)), { type: 'refused', reason: 'answered-before' })
    assert.equal(cluster.config.get('k2'), undefined)
  })

  it('two sessions do not know of each other', () => {
    const { apply } = machine()
    apply({ type: 'open-session' })
    apply({ type: 'open-session' })
    assert.equal(apply(inSession(1, 1)).type, 'written')
    assert.equal(apply(inSession(2, 1)).type, 'condition-failed')
  })

  it('a session that was never opened, or had to go, is refused: nothing is applied twice', () => {
    const { cluster, apply } = machine({ ...defaultClusterBounds, maxSessions: 2 })
    apply({ type: 'open-session' })
    apply({ type: 'open-session' })
    apply(inSession(1, 1))
    apply({ type: 'open-session' })
    assert.deepEqual(apply(inSession(2, 7)), { type: 'unknown-session' })
    assert.deepEqual(apply(inSession(99, 7)), { type: 'unknown-session' })
    assert.equal(cluster.config.get('k7'), undefined)
    assert.equal(apply(inSession(1, 2)).type, 'written', 'the one that was used stays')
  })

  it('answers kept for one session are bounded', () => {
    const { apply } = machine({ ...defaultClusterBounds, maxSessionReplies: 2 })
    apply({ type: 'open-session' })
    apply(inSession(1, 1))
    apply(inSession(1, 2))
    assert.deepEqual(apply(inSession(1, 3)), { type: 'refused', reason: 'session-full' })
    assert.equal(apply(inSession(1, 3, 2)).type, 'written')
  })

  it('an answer becomes text for a snapshot once, and is the same in the next one and to whoever asks again', () => {
    const sessions = new Sessions<{ value: number; toJSON: () => object }>(defaultClusterBounds)
    let texts = 0
    const toJSON = () => {
      texts += 1
      return { value: 7 }
    }
    sessions.open({ index: 1, term: 1 })
    const run = () =>
      sessions.run({ index: 2, term: 1 }, { session: 1, sequence: 1, floor: 1 }, () => ({ value: 7, toJSON }))
    run()
    assert.deepEqual(sessions.snapshot(), [{ session: 1, usedAt: 2, floor: 1, replies: [[1, '{"value":7}']] }])
    assert.deepEqual(sessions.snapshot(), sessions.snapshot())
    assert.deepEqual(run(), { value: 7 })
    assert.equal(texts, 1)
  })
})
