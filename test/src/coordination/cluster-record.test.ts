import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ClusterRecordKeeper, RECORD_FRESH_MS } from '../../../src/coordination/cluster-record.ts'
import { knowledgeOfRecord } from '../../../src/coordination/knowledge.ts'
import type { ClusterRecord } from '../../../src/wire/record.ts'

function record(index: number, term: number, beat: number, changes: Partial<ClusterRecord> = {}): ClusterRecord {
  return {
    clusterId: 'c',
    index,
    term,
    beat,
    leader: 'a',
    voters: ['a', 'b', 'c'].map((id) => ({ id, storeId: `store-${id}` })),
    learners: [],
    topology: { name: 'full-mesh', epoch: 0 },
    s5: { host: 'a', token: 4, active: true },
    ...changes,
  }
}

describe('the keeper of the cluster record', () => {
  it('keeps the newest: by index, then term, then beat, in whatever order they come', () => {
    const order = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3))
    fc.assert(
      fc.property(fc.array(order, { minLength: 1 }), (orders) => {
        const keeper = new ClusterRecordKeeper()
        for (const [index, term, beat] of orders) keeper.offer(record(index, term, beat), 0)
        const newest = [...orders].sort((x, y) => x[0] - y[0] || x[1] - y[1] || x[2] - y[2]).at(-1)
        assert.deepEqual([keeper.record?.index, keeper.record?.term, keeper.record?.beat], newest)
      }),
    )
  })

  it('says what was new', () => {
    const keeper = new ClusterRecordKeeper()
    const answers = [record(5, 1, 1), record(5, 1, 1), record(4, 9, 9), record(5, 1, 2)].map((one) =>
      keeper.offer(one, 0),
    )
    assert.deepEqual(answers, [true, false, false, true])
  })

  it('never takes one of another cluster', () => {
    const keeper = new ClusterRecordKeeper()
    keeper.offer(record(5, 1, 1), 0)
    assert.equal(keeper.offer(record(900, 9, 9, { clusterId: 'd' }), 0), false)
    assert.equal(keeper.record?.clusterId, 'c')
  })

  it('is fresh for three beats after news of a leader; an old truth retold is no news', () => {
    const keeper = new ClusterRecordKeeper()
    assert.equal(keeper.isFresh(0), false)
    keeper.offer(record(5, 1, 1), 1_000)
    keeper.offer(record(5, 1, 1), 3_000)
    assert.equal(keeper.isFresh(1_000 + RECORD_FRESH_MS), true)
    assert.equal(keeper.isFresh(1_001 + RECORD_FRESH_MS), false)
    keeper.offer(record(5, 1, 2), 5_000)
    assert.equal(keeper.isFresh(6_000), true)
  })

  it('is not fresh by a record that names no leader', () => {
    const keeper = new ClusterRecordKeeper()
    keeper.offer(record(0, 0, 0, { leader: '' }), 1_000)
    assert.equal(keeper.isFresh(1_000), false)
  })
})

describe('a member without a log', () => {
  const keeper = new ClusterRecordKeeper()
  const know = (now: number) => knowledgeOfRecord(keeper, ['x'], now)

  it('knows nobody before the first record, but the voters its disk remembers', () => {
    const { role, leader, quorum, voters, s5 } = know(0)
    assert.deepEqual([role, leader, quorum, voters, s5.phase], ['none', undefined, false, ['x'], 'inactive'])
  })

  it('knows what a fresh record says', () => {
    keeper.offer(record(7, 2, 1), 10_000)
    const { role, term, leader, commitIndex, quorum, voters, s5 } = know(10_500)
    assert.deepEqual([role, term, leader, commitIndex, quorum], ['none', 2, 'a', 7, true])
    assert.deepEqual(voters, ['a', 'b', 'c'])
    assert.deepEqual(s5, { host: 'a', phase: 'active', token: 4 })
  })

  it('claims no leader and no host once it is stale, as in a minority', () => {
    const { leader, quorum, s5 } = know(10_001 + RECORD_FRESH_MS)
    assert.deepEqual([leader, quorum, s5], [undefined, false, { host: undefined, phase: 'inactive', token: undefined }])
  })

  it('sees S5 being activated while nobody hosts it', () => {
    keeper.offer(record(8, 3, 1, { s5: { host: 'a', token: 4, active: false } }), 20_000)
    assert.deepEqual(know(20_000).s5, { host: undefined, phase: 'activating', token: undefined })
  })
})
