// A member that has the secret and is broken, and strangers at the admin port, against live processes: the short form
// of `scripts/hostile.ts`.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startProcesses } from '../../src/testing/processes.ts'
import { attack } from './hostile/attack.ts'

const secret = 'the secret that the broken member has, too'
/** Far above what a process grows by when it is busy. */
const grownAtMost = 256 * 1_048_576

describe('three honest members', () => {
  it('serve on and stay whole whatever a broken member sends, and keep no more than their bounds of it', async () => {
    await using cluster = await startProcesses(3, { secret })
    const { writes, grownBytes } = await attack(cluster, { seed: 7, count: 200, secret })
    assert.equal(writes, 10)
    assert.ok(Math.max(...grownBytes) < grownAtMost, `${grownBytes} bytes`)
  })
})
