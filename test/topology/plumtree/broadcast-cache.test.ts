import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BroadcastCache } from '../../../topology/plumtree/broadcast-cache.ts'
import { plumtreeDefaults } from '../../../topology/plumtree/options.ts'
import { living } from '../../living.ts'

describe('the broadcasts that can be given again', () => {
  it('keep nothing of what their bytes were cut from', async () => {
    const cache = new BroadcastCache(plumtreeDefaults)
    const slabs: WeakRef<ArrayBuffer>[] = []
    const ids = Array.from({ length: 200 }, (_, sequence) => ({ origin: 'a', generation: 1, sequence }))
    for (const id of ids) {
      const bytes = new Uint8Array(65_536).fill(id.sequence)
      slabs.push(new WeakRef(bytes.buffer))
      cache.add({ id, hops: 0, payload: bytes.subarray(10, 110), at: 0 })
    }
    const { length } = await living(slabs)
    // The last one may still be somewhere on the stack.
    assert.ok(length <= 1, `${length} live`)
    for (const id of ids) assert.deepEqual(cache.get(id)?.payload, new Uint8Array(100).fill(id.sequence))
  })
})
