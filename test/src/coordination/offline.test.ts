import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StandardSchema } from '../../../src/index.ts'
import { createTestCluster } from '../../../src/testing/index.ts'
import { failureOf, form } from '../local-nodes.ts'

describe('offline keys', () => {
  it('change in a minority, are seen there at once, and merge each once when there is a majority again', async () => {
    await using cluster = await createTestCluster(3)
    const [a, b] = cluster.nodes
    assert.ok(a && b)
    const counter = a.config.offline('hits', 'counter')
    const tags = a.config.offline('tags', 'set')
    const motto = a.config.offline('motto', 'last-writer')
    counter.add(1)
    await counter.merged()
    assert.equal((await b.config.get('hits'))?.value, 1)
    await cluster.partition([a])
    await cluster.until('it has no majority', () => !a.status().consensus.quorum)
    for (let n = 0; n < 5; n++) counter.add(2)
    counter.add(-1)
    tags.add('x')
    tags.add('y')
    tags.remove('x')
    motto.set('first')
    motto.set('second')
    assert.deepEqual([await counter.get(), await tags.get(), await motto.get()], [10, ['y'], 'second'])
    assert.equal(counter.pending, 6)
    assert.equal((await failureOf(counter.merged({ timeoutMs: 50 }))).code, 'ERR_TIMEOUT')
    await cluster.heal()
    await Promise.all([counter, tags, motto].map((key) => key.merged({ timeoutMs: 20_000 })))
    assert.equal(counter.pending, 0)
    const values = await Promise.all(['hits', 'tags', 'motto'].map((key) => b.config.get(key)))
    assert.deepEqual(
      values.map((entry) => entry?.value),
      [10, ['y'], 'second'],
    )
  })

  it('say what cannot be merged, and go on with the rest', async () => {
    const [node] = await form(['a'])
    await node!.config.set('word', 'text')
    const wrong = node!.config.offline('word', 'counter')
    const right = node!.config.offline('other', 'counter')
    wrong.add(1)
    right.add(1)
    assert.equal((await failureOf(wrong.merged())).code, 'ERR_BAD_OPTIONS')
    assert.equal((await failureOf(wrong.get())).code, 'ERR_BAD_OPTIONS')
    assert.equal((await failureOf(node!.config.offline('word', 'set').get())).code, 'ERR_BAD_OPTIONS')
    await right.merged()
    assert.equal(await right.get(), 1)
    assert.throws(() => wrong.add(0.5), /whole number/)
    assert.throws(() => node!.config.offline('x', 'magic' as 'set'), /no strategy/)
  })

  it('take no value that a schema of this node refuses, and the value as it leaves it', async () => {
    const [node] = await form(['a'])
    assert.ok(node)
    const validate: StandardSchema['~standard']['validate'] = (value) => {
      if (value === 'later') return Promise.resolve({ value })
      return typeof value === 'number' ? { value: Math.round(value) } : { issues: [{ message: 'must be a number' }] }
    }
    using _schema = node.config.schema('limits.', { '~standard': { version: 1, vendor: 'test', validate } })
    const rate = node.config.offline('limits.rate', 'last-writer')
    for (const value of ['text', 'later']) {
      const error = await failureOf((async () => rate.set(value))())
      assert.deepEqual([error.code, error.mayHaveHappened, rate.pending], ['ERR_INVALID_VALUE', false, 0])
    }
    rate.set(1.6)
    await rate.merged()
    assert.equal((await node.config.get('limits.rate'))?.value, 2)
    // What these come to is known only where they are merged.
    const tags = node.config.offline('limits.tags', 'set')
    tags.add('text')
    await tags.merged()
    node.config.offline('other', 'last-writer').set('text')
  })
})
