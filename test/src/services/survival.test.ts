import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CALL_RETRIES } from '../../../src/services/retry-allowance.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { failureOf, form } from '../local-nodes.ts'

describe('calls under way', () => {
  it('survive a switch of the topology, and so do streams', async () => {
    // So few links that most calls lose theirs in the switch.
    const few = { voters: 1, overlayOptions: { hyparview: { activeSize: 2 } } }
    const nodes = await form(['a', 'b', 'c', 'd', 'e', 'f'], () => few)
    const [a, ...others] = nodes
    assert.ok(a)
    let lost = 0
    for (const node of nodes)
      node.events.subscribe((event) => {
        if (event.type === 'link' && event.state === 'down') lost += 1
      })
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    for (const node of others)
      node.services.register(node.status().node.name, {
        wait: () => held.then(() => node.status().node.name),
        async *count() {
          for (let at = 0; at < 300; at++) {
            if (at === 10) await held
            yield at
          }
        },
      })
    const names = others.map(({ name }) => name)
    await waitUntil(() => names.every((name) => a.services.find(name).length === 1))
    const options = { deadlineMs: 60_000 }
    const calls = names.map((name) => a.services.call(name, 'wait', null, options))
    const streams = names.map(async (name) => {
      const seen: unknown[] = []
      for await (const item of a.services.stream(name, 'count', null, options)) seen.push(item)
      return seen
    })
    for (const topology of ['hyparview', 'full-mesh']) {
      assert.equal((await a.topology.switch(topology, { timeoutMs: 20_000 })).outcome, 'committed')
      // A link that the overlay does not want goes when it has been idle for long enough.
      await waitUntil(() => lost > 0, 30_000)
    }
    release()
    assert.deepEqual(await Promise.all(calls), names)
    const expected = Array.from({ length: 300 }, (_, at) => at)
    for (const seen of await Promise.all(streams)) assert.deepEqual(seen, expected)
  })

  it('carry deadline and giving up from the first to the last of three', async () => {
    const [a, b, c] = await form(['a', 'b', 'c'])
    assert.ok(a && b && c)
    const seen: number[] = []
    let aborted = 0
    c.services.register('last', {
      wait: (_, { signal, deadlineMs }) => {
        seen.push(deadlineMs)
        return new Promise((resolve) =>
          signal.addEventListener('abort', () => {
            aborted += 1
            resolve(null)
          }),
        )
      },
    })
    b.services.register('middle', { ask: () => b.services.call('last', 'wait', null, { deadlineMs: 60_000 }) })
    await waitUntil(() => a.services.find('middle').length === 1 && b.services.find('last').length === 1)
    // A busy machine may need longer than the first deadlines to get to the last of the three at all.
    let deadlineMs = 250
    for (; seen.length === 0; deadlineMs *= 2) {
      const late = await failureOf(a.services.call('middle', 'ask', null, { deadlineMs }))
      assert.equal(late.code, 'ERR_DEADLINE_EXCEEDED')
    }
    await waitUntil(() => aborted === 1)
    assert.ok(seen[0] !== undefined && seen[0] < deadlineMs, String(seen))
    const abort = new AbortController()
    const calling = failureOf(a.services.call('middle', 'ask', null, { signal: abort.signal }))
    await waitUntil(() => seen.length === 2)
    abort.abort()
    assert.equal((await calling).code, 'ERR_ABORTED')
    await waitUntil(() => aborted === 2)
  })

  it('are hedged only when they may happen twice, and the slower one is cancelled', async () => {
    const [a, b, c] = await form(['a', 'b', 'c'])
    assert.ok(a && b && c)
    let cancelled = 0
    let asked = 0
    for (const node of [b, c])
      node.services.register('search', {
        find: (_, { signal }) => {
          asked += 1
          if (asked % 2 === 0) return node.status().node.name
          return new Promise((resolve) => {
            signal.addEventListener('abort', () => {
              cancelled += 1
              resolve(null)
            })
          })
        },
      })
    await waitUntil(() => a.services.find('search').length === 2)
    const options = { idempotent: true, hedgeMs: 20 }
    assert.ok(['b', 'c'].includes(String(await a.services.call('search', 'find', null, options))))
    await waitUntil(() => cancelled === 1)
    const refused = await failureOf(a.services.call('search', 'find', null, { hedgeMs: 20 }))
    assert.equal(refused.code, 'ERR_BAD_OPTIONS')
    assert.equal(asked, 2)
    for (const hedgeMs of [2 ** 40, Number.POSITIVE_INFINITY]) {
      asked = 0
      const patient = { ...options, hedgeMs, deadlineMs: 100 }
      const late = await failureOf(a.services.call('search', 'find', null, patient))
      assert.deepEqual([late.code, asked], ['ERR_DEADLINE_EXCEEDED', 1], 'never is not at once')
    }
    // Ten and a tenth of the calls: a slow service is not asked twice as often.
    const slow = () => failureOf(a.services.call('search', 'find', null, { ...options, deadlineMs: 200 }))
    asked = -1_000
    await Promise.all(Array.from({ length: 40 }, () => slow().catch(() => {})))
    assert.ok(asked + 1_000 <= 40 + 14, `${asked + 1_000} were asked`)
  })

  it('do not multiply over three hops, though each of them asks twice', async () => {
    const [a, ...others] = await form(['a', 'b', 'c'])
    assert.ok(a)
    const options = { idempotent: true, hedgeMs: 5 }
    let asked = 0
    // What is still on its way when its deadline is over belongs to its own round, which bears the name of its
    // deadline.
    let deadlineMs = 500
    for (const node of others) {
      node.services.register('first', { do: (round) => node.services.call('second', 'do', round, options) })
      node.services.register('second', { do: (round) => node.services.call('third', 'do', round, options) })
      node.services.register('third', {
        do: (round, { signal }) => {
          if (round === deadlineMs) asked += 1
          return new Promise((resolve) => signal.addEventListener('abort', () => resolve(null)))
        },
      })
    }
    const names = ['first', 'second', 'third']
    await waitUntil(() =>
      [a, ...others].every(({ services }) => names.every((name) => services.find(name).length === 2)),
    )
    for (; ; deadlineMs *= 2) {
      asked = 0
      const late = await failureOf(a.services.call('first', 'do', deadlineMs, { ...options, deadlineMs }))
      assert.equal(late.code, 'ERR_DEADLINE_EXCEEDED')
      if (asked >= 2) break
    }
    // Twice at each hop would be eight.
    assert.ok(asked <= 1 + CALL_RETRIES, `${asked} were asked`)
  })

  it('are measured by who calls whom', async () => {
    const [a, b, c] = await form(['a', 'b', 'c'])
    assert.ok(a && b && c)
    c.services.register('ledger', { book: (cents) => (cents === 0 ? Promise.reject(new Error('nothing')) : cents) })
    b.services.register('billing', { charge: (cents) => b.services.call('ledger', 'book', cents) })
    await waitUntil(() => a.services.find('billing').length === 1 && b.services.find('ledger').length === 1)
    for (const cents of [1, 2, 0]) await a.services.call('billing', 'charge', cents).catch(() => {})
    const { edges, missing } = await c.services.callGraph()
    const told = edges.map(({ from, member, to, calls, errors }) => ({ from, member, to, calls, errors }))
    told.sort((one, other) => (one.to < other.to ? -1 : 1))
    assert.deepEqual(told, [
      { from: '', member: 'a', to: 'billing', calls: 3, errors: 1 },
      { from: 'billing', member: 'b', to: 'ledger', calls: 3, errors: 1 },
    ])
    assert.deepEqual(missing, [])
    assert.ok(edges.every(({ rate, latencyMs }) => rate > 0 && latencyMs > 0))
  })

  it('are answered while others that came with them still wait for their turn', async () => {
    const [a, b] = await form(['a', 'b'])
    assert.ok(a && b)
    let served = 0
    b.services.register('busy', {
      work: () => {
        for (const end = performance.now() + 1; performance.now() < end; );
        served += 1
        return served
      },
    })
    await a.services.waitFor('busy')
    const calls = Array.from({ length: 100 }, () => a.services.call('busy', 'work'))
    await calls[0]
    assert.ok(served < calls.length, 'the first is answered before all are served')
    const order = Array.from({ length: calls.length }, (_, at) => at + 1)
    assert.deepEqual(await Promise.all(calls), order, 'they are served in the order in which they were made')
  })
})
