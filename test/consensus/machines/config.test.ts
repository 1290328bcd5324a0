import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  type ClusterCommand,
  ClusterMachine,
  type ConfigChange,
  type ConfigCondition,
  type ConfigOperation,
  defaultClusterBounds,
} from '../../../consensus/index.ts'

const set = (key: string, value: string): ConfigOperation => ({ type: 'set', key, value })
const remove = (key: string): ConfigOperation => ({ type: 'delete', key })
const at = (key: string, revision: number): ConfigCondition => ({ type: 'revision', key, revision })

/** A machine and a way to write to it: one entry after the other. */
function machine(bounds = defaultClusterBounds) {
  const cluster = new ClusterMachine(bounds)
  let index = 0
  const write = (
    operations: readonly ConfigOperation[],
    conditions: readonly ConfigCondition[] = [],
    otherwise?: readonly ConfigOperation[],
  ) =>
    cluster.apply({ index: ++index, term: 1 }, { type: 'write', conditions, operations, otherwise } as ClusterCommand)
  return { cluster, config: cluster.config, write }
}

describe('config', () => {
  it('a write gives its log index as the revision to all that it changes', () => {
    const { config, write } = machine()
    write([set('a', '1')])
    write([set('a', '2'), set('b', '3')])
    assert.deepEqual(config.get('a'), { key: 'a', value: '2', revision: 2, createRevision: 1 })
    assert.deepEqual(config.get('b'), { key: 'b', value: '3', revision: 2, createRevision: 2 })
    assert.equal(config.revision, 2)
  })

  it('a key that was deleted and made again has a new create revision', () => {
    const { config, write } = machine()
    write([set('a', '1')])
    write([remove('a')])
    write([set('a', '2')])
    assert.deepEqual(config.get('a'), { key: 'a', value: '2', revision: 3, createRevision: 3 })
  })

  it('conditions are all checked before anything is done', () => {
    const { config, write } = machine()
    write([set('a', '1')])
    assert.deepEqual(write([set('b', '1')], [at('a', 1), at('b', 7)]), {
      type: 'condition-failed',
      key: 'b',
      revision: 0,
    })
    assert.equal(config.get('b'), undefined)
    assert.equal(write([set('b', '1')], [at('a', 1), at('b', 0), { type: 'exists', key: 'a' }]).type, 'written')
  })

  it('the other branch is done when a condition does not hold', () => {
    const { config, write } = machine()
    const reply = write([set('a', '1')], [{ type: 'exists', key: 'a' }], [set('b', '2')])
    assert.equal(reply.type === 'written' && reply.held, false)
    assert.equal(config.get('a'), undefined)
    assert.equal(config.get('b')?.value, '2')
  })

  it('deleting what is not there changes nothing and takes no revision', () => {
    const { config, write } = machine()
    write([set('a', '1')])
    const reply = write([remove('b')])
    assert.deepEqual(reply.type === 'written' && reply.results, [
      { key: 'b', revision: 0, createRevision: 0, existed: false },
    ])
    assert.equal(config.revision, 1)
  })

  it('a rollback gives back the value of that revision, or the absence', () => {
    const { config, write } = machine()
    write([set('b', 'x')])
    write([set('a', '1')])
    write([set('a', '2')])
    write([{ type: 'rollback', key: 'a', revision: 2 }])
    assert.equal(config.get('a')?.value, '1')
    write([{ type: 'rollback', key: 'a', revision: 1 }])
    assert.equal(config.get('a'), undefined)
    write([{ type: 'rollback', key: 'a', revision: 4 }])
    assert.equal(config.get('a')?.value, '1')
    assert.deepEqual(write([{ type: 'rollback', key: 'a', revision: 99 }]), {
      type: 'refused',
      reason: 'future-revision',
    })
  })

  it('a list is in the order of the keys, page by page', () => {
    const { config, write } = machine()
    for (const key of ['p.c', 'q', 'p.a', 'p.b']) write([set(key, '1')])
    const keys = (limit: number, after?: string) => config.list('p.', limit, after).map(({ key }) => key)
    assert.deepEqual(keys(9), ['p.a', 'p.b', 'p.c'])
    assert.deepEqual(keys(2), ['p.a', 'p.b'])
    assert.deepEqual(keys(2, 'p.b'), ['p.c'])
  })

  it('bounds are kept, and a write past one of them changes nothing', () => {
    const bounds = {
      ...defaultClusterBounds,
      maxKeys: 2,
      maxKeyLength: 3,
      maxValueLength: 5,
      maxConfigLength: 8,
      maxOperations: 2,
    }
    const { cluster, write } = machine(bounds)
    write([set('a', '1'), set('b', '2')])
    const before = cluster.snapshot()
    const refusals: [readonly ConfigOperation[], string][] = [
      [[set('c', '3')], 'too-many-keys'],
      [[set('', '3')], 'key-length'],
      [[set('long', '3')], 'key-length'],
      [[set('a', '123456')], 'value-length'],
      [[set('a', '12345'), set('b', '12')], 'config-full'],
      [[remove('a'), set('a', '1')], 'key-twice'],
      [[remove('a'), remove('b'), remove('c')], 'too-many-operations'],
    ]
    for (const [operations, reason] of refusals) {
      assert.deepEqual(write(operations), { type: 'refused', reason })
      assert.deepEqual(cluster.snapshot().config, before.config, reason)
    }
    assert.equal(write([remove('a'), set('c', '3')]).type, 'written', 'room is made and taken in one write')
  })

  it('full config can still be made smaller', () => {
    const { write } = machine({ ...defaultClusterBounds, maxConfigLength: 8 })
    write([set('a', '1234567')])
    assert.equal(write([set('a', '123')]).type, 'written')
  })
})

