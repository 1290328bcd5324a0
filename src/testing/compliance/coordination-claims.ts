// The second half of the contract of a coordination store: what members hold for a while, and what they count.

import assert from 'node:assert/strict'
import { isClusterError } from '../../errors.ts'
import type { Fact } from './coordination-store.ts'
import { turns, waitUntil } from './wait-until.ts'

const leaseMs = 10_000

export function claimCases(fact: Fact): void {
  lockCases(fact)
  sharedCases(fact)
}

function lockCases(fact: Fact): void {
  fact('gives a lock to one at a time, first come, first served, with growing tokens', async ({ a, b }) => {
    const first = await a.locks.acquire('queue', { owner: 'first' })
    const order: string[] = []
    const enter = async (node: typeof a, owner: string): Promise<void> => {
      await using lock = await node.locks.acquire('queue', { owner, waitMs: 20_000 })
      order.push(owner)
      tokens.push(lock.token)
    }
    const tokens = [first.token]
    const waiting = async (): Promise<readonly string[]> =>
      (await a.locks.list()).find(({ name }) => name === 'queue')!.waiting
    const others: Promise<void>[] = []
    for (const [node, owner] of [
      [b, 'second'],
      [a, 'third'],
      [b, 'fourth'],
    ] as const) {
      others.push(enter(node, owner))
      await until(async () => (await waiting()).includes(owner))
    }
    assert.deepEqual(await waiting(), ['second', 'third', 'fourth'])
    await first[Symbol.asyncDispose]()
    await Promise.all(others)
    assert.deepEqual(order, ['second', 'third', 'fourth'])
    assert.deepEqual(
      tokens,
      tokens.toSorted((x, y) => x - y),
    )
    assert.equal(new Set(tokens).size, 4)
  })

  fact('says who holds a lock to whoever does not wait, or asks twice', async ({ a, b }) => {
    await using held = await a.locks.acquire('held', { owner: 'holder' })
    const isHeld = (error: unknown): boolean => {
      assert.ok(isClusterError(error, 'ERR_LOCK_HELD'))
      assert.deepEqual(error.details, { name: 'held', owner: 'holder', token: held.token })
      return true
    }
    await assert.rejects(b.locks.acquire('held', { waitMs: 0 }), isHeld)
    await assert.rejects(a.locks.acquire('held', { owner: 'holder' }), isHeld)
    await assert.rejects(b.locks.acquire('held', { waitMs: 50 }), isHeld)
    assert.deepEqual((await b.locks.list()).find(({ name }) => name === 'held')?.waiting, [])
  })

  fact('lets whoever waits go, and go on without it', async ({ a, b }) => {
    const held = await a.locks.acquire('left')
    const abort = new AbortController()
    const leaving = b.locks.acquire('left', { signal: abort.signal, waitMs: 20_000, owner: 'leaver' })
    const waits = async (): Promise<boolean> => (await a.locks.list()).some(({ waiting }) => waiting.includes('leaver'))
    await until(waits)
    abort.abort()
    await assert.rejects(leaving, (error) => isClusterError(error, 'ERR_ABORTED'))
    await until(async () => !(await waits()))
    await held[Symbol.asyncDispose]()
    await using next = await b.locks.acquire('left', { waitMs: 0 })
    assert.ok(next.token > 0)
  })

  fact('takes a lock back by its token, and refuses a stale one', async ({ a, b }) => {
    const grant = await a.locks.grant('granted', { owner: 'outside', leaseMs })
    assert.ok(grant.expiresInMs > 0 && grant.expiresInMs <= leaseMs)
    assert.equal((await b.locks.renew('granted', grant.token)).token, grant.token)
    await b.locks.release('granted', grant.token)
    const isStale = (error: unknown): boolean => isClusterError(error, 'ERR_STALE_TOKEN') && error.details.current === 0
    await assert.rejects(a.locks.release('granted', grant.token), isStale)
    await assert.rejects(a.locks.renew('granted', grant.token), isStale)
    const next = await a.locks.grant('granted', { owner: 'outside', leaseMs })
    assert.ok(next.token > grant.token)
    await assert.rejects(
      b.locks.release('granted', grant.token),
      (error) => isClusterError(error, 'ERR_STALE_TOKEN') && error.details.current === next.token,
    )
    await a.locks.release('granted', next.token)
  })

  fact(
    'ends a lease that nobody renews, no earlier than it says, and keeps one whose holder lives',
    async ({ a, b }) => {
      await using alive = await a.locks.acquire('alive', { leaseMs: 2_000 })
      const { token } = alive
      const begun = performance.now()
      const grant = await a.locks.grant('short', { owner: 'outside', leaseMs: 2_000 })
      await using next = await b.locks.acquire('short', { waitMs: 20_000 })
      assert.ok(performance.now() - begun >= 2_000)
      assert.ok(next.token > grant.token)
      await assert.rejects(b.locks.acquire('alive', { waitMs: 0 }), (error) => isClusterError(error, 'ERR_LOCK_HELD'))
      assert.equal(alive.token, token)
    },
  )

  fact('aborts the signal of what was given back, and lends out its token no more', async ({ a }) => {
    const lock = await a.locks.acquire('signal')
    assert.equal(lock.signal.aborted, false)
    await lock[Symbol.asyncDispose]()
    assert.equal(lock.signal.aborted, true)
    assert.throws(
      () => lock.token,
      (error) => isClusterError(error, 'ERR_LEASE_LOST'),
    )
  })
}

