import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTestCluster, type TestNode } from '../../../src/testing/index.ts'

const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => assert.fail('it was handed over'),
    ({ code, message, details, mayHaveHappened }) => ({ code, message, details, mayHaveHappened }),
  )

describe('a hand-over that cannot be', () => {
  it('is refused with ERR_NO_QUORUM by a leader that was cut off a moment ago; its successor may stand all the same', async () => {
    await using cluster = await createTestCluster(3)
    const { leader } = await cluster.ready()
    await cluster.partition([leader])
    const began = cluster.now
    const { code, details, mayHaveHappened } = await failureOf(leader.leadership.transfer())
    assert.deepEqual([code, mayHaveHappened], ['ERR_NO_QUORUM', true])
    assert.deepEqual([...details.voters].sort(), ['node-1', 'node-2', 'node-3'])
    assert.ok(cluster.now - began <= 1_000, `${cluster.now - began} ms`)
  })

  it('says that whom it names is no voter, asked of the leader and of others', async () => {
    await using cluster = await createTestCluster(4, { node: { voters: 3 } })
    const { leader } = await cluster.ready()
    await cluster.advance(3_000)
    const { voters } = leader.status().consensus
    const [to] = cluster.nodes.filter(({ name }) => !voters.includes(name)) as [TestNode]
    for (const asked of [leader, to]) {
      const { code, message, mayHaveHappened } = await failureOf(asked.leadership.transfer({ to: to.name }))
      assert.deepEqual([code, message, mayHaveHappened], ['ERR_BAD_REQUEST', 'it is no voter', false])
    }
  })
})
