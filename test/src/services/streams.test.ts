import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { service, type TrellisNode } from '../../../src/index.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { failureOf, form } from '../local-nodes.ts'
import { textSchema } from './text-schema.ts'

async function pair(): Promise<readonly [TrellisNode, TrellisNode]> {
  const [a, b] = await form(['a', 'b'])
  assert.ok(a && b)
  return [a, b]
}

async function all(items: AsyncIterable<unknown>): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const item of items) found.push(item)
  return found
}

const items = async (read: AsyncIterable<unknown>, count: number): Promise<unknown[]> => {
  const found: unknown[] = []
  for await (const item of read) if (found.push(item) === count) break
  return found
}

describe('streams of services', () => {
  it('bring every item once and in order, whatever iterable the handler returns', async () => {
    const [a, b] = await pair()
    const numbers = Array.from({ length: 1_000 }, (_, at) => at)
    a.services.register('count', {
      list: () => numbers,
      none: () => [],
      later: () => Promise.resolve(new Set(numbers)),
      async *slowly() {
        for (const number of numbers) {
          if (number % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
          yield number
        }
      },
    })
    await b.services.waitFor('count')
    for (const method of ['list', 'later', 'slowly'])
      assert.deepEqual(await all(b.services.stream('count', method)), numbers)
    assert.deepEqual(await all(b.services.stream('count', 'none')), [])
    assert.deepEqual(await all(a.services.stream('count', 'slowly')), numbers)
  })

  it('are slowed by their reader', async () => {
    const [a, b] = await pair()
    let made = 0
    a.services.register('count', {
      *up() {
        for (;;) yield made++
      },
    })
    await b.services.waitFor('count')
    const read = b.services.stream('count', 'up')[Symbol.asyncIterator]()
    for (let taken = 0; taken < 500; taken++) {
      assert.equal((await read.next()).value, taken)
      assert.ok(made <= taken + 1 + 129 + 64, `${made} made, ${taken + 1} taken`)
    }
    await read.return?.()
  })

  it('run the finally of their handler when the reader leaves, gives up, or its deadline passes', async () => {
    const [a, b] = await pair()
    const ends: string[] = []
    a.services.register('endless', {
      async *up(name, { signal }) {
        try {
          yield 1
          await once(signal, 'abort')
        } finally {
          ends.push(String(name))
        }
      },
    })
    await b.services.waitFor('endless')
    assert.deepEqual(await items(b.services.stream('endless', 'up', 'left'), 1), [1])
    await waitUntil(() => ends.join() === 'left')
    const abort = new AbortController()
    const aborted = failureOf(all(b.services.stream('endless', 'up', 'aborted', { signal: abort.signal })))
    setImmediate(() => abort.abort())
    assert.equal((await aborted).code, 'ERR_ABORTED')
    const late = await failureOf(all(b.services.stream('endless', 'up', 'late', { deadlineMs: 100 })))
    assert.equal(late.code, 'ERR_DEADLINE_EXCEEDED')
    await waitUntil(() => ends.includes('late'))
  })

  it('fail where they are read, after the items that came before', async () => {
    const [a, b] = await pair()
    a.services.register('broken', {
      *half() {
        yield 1
        yield 2
        throw new Error('no more')
      },
      one: () => 7,
    })
    await b.services.waitFor('broken')
    const seen: unknown[] = []
    const reading = (async () => {
      for await (const item of b.services.stream('broken', 'half')) seen.push(item)
    })()
    const failed = await failureOf(reading)
    assert.equal(failed.code, 'ERR_HANDLER_FAILED')
    assert.match(failed.message, /no more/)
    assert.deepEqual(seen, [1, 2])
    assert.match((await failureOf(all(b.services.stream('broken', 'one')))).message, /answers with no stream/)
    assert.equal((await failureOf(all(b.services.stream('broken', 'three')))).code, 'ERR_NO_HANDLER')
  })

  it('let a reader go at once who leaves while they have nothing to give', { timeout: 10_000 }, async () => {
    const [a, b] = await pair()
    let [begun, cancelled] = [0, 0]
    const silence = async function* (_: unknown, { signal }: { signal: AbortSignal }) {
      begun += 1
      await once(signal, 'abort')
      cancelled += 1
      yield ''
    }
    const contract = service('silent', { silence: { stream: true, output: textSchema } })
    a.services.register(contract, { silence })
    await b.services.waitFor('silent')
    for (const read of [b.services.stream('silent', 'silence'), b.services.client(contract).silence(null)]) {
      const iterator = read[Symbol.asyncIterator]()
      const next = iterator.next()
      await waitUntil(() => begun === cancelled + 1)
      await iterator.return?.()
      assert.deepEqual(await next, { done: true, value: undefined })
      await waitUntil(() => cancelled === begun)
    }
  })

  it('end with their owner', async () => {
    const [a, b] = await pair()
    a.services.register('clock', {
      async *ticks(_, { signal }) {
        yield 0
        await once(signal, 'abort')
      },
    })
    await b.services.waitFor('clock')
    const read = b.services.stream('clock', 'ticks')[Symbol.asyncIterator]()
    assert.equal((await read.next()).value, 0)
    const next = failureOf(Promise.resolve(read.next()))
    await a.stop()
    assert.ok(['ERR_MEMBER_DOWN', 'ERR_ABORTED', 'ERR_SHUTTING_DOWN'].includes((await next).code))
  })

  it('that fail name their method, before their first item and after', async () => {
    const [a, b] = await pair()
    let isLate = false
    a.services.register('faulty', {
      async *tell() {
        // More than one answer takes, so that it fails in a later one.
        if (isLate) for (let at = 0; at < 500; at++) yield at
        throw new Error('broken')
      },
    })
    await b.services.waitFor('faulty')
    for (isLate of [false, true]) {
      const { code, details } = await failureOf(all(b.services.stream('faulty', 'tell')))
      const expected = { member: 'a', subject: 'faulty.tell', reason: 'broken' }
      assert.deepEqual([code, details], ['ERR_HANDLER_FAILED', expected])
    }
  })

  it('are checked item by item by a contract, at both ends', async () => {
    const [a, b] = await pair()
    const words = service('words', { spell: { input: textSchema, output: textSchema, stream: true } })
    a.services.register(words, {
      *spell(word) {
        for (const letter of word) yield letter === '!' ? (1 as unknown as string) : letter
      },
    })
    await b.services.waitFor('words')
    const client = b.services.client(words)
    assert.deepEqual(await all(client.spell('abc')), ['a', 'b', 'c'])
    assert.equal((await failureOf(all(client.spell('a!b')))).code, 'ERR_INVALID_VALUE')
    assert.equal((await failureOf(all(client.spell(1 as unknown as string)))).code, 'ERR_INVALID_VALUE')
  })
})
