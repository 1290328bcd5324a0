import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
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
    await right.merged()
    assert.equal(await right.get(), 1)
    assert.throws(() => wrong.add(0.5), /whole number/)
    assert.throws(() => node!.config.offline('x', 'magic' as 'set'), /no strategy/)
  })
})
