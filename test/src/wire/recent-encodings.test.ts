import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RecentEncodings } from '../../../src/wire/recent-encodings.ts'

describe('recent encodings', () => {
  it('are found by the very value they stand for', () => {
    const encodings = new RecentEncodings()
    const [value, bytes] = [{ a: 1 }, new Uint8Array(3)]
    encodings.set(value, bytes)
    assert.equal(encodings.get(value), bytes)
    assert.equal(encodings.get({ a: 1 }), undefined)
  })

  it('keep the newest, few or many bytes of them, and let the older ones go', () => {
    for (const length of [10, 100_000]) {
      const encodings = new RecentEncodings()
      const values = Array.from({ length: 10_000 }, (_, at) => ({ at }))
      for (const value of values) encodings.set(value, new Uint8Array(length))
      const kept = values.filter((value) => encodings.get(value) !== undefined)
      assert.deepEqual(kept, values.slice(-kept.length))
      assert(
        kept.length >= 20 && kept.length <= 4_096 && kept.length * length <= 5_000_000,
        `${kept.length} of ${length} bytes`,
      )
    }
  })
})
