import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TrellisNode } from '../../../src/index.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { addressOf, cluster } from './clusters.ts'

/** A text whose JSON has as many bytes as a value of a call may have. */
const largest = 'x'.repeat(1024 * 1024 - 2)
const patient = { deadlineMs: 30_000 }

/**
 * A member of a cluster that may call the service `large` of another; `size`: members of each, the first is its
 * gateway, the last the caller or the owner.
 */
async function caller(size: 1 | 2): Promise<TrellisNode> {
  const east = await cluster('east', ['e1', 'e2'].slice(0, size), { e1: { listen: '127.0.0.1:0', exports: ['*'] } })
  const gateways = [addressOf(east[0]!)]
  const west = (await cluster('west', ['w1', 'w2'].slice(0, size), { w1: { gateways } })).at(-1)!
  east.at(-1)!.services.register('large', {
    echo: (value) => value,
    give: (bytes) => 'x'.repeat(bytes as number),
    *list() {
      yield 'é'.repeat(30_000)
      yield largest
      yield largest
      yield 'last'
    },
  })
  await waitUntil(() => west.services.find('large').length === 1)
  return west
}

describe('what is as large as a call may be', () => {
  it('crosses clusters both ways', async () => {
    const west = await caller(2)
    for (const bytes of [largest.length - 100, largest.length - 12, largest.length])
      assert.equal(String(await west.services.call('large', 'give', bytes, patient)).length, bytes)
    assert.equal(await west.services.call('large', 'echo', largest, patient), largest)
  })

  it('crosses clusters as items of a stream', async () => {
    const west = await caller(2)
    const lengths: number[] = []
    for await (const item of west.services.stream('large', 'list', null, patient)) lengths.push(String(item).length)
    assert.deepEqual(lengths, [30_000, largest.length, largest.length, 4])
  })

  it('is answered to many at once', async () => {
    const west = await caller(1)
    const calls = Array.from({ length: 24 }, () => west.services.call('large', 'give', 1_000_000, patient))
    for (const answer of await Promise.all(calls)) assert.equal(String(answer).length, 1_000_000)
  })

  it('is answered or refused, and nothing in between, where too much of it is asked', async () => {
    const west = await caller(1)
    const calls = Array.from({ length: 40 }, () => west.services.call('large', 'echo', largest, patient))
    const ends = await Promise.allSettled(calls)
    const codes = ends.map((end) => (end.status === 'fulfilled' ? 'answered' : String(end.reason.code)))
    for (const code of codes) assert.match(code, /^(?:answered|ERR_BUFFER_FULL)$/)
    assert.ok(codes.includes('answered'))
    assert.equal(await west.services.call('large', 'echo', largest, patient), largest)
  })
})
