import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { WaitingCalls } from '../../../src/services/waiting-calls.ts'

describe('who waits for an answer', () => {
  it('is found by an id that nobody else has had', () => {
    const step = fc.oneof(fc.constant('ask' as const), fc.nat({ max: 500 }))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
        const waiting = new WaitingCalls<{ id: number }>()
        const expected = new Map<number, { id: number }>()
        let last = 0
        for (const one of steps) {
          if (one === 'ask') {
            const item = { id: waiting.next() }
            assert.ok(item.id > last)
            last = item.id
            waiting.add(item)
            expected.set(item.id, item)
          } else assert.equal(waiting.delete(one), expected.delete(one))
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
