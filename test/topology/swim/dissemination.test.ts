import { strict as assert } from 'node:assert'
import { describe, it } from 'node:test'
import type { Update } from '../../../topology/index.ts'
import { Dissemination, retransmits } from '../../../topology/swim/dissemination.ts'
import { recordOf } from './records.ts'

function news(id: string, refutation = 0): Update {
  return { type: 'record', record: recordOf(id, { refutation }) }
}

describe('dissemination (SWIM section 4.1)', () => {
  it('tells each update a bounded number of times', () => {
    const queue = new Dissemination()
    queue.put(news('a'))
    const told = [1, 2, 3, 4].map(() => queue.take(8, 3).length)
    assert.deepEqual(told, [1, 1, 1, 0])
    assert.equal(queue.size, 0)
  })

  it('grows that number with the logarithm of the cluster', () => {
    assert.deepEqual(
      [1, 9, 10, 99, 100, 999].map((size) => retransmits(4, size)),
      [3, 10, 10, 19, 19, 28],
    )
  })

  it('replaces what it has to tell about a member by what is newer, and tells that anew', () => {
    const queue = new Dissemination()
    queue.put(news('a'))
    queue.take(8, 2)
    queue.put(news('a', 1))
    assert.deepEqual(queue.take(8, 2), [news('a', 1)])
    assert.deepEqual(queue.take(8, 2), [news('a', 1)])
    assert.deepEqual(queue.take(8, 2), [])
  })

  it('prefers what was told least, among those the newest', () => {
    const queue = new Dissemination()
    queue.put(news('a'))
    queue.take(8, 9)
    for (const id of ['b', 'c', 'd']) queue.put(news(id))
    assert.deepEqual(queue.take(2, 9), [news('c'), news('d')])
    // b was never told, a once as c and d were; of those d is the newest.
    assert.deepEqual(queue.take(2, 9), [news('b'), news('d')])
  })

  it('keeps the accusations of different accusers apart, and drops them together', () => {
    const queue = new Dissemination()
    const incarnation = { generation: 1, refutation: 0 }
    for (const by of ['x', 'y']) queue.put({ type: 'accusation', member: 'a', incarnation, by, kind: 'silent' })
    queue.put(news('a'))
    assert.equal(queue.size, 3)
    queue.dropAccusations('a', ['x', 'y'])
    assert.deepEqual(queue.take(8, 9), [news('a')])
  })
})
