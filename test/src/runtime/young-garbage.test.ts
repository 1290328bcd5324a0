import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { handedOver } from '../../../src/runtime/young-garbage.ts'

const MiB = 1024 * 1024
const PAYLOAD_BYTES = 64 * 1024

/**
 * Takes `bytes` in payloads that nobody keeps; gives the most that lay outside of the heap meanwhile, beyond what did
 * before.
 */
function take(bytes: number): number {
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  for (let taken = 0; taken < bytes; taken += PAYLOAD_BYTES) {
    new Uint8Array(PAYLOAD_BYTES).fill(1)
    handedOver(PAYLOAD_BYTES)
    most = Math.max(most, process.memoryUsage().arrayBuffers - before)
  }
  return most
}

describe('payloads that nobody needs any more', () => {
  it('are found and freed when six megabytes of them have come, one before the next look', () => {
    const most = take(128 * MiB)
    // 7 where V8's own threads run, which free them; 61 where nobody looks.
    assert.ok(most < 24 * MiB, `${most} bytes`)
  })

  it('leave no function in the global scope', () => {
    assert.equal(globalThis.gc, undefined)
  })
})
