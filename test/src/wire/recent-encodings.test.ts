import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RecentEncodings } from '../../../src/wire/recent-encodings.ts'
import { living } from '../../living.ts'

describe('recent encodings', () => {
  it('are found by the very value they stand for', () => {
    const encodings = new RecentEncodings()
    for (const length of [0, 3, 30_000]) {
      const [value, bytes] = [{ a: 1 }, new Uint8Array(length).fill(7)]
      encodings.set(value, bytes)
      encodings.set({ b: 1 }, new Uint8Array(50).fill(8))
      assert.deepEqual(encodings.get(value), bytes)
    }
    assert.equal(encodings.get({ a: 1 }), undefined)
  })

  it('keep the newest, few or many bytes of them, and let the older ones go', () => {
    for (const [length, count] of [
      [10, 10_000],
      [100_000, 200],
    ] as const) {
      const encodings = new RecentEncodings()
      const values = Array.from({ length: count }, (_, at) => ({ at }))
      const bytes = new Uint8Array(length)
      for (const value of values) encodings.set(value, bytes)
      const kept = values.filter((value) => encodings.get(value) !== undefined)
      assert.deepEqual(kept, values.slice(-kept.length))
      assert(
        kept.length >= 20 && kept.length <= 4_096 && kept.length * length <= 5_000_000,
        `${kept.length} of ${length} bytes`,
      )
    }
  })

  it('keep nothing of what their bytes were cut from', async () => {
    const encodings = new RecentEncodings()
    const values = Array.from({ length: 200 }, (_, at) => ({ at }))
    const slabs: WeakRef<ArrayBuffer>[] = []
    for (const value of values) {
      const bytes = new Uint8Array(65_536)
      slabs.push(new WeakRef(bytes.buffer))
      encodings.set(value, bytes.subarray(0, 100))
    }
    const { length } = await living(slabs)
    // The last one may still be somewhere on the stack.
    assert.ok(length <= 1, `${length} live`)
    const kept = new Set(values.map((value) => encodings.get(value)!.buffer))
    assert.equal(kept.size, 1)
  })
})
