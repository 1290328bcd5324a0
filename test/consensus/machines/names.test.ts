import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ClusterCommand, ClusterMachine, defaultClusterBounds } from '../../../consensus/index.ts'

function bind(name: string, id: string, replaces?: string): ClusterCommand {
  return { type: 'bind-name', name, id, replaces }
}

/** A machine, and a way to apply one command after the other. */
function machine(bounds = defaultClusterBounds) {
  const cluster = new ClusterMachine(bounds)
  let index = 0
  return { cluster, apply: (command: ClusterCommand) => cluster.apply({ index: ++index, term: 1 }, command) }
}

describe('names', () => {
  it('a free name is bound', () => {
    const { cluster, apply } = machine()
    assert.deepEqual(apply(bind('alpha', 'id-1')), { type: 'ok', index: 1 })
    assert.equal(cluster.names.holder('alpha'), 'id-1')
    assert.equal(cluster.names.holder('beta'), undefined)
  })

  it('binding it again to its holder changes nothing and is no error', () => {
    const { cluster, apply } = machine()
    apply(bind('alpha', 'id-1'))
    assert.equal(apply(bind('alpha', 'id-1', 'id-9')).type, 'ok')
    assert.deepEqual(cluster.names.entries(), [['alpha', 'id-1']])
  })

  it('a second claimant is refused and told the holder', () => {
    const { apply } = machine()
    apply(bind('alpha', 'id-1'))
    assert.deepEqual(apply(bind('alpha', 'id-2')), { type: 'name-taken', name: 'alpha', holder: 'id-1' })
  })

  it('it moves from exactly the holder that was seen gone, and from no other', () => {
    const { cluster, apply } = machine()
    apply(bind('alpha', 'id-1'))
    assert.equal(apply(bind('alpha', 'id-3', 'id-2')).type, 'name-taken')
    assert.equal(apply(bind('alpha', 'id-2', 'id-1')).type, 'ok')
    assert.equal(cluster.names.holder('alpha'), 'id-2')
    assert.deepEqual(apply(bind('alpha', 'id-1')), { type: 'name-taken', name: 'alpha', holder: 'id-2' })
  })

  it('names past the bound are refused, moves of bound ones are not', () => {
    const { apply } = machine({ ...defaultClusterBounds, maxNames: 1 })
    apply(bind('alpha', 'id-1'))
    assert.deepEqual(apply(bind('beta', 'id-2')), { type: 'refused', reason: 'too-many-names' })
    assert.equal(apply(bind('alpha', 'id-2', 'id-1')).type, 'ok')
  })

  it('an empty name and one that is too long are refused', () => {
    const { apply } = machine()
    for (const name of ['', 'x'.repeat(129)]) {
      assert.deepEqual(apply(bind(name, 'id-1')), { type: 'refused', reason: 'name-length' })
    }
  })
})
