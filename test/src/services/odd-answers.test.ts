import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { failureOf, form } from '../local-nodes.ts'

describe('what a handler answers with', () => {
  it('fails its call, and nothing else, when it cannot even be asked what it is', async () => {
    const [a, b] = await form(['a', 'b'])
    assert.ok(a && b)
    const refuse = (): never => {
      throw new Error('do not ask')
    }
    const odd = new Proxy({}, { has: refuse, get: refuse })
    a.services.register('odd', { answer: () => odd })
    await b.services.waitFor('odd')
    for (const node of [a, b]) {
      const failed = await failureOf(node.services.call('odd', 'answer'))
      assert.equal(failed.code, 'ERR_HANDLER_FAILED')
      assert.match(failed.message, /'odd\.answer' on a failed: do not ask/)
      assert.match((await failureOf(readAll(node.services.stream('odd', 'answer'), []))).message, /do not ask/)
    }
  })

  it('comes before an item that cannot be sent', async () => {
    const [a, b] = await form(['a', 'b'])
    assert.ok(a && b)
    let ended = 0
    const list = function* (last: unknown) {
      try {
        yield 1
        yield 2
        yield last
      } finally {
        ended += 1
      }
    }
    a.services.register('odd', { large: () => list('x'.repeat(2_000_000)), nothing: () => list(10n) })
    await b.services.waitFor('odd')
    for (const method of ['large', 'nothing']) {
      const seen: unknown[] = []
      const failed = await failureOf(readAll(b.services.stream('odd', method), seen))
      assert.deepEqual([seen, failed.code], [[1, 2], 'ERR_HANDLER_FAILED'], method)
    }
    await waitUntil(() => ended === 2)
  })

  it('fails when it is iterated by no objects', async () => {
    const [a] = await form(['a'])
    assert.ok(a)
    const broken = { [Symbol.asyncIterator]: () => ({ next: () => 5 }) }
    a.services.register('odd', { list: () => broken })
    const failed = await failureOf(readAll(a.services.stream('odd', 'list'), []))
    assert.match(failed.message, /5 is not an object/)
  })
})

async function readAll(items: AsyncIterable<unknown>, into: unknown[]): Promise<void> {
  for await (const item of items) {
    into.push(item)
    assert.ok(into.length < 100, 'it never ends')
  }
}