function sharedCases(fact: Fact): void {
  fact('gives a semaphore to as many as it has permits', async ({ a, b }) => {
    const first = await a.semaphores.acquire('few', { permits: 2 })
    const second = await b.semaphores.acquire('few', { permits: 2, waitMs: 0 })
    await assert.rejects(a.semaphores.acquire('few', { permits: 2, waitMs: 0 }), (error) =>
      isClusterError(error, 'ERR_LOCK_HELD'),
    )
    await assert.rejects(a.semaphores.acquire('few', { permits: 3 }), (error) =>
      isClusterError(error, 'ERR_BAD_OPTIONS'),
    )
    const waiting = a.semaphores.acquire('few', { permits: 2, waitMs: 20_000 })
    await first[Symbol.asyncDispose]()
    const third = await waiting
    assert.ok(third.token > second.token)
    await second[Symbol.asyncDispose]()
    await third[Symbol.asyncDispose]()
  })

  fact('elects one, and tells who it is', async ({ a, b }) => {
    const seen: (string | undefined)[] = []
    const abort = new AbortController()
    const observing = (async () => {
      for await (const leader of b.elections.observe('chief', { signal: abort.signal })) seen.push(leader?.owner)
    })()
    const first = await a.elections.campaign('chief', { owner: 'a', value: { at: 'home' } })
    assert.deepEqual(await b.elections.leader('chief'), { owner: 'a', value: { at: 'home' }, token: first.token })
    await waitUntil(() => seen.includes('a'))
    const { token } = first
    const next = b.elections.campaign('chief', { owner: 'b' })
    await first[Symbol.asyncDispose]()
    const second = await next
    assert.ok(second.token > token)
    await waitUntil(() => seen.at(-1) === 'b')
    await second[Symbol.asyncDispose]()
    await waitUntil(() => seen.at(-1) === undefined)
    assert.equal(await a.elections.leader('chief'), undefined)
    abort.abort()
    await observing
  })

  fact('opens a barrier for all when all have come, round after round', async ({ a, b }) => {
    for (let round = 0; round < 3; round++) {
      let passed = 0
      const enter = async (node: typeof a, owner: string): Promise<void> => {
        await node.barriers.enter('gate', { parties: 3, owner })
        passed += 1
      }
      const early = [enter(a, 'one'), enter(b, 'two')]
      await until(async () =>
        (await a.locks.list()).some(({ name, waiting }) => name === 'gate' && waiting.length === 2),
      )
      assert.equal(passed, 0)
      await Promise.all([...early, enter(a, 'three')])
    }
  })

  fact('takes a party out of a barrier that does not fill in time', async ({ a, b }) => {
    await assert.rejects(a.barriers.enter('slow', { parties: 2, waitMs: 50 }), (error) =>
      isClusterError(error, 'ERR_TIMEOUT'),
    )
    await assert.rejects(b.barriers.enter('slow', { parties: 2, waitMs: 50 }), (error) =>
      isClusterError(error, 'ERR_TIMEOUT'),
    )
  })

  fact('counts every addition once, and gives no sum twice', async ({ a, b }) => {
    const sums = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? a : b).counters.add('sum', 2)))
    assert.deepEqual(
      sums.toSorted((x, y) => x - y),
      Array.from({ length: 20 }, (_, i) => 2 * (i + 1)),
    )
    assert.equal(await a.counters.add('sum', -40), 0)
    assert.equal(await b.counters.get('sum'), 0)
    assert.equal(await b.counters.get('none'), 0)
    await assert.rejects(a.counters.add('sum', Number.MAX_SAFE_INTEGER + 1), (error) =>
      isClusterError(error, 'ERR_BAD_OPTIONS'),
    )
  })

  fact('hosts a singleton on one node, and finds it from every node', async ({ a, b }) => {
    const offer = (node: typeof a, where: string) => node.singletons.host('only', () => ({ onRequest: () => where }))
    const first = offer(a, 'a')
    assert.equal(await b.singletons.call('only', null), 'a')
    const second = offer(b, 'b')
    await first[Symbol.asyncDispose]()
    assert.equal(await a.singletons.call('only', null), 'b')
    await second[Symbol.asyncDispose]()
    await until(async () => (await a.singletons.holder('only')) === undefined)
  })
}

/** Looks again and again, by a question to the store. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, `still not: ${condition}`)
    await turns(10)
  }
}
