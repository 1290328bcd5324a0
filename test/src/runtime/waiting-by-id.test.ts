import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { WaitingById } from '../../../src/runtime/waiting-by-id.ts'

describe('who waits for an answer', () => {
  it('is found by its id, however long others have waited', () => {
    // Ids are of all that is asked, of which not everybody waits here.
    const ask = fc.record({ after: fc.integer({ min: 1, max: 70 }) })
    const step = fc.oneof(ask, ask, fc.nat({ max: 2_000 }))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
        const waiting = new WaitingById<{ id: number }>()
        const expected = new Map<number, { id: number }>()
        let last = 0
        for (const one of steps) {
          if (typeof one === 'object') {
            last += one.after
            const item = { id: last }
            waiting.add(item)
            expected.set(item.id, item)
          } else {
            assert.equal(waiting.get(one), expected.get(one))
            assert.equal(waiting.delete(one), expected.delete(one))
          }
          assert.equal(waiting.get(last), expected.get(last))
        }
        assert.deepEqual(
          [...waiting].sort((a, b) => a.id - b.id),
          [...expected.values()],
        )
      }),
    )
  })
})
