import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type ClusterError, createNode, type ElectedLeader, type Lease, type TrellisNode } from '../../../src/index.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { failureOf } from '../local-nodes.ts'

describe('what members hold, on voters and on a member without a log', () => {
  let voters: TrellisNode[]
  let guest: TrellisNode
  let all: TrellisNode[]
  before(async () => {
    const local = { listen: '127.0.0.1:0' } as const
    const first = await createNode({ ...local, name: 'a', expect: 3, timeoutMs: 1 })
    const others = ['b', 'c'].map((name) => createNode({ ...local, name, expect: 3, join: [first.address] }))
    voters = [first, ...(await Promise.all(others))]
    guest = await createNode({ ...local, name: 'guest', join: [first.address] })
    all = [...voters, guest]
    await Promise.all(all.map((node) => node.ready()))
  })
  after(() => Promise.all(all.map((node) => node.stop())))

  it('a lock is held by one at a time, in the order in which they asked, with growing tokens', async () => {
    let holders = 0
    const tokens: number[] = []
    const work = async (node: TrellisNode): Promise<void> => {
      await using lock = await node.locks.acquire('one')
      holders += 1
      assert.equal(holders, 1)
      tokens.push(lock.token)
      await node.config.set('one.work', node.name)
      assert.equal(lock.signal.aborted, false)
      holders -= 1
    }
    await Promise.all([...all, ...all].map(work))
    assert.equal(tokens.length, 8)
    assert.deepEqual(
      tokens,
      [...tokens].sort((a, b) => a - b),
    )
    assert.equal(new Set(tokens).size, 8)
  })

  it('who does not wait, or not long enough, or has it already, is told who holds it', async () => {
    await using lock = await voters[0]!.locks.acquire('busy', { owner: 'somebody' })
    for (const waitMs of [0, 1, 2, 5, 50]) {
      const error = await failureOf(guest.locks.acquire('busy', { waitMs }))
      assert.deepEqual(
        [error.code, error.details],
        ['ERR_LOCK_HELD', { name: 'busy', owner: 'somebody', token: lock.token }],
      )
    }
    assert.equal((await failureOf(guest.locks.acquire('busy', { owner: 'somebody' }))).code, 'ERR_LOCK_HELD')
    assert.deepEqual((await guest.locks.list()).find(({ name }) => name === 'busy')?.waiting, [])
  })

  it('a wait ends when the time of the whole call is over, with ERR_TIMEOUT, and leaves nothing in the queue', async () => {
    await using _lock = await guest.locks.acquire('timed')
    await using _leader = await guest.elections.campaign('timed')
    const wait = { timeoutMs: 400 }
    const calls = [
      voters[1]!.locks.acquire('timed', wait),
      guest.locks.grant('timed', { ...wait, owner: 'x', waitMs: 600_000 }),
      voters[0]!.elections.campaign('timed', wait),
      guest.barriers.enter('timed', { ...wait, parties: 2 }),
    ]
    for (const error of await Promise.all(calls.map(failureOf))) assert.equal(error.code, 'ERR_TIMEOUT')
    await waitUntilAsync(async () => (await queueOf('timed')).length === 0)
  })

  it('a wait on a node that stops ends with ERR_SHUTTING_DOWN', async () => {
    await using _lock = await guest.locks.acquire('stopping')
    const local = { listen: '127.0.0.1:0', name: 'going', roles: ['client'] } as const
    const going = await createNode({ ...local, join: [guest.address] })
    const waits = [
      going.locks.acquire('stopping', { waitMs: 60_000 }),
      going.locks.grant('stopping', { owner: 'x', waitMs: 60_000 }),
      going.elections.campaign('stopping').then(() => going.elections.campaign('stopping')),
      going.barriers.enter('stopping', { parties: 2 }),
    ].map((call) => failureOf(call))
    await waitUntilAsync(async () => (await guest.locks.list()).filter(({ name }) => name === 'stopping').length === 3)
    await waitUntilAsync(async () => (await queueOf('stopping')).length === 2)
    await going.stop()
    for (const wait of waits) assert.equal((await wait).code, 'ERR_SHUTTING_DOWN')
  })

  it('a wait ends with its signal, and leaves nothing in the queue', async () => {
    await using _lock = await guest.locks.acquire('aborted')
    const abort = new AbortController()
    const waiting = failureOf(voters[1]!.locks.acquire('aborted', { signal: abort.signal }))
    await waitUntilAsync(async () => (await queueOf('aborted')).length === 1)
    abort.abort()
    assert.equal((await waiting).code, 'ERR_ABORTED')
    await waitUntilAsync(async () => (await queueOf('aborted')).length === 0)
  })

  it('a claim that is on its way when its signal aborts is given back as soon as it is there', async () => {
    await using _lock = await guest.locks.acquire('on its way')
    for (let moments = 0; moments < 12; moments++) {
      const abort = new AbortController()
      const { signal } = abort
      const waiting = failureOf(voters[1]!.locks.acquire('on its way', { signal, leaseMs: 600_000 }))
      for (let moment = 0; moment < moments; moment++) await new Promise((resolve) => setImmediate(resolve))
      abort.abort()
      assert.equal((await waiting).code, 'ERR_ABORTED')
    }
    // A write of the same member comes after what it asked for before.
    await voters[1]!.config.set('on its way', true)
    await waitUntilAsync(async () => (await queueOf('on its way')).length === 0)
  })

  it('a claim that is on its way when its time is over is given back as soon as it is there', async () => {
    for (const timeoutMs of [0.1, 1, 2, 3]) {
      const late = { timeoutMs, leaseMs: 600_000 }
      const claims = [
        guest.locks.acquire('late', late),
        guest.locks.grant('late', { ...late, owner: 'script' }),
        guest.semaphores.acquire('late', { ...late, permits: 1 }),
        guest.elections.campaign('late', late),
      ]
      // One that was fast enough is given back in order; what was granted to a script is the script's.
      for (const [position, claim] of (await Promise.allSettled(claims)).entries()) {
        if (claim.status === 'rejected') assert.equal(claim.reason.code, 'ERR_TIMEOUT')
        else if (position === 1) await guest.locks.release('late', (await claims[1]!).token)
        else await (claim.value as Lease)[Symbol.asyncDispose]()
      }
    }
    await waitUntilAsync(async () => (await guest.locks.list()).every(({ name }) => name !== 'late'))
  })

  it("a grant whose caller gives up before the answer is nobody's, and given back", async () => {
    for (let moments = 0; moments < 30; moments++) {
      const abort = new AbortController()
      const { signal } = abort
      const granting = guest.locks.grant('unheard', { owner: `script ${moments}`, signal, leaseMs: 600_000 })
      for (let moment = 0; moment < moments; moment++) await new Promise((resolve) => setImmediate(resolve))
      abort.abort()
      const [outcome] = await Promise.allSettled([granting])
      if (outcome.status === 'fulfilled') await guest.locks.release('unheard', outcome.value.token)
    }
    await waitUntilAsync(async () => (await guest.locks.list()).every(({ name }) => name !== 'unheard'))
  })

  it('nothing is claimed for whoever has given up before', async () => {
    const gone = { signal: AbortSignal.abort() }
    const calls = [
      guest.locks.acquire('gone', gone),
      guest.locks.grant('gone', { ...gone, owner: 'x' }),
      guest.semaphores.acquire('gone', { ...gone, permits: 2 }),
      guest.elections.campaign('gone', gone),
      guest.barriers.enter('gone', { ...gone, parties: 2 }),
    ]
    for (const { code, mayHaveHappened } of await Promise.all(calls.map(failureOf)))
      assert.deepEqual([code, mayHaveHappened], ['ERR_ABORTED', false])
  })

  it('a lease is renewed while its holder lives, and ends when nobody renews it; a stale token gives nothing back', async () => {
    await using kept = await guest.locks.acquire('kept', { leaseMs: 1_500 })
    const { token, expiresInMs } = await voters[0]!.locks.grant('granted', { owner: 'script', leaseMs: 1_500 })
    assert.ok(expiresInMs > 0 && expiresInMs <= 1_500)
    const next = await guest.locks.acquire('granted')
    assert.ok(next.token > token)
    const error = await failureOf(voters[0]!.locks.release('granted', token))
    assert.deepEqual([error.code, error.details], ['ERR_STALE_TOKEN', { token, current: next.token }])
    assert.equal((await failureOf(voters[0]!.locks.renew('granted', token))).code, 'ERR_STALE_TOKEN')
    assert.ok(kept.token > 0)
    await next[Symbol.asyncDispose]()
    assert.throws(
      () => next.token,
      (thrown: ClusterError) => thrown.code === 'ERR_LEASE_LOST',
    )
    assert.equal((await failureOf(guest.locks.release('granted', 1))).code, 'ERR_STALE_TOKEN')
  })

  it('whose claim is ended by others loses it', async () => {
    const lock = await guest.locks.acquire('taken', { leaseMs: 300 })
    await voters[2]!.locks.release('taken', lock.token)
    await waitUntil(() => lock.signal.aborted)
  })

  it('a semaphore is held by as many as it has permits', async () => {
    const acquire = (node: TrellisNode) => node.semaphores.acquire('three', { permits: 3, waitMs: 100 })
    const outcomes = await Promise.allSettled(all.map(acquire))
    const held = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    assert.equal(held.length, 3)
    assert.equal((await failureOf(guest.semaphores.acquire('three', { permits: 2 }))).code, 'ERR_BAD_OPTIONS')
    await held[0]![Symbol.asyncDispose]()
    held[0] = await acquire(guest)
    await Promise.all(held.map((lease) => lease[Symbol.asyncDispose]()))
  })

  it('a barrier lets all pass when the last one has come, round after round', async () => {
    for (let round = 0; round < 3; round++) {
      let passed = 0
      const enter = (node: TrellisNode) => node.barriers.enter('gate', { parties: 4 }).then(() => passed++)
      const early = all.slice(1).map(enter)
      await waitUntilAsync(async () => (await queueOf('gate')).length === 3)
      assert.equal(passed, 0)
      await Promise.all([...early, enter(voters[0]!)])
    }
    assert.equal((await failureOf(guest.barriers.enter('gate', { parties: 2, waitMs: 20 }))).code, 'ERR_TIMEOUT')
    assert.deepEqual(await queueOf('gate'), [])
  })

  it('counters lose no addition, and never give the same sum twice', async () => {
    const sums = await Promise.all(all.flatMap((node) => Array.from({ length: 10 }, () => node.counters.add('hits'))))
    assert.equal(new Set(sums).size, 40)
    for (const node of all) assert.equal(await node.counters.get('hits'), 40)
    assert.equal(await guest.counters.add('hits', -40), 0)
    assert.equal(typeof guest.counters(), 'object')
    assert.equal((await failureOf(guest.counters.add('hits', 0.5))).code, 'ERR_BAD_OPTIONS')
  })

  it('an election has one leader; all can ask who, and watch', async () => {
    const abort = new AbortController()
    const seen: (ElectedLeader | undefined)[] = []
    const watching = (async () => {
      for await (const leader of guest.elections.observe('boss', { signal: abort.signal })) seen.push(leader)
    })()
    const first = await voters[0]!.elections.campaign('boss', { value: { at: 1 }, owner: 'first' })
    const second = guest.elections.campaign('boss', { owner: 'second' })
    for (const node of all)
      assert.deepEqual(await node.elections.leader('boss'), { owner: 'first', value: { at: 1 }, token: first.token })
    await waitUntil(() => seen.at(-1)?.owner === 'first')
    await first[Symbol.asyncDispose]()
    const lease: Lease = await second
    assert.ok(lease.token > 0)
    await waitUntil(() => seen.at(-1)?.owner === 'second')
    await lease[Symbol.asyncDispose]()
    await waitUntil(() => seen.at(-1) === undefined)
    abort.abort()
    await watching
    assert.equal(await guest.elections.leader('boss'), undefined)
  })

  it('bad options are refused before anything is sent', async () => {
    const { locks, barriers, semaphores } = guest
    const refusals: (() => Promise<unknown>)[] = [
      () => locks.acquire(''),
      () => locks.acquire('..'),
      () => locks.grant('.', { owner: 'x' }),
      () => locks.acquire('x'.repeat(129)),
      () => locks.acquire('x', { leaseMs: 99 }),
      () => locks.acquire('x', { leaseMs: 1.5e9 }),
      () => locks.acquire('x', { waitMs: -1 }),
      () => locks.acquire('x', { owner: '' }),
      () => locks.release('x', 0),
      () => semaphores.acquire('x', { permits: 0 }),
      () => barriers.enter('x', { parties: 1.5 }),
    ]
    for (const call of refusals) assert.equal((await failureOf(call())).code, 'ERR_BAD_OPTIONS')
  })

  it('a holder that stops gives back what it holds; a lock outlives the leader of the log', async () => {
    const leader = voters.find(({ name }) => name === guest.status().consensus.leader)!
    const others = all.filter((node) => node !== leader)
    const held = await leader.locks.acquire('handed', { leaseMs: 60_000 })
    const { token } = held
    const kept = await guest.locks.acquire('kept-on', { leaseMs: 60_000 })
    const next = others[0]!.locks.acquire('handed', { waitMs: 20_000 })
    await leader.stop()
    assert.equal(held.signal.aborted, true)
    assert.ok((await next).token > token)
    assert.ok(kept.token > 0)
    assert.equal((await failureOf(others[0]!.locks.acquire('kept-on', { waitMs: 0 }))).code, 'ERR_LOCK_HELD')
  })

  const queueOf = async (wanted: string) =>
    (await guest.locks.list()).find(({ name }) => name === wanted)?.waiting ?? []
})

/** Each look goes through the log, so that the others have their turns meanwhile. */
async function waitUntilAsync(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition()));
}
