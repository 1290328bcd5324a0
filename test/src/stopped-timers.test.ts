import assert from 'node:assert/strict'
import { it } from 'node:test'
import { form } from './local-nodes.ts'

const timers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length

it('nodes that have stopped leave no timer behind, not for a moment', async () => {
  for (let round = 0; round < 4; round++) {
    const before = timers()
    const nodes = await form(['a', 'b', 'c'])
    for (const node of nodes) await node.stop()
    assert.equal(timers(), before)
  }
})
