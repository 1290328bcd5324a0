import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ClusterMachine, type ConfigOperation } from '../../../consensus/index.ts'

function machine() {
  const cluster = new ClusterMachine()
  let index = 0
  const merge = (operation: ConfigOperation) =>
    cluster.apply(
      { index: ++index, term: 1 },
      { type: 'write', conditions: [], operations: [operation], otherwise: undefined },
    )
  return { cluster, merge, value: () => cluster.config.get('k')?.value }
}

const key = 'k'

describe('merging', () => {
  it('a counter is the sum of all additions, in any order (property)', () => {
    const by = fc.integer({ min: -1_000, max: 1_000 })
    fc.assert(
      fc.property(fc.array(by, { minLength: 1 }), (numbers) => {
        const { merge, value } = machine()
        for (const n of numbers) merge({ type: 'merge-count', key, add: Math.max(0, n), subtract: Math.max(0, -n) })
        assert.equal(value(), String(numbers.reduce((sum, n) => sum + n, 0)))
      }),
    )
  })

  it('of last writers the latest stays, in whatever order they come (property)', () => {
    const write = fc.record({ at: fc.nat(5), by: fc.constantFrom('a', 'b'), value: fc.constantFrom('1', '2', '3') })
    fc.assert(
      fc.property(
        fc.uniqueArray(write, { minLength: 1, selector: ({ at, by }) => `${at}${by}` }),
        fc.nat(),
        (writes, turn) => {
          const at = turn % writes.length
          const orders = [writes, [...writes].reverse(), [...writes.slice(at), ...writes.slice(0, at)]]
          const outcomes = orders.map((order) => {
            const { merge, value } = machine()
            for (const one of order) merge({ type: 'merge-latest', key, ...one })
            return value()
          })
          assert.equal(new Set(outcomes).size, 1)
        },
      ),
    )
  })

  it('a set has each item once; what changes nothing makes no revision', () => {
    const { cluster, merge, value } = machine()
    const item = (text: string, isIn: boolean) => merge({ type: 'merge-item', key, item: text, isIn })
    item('"b"', true)
    item('{"a":1}', true)
    item('"b"', true)
    assert.equal(value(), '["b",{"a":1}]')
    assert.equal(cluster.config.revision, 2)
    item('"b"', false)
    item('"c"', false)
    assert.equal(value(), '[{"a":1}]')
  })

  it('a value of another strategy is refused and stays', () => {
    const { merge, value } = machine()
    merge({ type: 'set', key, value: '"text"' })
    const refused = { type: 'refused', reason: 'not-mergeable' }
    assert.deepEqual(merge({ type: 'merge-count', key, add: 1, subtract: 0 }), refused)
    assert.deepEqual(merge({ type: 'merge-item', key, item: '1', isIn: true }), refused)
    assert.equal(value(), '"text"')
    merge({ type: 'set', key, value: String(Number.MAX_SAFE_INTEGER) })
    assert.deepEqual(merge({ type: 'merge-count', key, add: 1, subtract: 0 }), refused)
  })

  it('a value that was set by other means is replaced by the next writer', () => {
    const { merge, value } = machine()
    merge({ type: 'merge-latest', key, value: '1', at: 9, by: 'a' })
    merge({ type: 'set', key, value: '2' })
    merge({ type: 'merge-latest', key, value: '3', at: 5, by: 'a' })
    assert.equal(value(), '3')
  })
})