describe('the history of config', () => {
  const small = { ...defaultClusterBounds, maxHistoryChanges: 3 }

  it('tells each change once, from any revision, and where to go on', () => {
    const { config, write } = machine()
    write([set('a', '1')])
    write([set('x', '1')])
    write([set('a', '2'), set('b', '1')])
    const first = config.changes(1, '', 1)
    assert.deepEqual(first.type === 'changes' && [first.changes.map(({ key }) => key), first.next], [['a'], 2])
    const rest = config.changes(2, 'a', 9)
    assert.deepEqual(rest.type === 'changes' && [rest.changes.map(({ value }) => value), rest.next], [['2'], 4])
  })

  it('parts no write, however small the batch', () => {
    const { config, write } = machine()
    write([set('a', '1'), set('b', '1'), set('c', '1')])
    const found = config.changes(1, '', 1)
    assert.equal(found.type === 'changes' && found.changes.length, 3)
  })

  it('is dropped a whole write at a time, and says so', () => {
    const { config, write } = machine(small)
    write([set('a', '1'), set('b', '1')])
    write([set('a', '2')])
    write([set('a', '3')])
    assert.equal(config.compacted, 1)
    assert.deepEqual(config.changes(1, '', 9), { type: 'compacted', compacted: 1 })
    assert.equal(config.changes(2, '', 9).type, 'changes')
  })

  it('keeps the present value of a key, and refuses to guess what is gone', () => {
    const { config, write } = machine(small)
    write([set('old', '1')])
    for (const value of ['1', '2', '3', '4']) write([set('a', value)])
    assert.deepEqual(config.historyOf('old').changes, [{ key: 'old', value: '1', revision: 1, createRevision: 1 }])
    assert.deepEqual(write([{ type: 'rollback', key: 'a', revision: 2 }]), {
      type: 'compacted',
      key: 'a',
      compacted: 2,
    })
    assert.equal(write([{ type: 'rollback', key: 'old', revision: 3 }]).type, 'written')
  })

  it('played back equals the keys, for any writes (property)', () => {
    const key = fc.constantFrom('a', 'b', 'c')
    const operation = fc.oneof(
      fc.record({ type: fc.constant('set' as const), key, value: fc.constantFrom('1', '2', '3') }),
      fc.record({ type: fc.constant('delete' as const), key }),
      fc.record({ type: fc.constant('rollback' as const), key, revision: fc.nat(20) }),
    )
    const command = fc.array(operation, { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(fc.array(command, { maxLength: 30 }), fc.integer({ min: 1, max: 4 }), (commands, batch) => {
        const { config, write } = machine()
        for (const operations of commands) write(operations)
        const played = new Map<string, ConfigChange>()
        const seen: number[] = []
        for (let from = 1; ; ) {
          const found = config.changes(from, '', batch)
          assert.ok(found.type === 'changes')
          for (const change of found.changes) {
            if (change.value === undefined) played.delete(change.key)
            else played.set(change.key, change)
            seen.push(change.revision)
          }
          if (found.changes.length === 0) break
          from = found.next
        }
        assert.deepEqual(
          [...played.values()].sort((a, b) => (a.key < b.key ? -1 : 1)),
          config.list('', 99),
        )
        assert.deepEqual(
          seen,
          [...seen].sort((a, b) => a - b),
        )
      }),
      { numRuns: 200 },
    )
  })
})
