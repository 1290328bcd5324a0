import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ClusterCommand, raftPresets } from '../../../consensus/index.ts'
import { knowledgeOfVoter } from '../../../src/coordination/knowledge.ts'
import { ClusterError } from '../../../src/errors.ts'
import { DEADLINE_MS, turns, waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { Network } from './voters.ts'

const forever = new AbortController().signal
const bind = (name: string) => ({ type: 'bind-name', name, id: `id-${name}`, replaces: undefined }) as const

describe('three voters', () => {
  it('elect one of them, which hosts S5, and all know so', async () => {
    const network = await Network.of(['a', 'b', 'c'])
    const leader = await network.leader()
    await waitUntil(() => leader.hosting.length === 1)
    const token = leader.voter.machine.singleton('s5')?.token ?? 0
    assert.deepEqual(leader.hosting, [`start ${token}`])
    assert.equal(leader.voter.holds(token), true)
    assert.equal(leader.voter.holds(token + 1), false)
    const known = () => [...network.voters.values()].map(({ id, voter }) => knowledgeOfVoter(voter, id))
    await waitUntil(() => known().every(({ s5 }) => s5.phase === 'active'))
    for (const { leader: name, quorum, s5, voters } of known()) {
      assert.deepEqual([name, quorum, voters], [leader.id, true, ['a', 'b', 'c']])
      assert.deepEqual(s5, { host: leader.id, phase: 'active', token })
    }
    assert.equal(network.others(leader).flatMap(({ hosting }) => hosting).length, 0)
  })

  it('commit what the leader proposes, on all machines, and answer', async () => {
    const network = await Network.of(['a', 'b', 'c'])
    const leader = await network.leader()
    const reply = await leader.voter.propose(bind('x'), forever)
    assert.equal(reply.type, 'ok')
    await waitUntil(() => [...network.voters.values()].every(({ voter }) => voter.machine.names.holder('x') === 'id-x'))
    const again = await leader.voter.propose({ ...bind('x'), id: 'other' }, forever)
    assert.equal(again.type, 'name-taken')
  })

  it('tell of what clients keep apart from what members go by', async () => {
    const network = await Network.of(['a', 'b', 'c'])
    const leader = await network.leader()
    await waitUntil(() => leader.hosting.length === 1)
    const all = [...network.voters.values()]
    /** What each was told of `command`, two turns after it was applied. */
    const newsOf = async (command: ClusterCommand): Promise<string[]> => {
      for (const { news } of all) news.length = 0
      await leader.voter.propose(command, forever)
      await waitUntil(() => all.every(({ voter }) => voter.applied.index === leader.voter.applied.index))
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
      return all.map(({ news }) => news.join())
    }
    await newsOf(bind('x'))
    assert.deepEqual(await newsOf({ type: 'open-session' }), ['of clients', 'of clients', 'of clients'])
    assert.deepEqual(await newsOf(bind('y')), ['of members', 'of members', 'of members'])
  })

  it('refuse a proposal where nobody leads it, and name the leader', async () => {
    const network = await Network.of(['a', 'b', 'c'])
    const leader = await network.leader()
    const [follower] = network.others(leader)
    await waitUntil(() => follower?.voter.view().leader === leader.id)
    await assert.rejects(follower?.voter.propose(bind('x'), forever) ?? Promise.resolve(), (error: unknown) => {
      assert.ok(error instanceof ClusterError)
      assert.deepEqual(
        [error.code, error.details, error.mayHaveHappened],
        ['ERR_NOT_LEADER', { leader: leader.id }, false],
      )
      return true
    })
  })

  it('without the old leader elect another; the old one has stopped S5 before the new one starts it', async () => {
    const network = await Network.of(['a', 'b', 'c'])
    const old = await network.leader()
    await waitUntil(() => old.hosting.length === 1)
    network.cut.add(old.id)
    const stopped = waitUntil(() => old.hosting.length === 2).then(() => performance.now())
    const next = await network.leader()
    const started = waitUntil(() => next.hosting.length === 1).then(() => performance.now())
    assert.ok((await stopped) <= (await started))
    assert.match(old.hosting[1] ?? '', /^stop \d+ lease-lapsed$/)
    const tokens = [old, next].map(({ hosting }) => Number(hosting[0]?.split(' ')[1]))
    assert.ok((tokens[1] ?? 0) > (tokens[0] ?? 0), String(tokens))
    // The minority knows it: no leader, no host, once a majority has been silent for the longest election.
    await waitUntil(() => old.voter.view().role !== 'leader')
    const { leader, quorum, s5 } = knowledgeOfVoter(old.voter, old.id)
    assert.deepEqual([leader, quorum, s5.host, s5.phase], [undefined, false, undefined, 'inactive'])
  })

  it('end a proposal that a deposed leader had accepted as one that may have happened', async () => {
    const network = await Network.of(['a', 'b', 'c'])
    const old = await network.leader()
    network.cut.add(old.id)
    const error = await old.voter.propose(bind('x'), forever).then(
      () => assert.fail('it resolved'),
      (reason: unknown) => reason,
    )
    assert.ok(error instanceof ClusterError)
    assert.deepEqual([error.code, error.mayHaveHappened], ['ERR_NOT_LEADER', true])
  })

  it('end a wait for a commit with the reason of its signal', async () => {
    const network = await Network.of(['a', 'b', 'c'])
    const leader = await network.leader()
    network.cut.add(leader.id)
    const abort = new AbortController()
    const proposal = leader.voter.propose(bind('x'), abort.signal)
    abort.abort(new Error('enough'))
    await assert.rejects(proposal, /enough/)
    await assert.rejects(leader.voter.propose(bind('y'), abort.signal), /enough/)
  })
})

describe('a leader that resigns', () => {
  it('stops S5, commits its release, gives up leadership; its successor need not wait for the lease', async () => {
    const network = await Network.of(['a', 'b', 'c'])
    const old = await network.leader()
    await waitUntil(() => old.hosting.length === 1)
    const token = Number(old.hosting[0]?.split(' ')[1])
    await old.voter.resign(AbortSignal.timeout(30_000))
    assert.notEqual(old.voter.view().role, 'leader')
    assert.deepEqual(old.hosting.slice(1), [`stop ${token} released`])
    assert.equal(old.voter.machine.singleton('s5')?.released, true)
    network.cut.add(old.id)
    for (const { voter } of network.others(old)) voter.disconnected(old.id, true)
    const next = await network.leader()
    await waitUntil(() => next.hosting.length === 1)
    // It had won less than a lease ago, and hosts already.
    const { leaderSince = 0 } = next.voter.view()
    assert.ok(performance.now() - leaderSince < raftPresets.local.leaseMs, `${performance.now() - leaderSince}`)
  })

  it('does so within the time it is given, even alone', async () => {
    const network = await Network.of(['a', 'b', 'c'])
    const leader = await network.leader()
    await waitUntil(() => leader.hosting.length === 1)
    network.cut.add(leader.id)
    await leader.voter.resign(AbortSignal.timeout(30))
    assert.notEqual(leader.voter.view().role, 'leader')
    assert.match(leader.hosting[1] ?? '', /^stop \d+ /)
  })

  it('waits for nothing when all others are gone: nobody could be told', async () => {
    const network = await Network.of(['a', 'b', 'c'])
    const leader = await network.leader()
    await waitUntil(() => leader.hosting.length === 1)
    for (const { id } of network.others(leader)) for (const gone of [network.cut, network.unlinked]) gone.add(id)
    await leader.voter.resign(new AbortController().signal)
    assert.notEqual(leader.voter.view().role, 'leader')
  })

  it('has nothing to give up when it does not lead', async () => {
    const network = await Network.of(['a', 'b', 'c'])
    const [follower] = network.others(await network.leader())
    await follower?.voter.resign(AbortSignal.timeout(30_000))
    assert.deepEqual(follower?.hosting, [])
  })
})

describe('a voter', () => {
  it('alone leads, and comes back with what was acknowledged', async () => {
    const network = await Network.of(['a'])
    const before = await network.leader()
    await before.voter.propose(bind('x'), forever)
    const { term } = before.voter.view()
    const log = before.log.reopen()
    await before.voter.close()
    const again = await network.open('a', log)
    await waitUntil(() => again.voter.machine.names.holder('x') === 'id-x')
    assert.ok(again.voter.view().term > term)
    await waitUntil(() => again.hosting.length === 1)
    const [first, second] = [before, again].map(({ hosting }) => Number(hosting[0]?.split(' ')[1]))
    assert.ok((second ?? 0) > (first ?? 0))
  })

  it('that has much to apply does so bit by bit, and waits for nothing else to happen between', async () => {
    const still = { heartbeatIntervalMs: 100_000, electionTimeoutMinMs: 300_000, electionTimeoutMaxMs: 400_000 }
    const network = await Network.of(['a'], {}, { ...still, leaseMs: 250_000, maxEntriesPerStep: 4 })
    const before = await network.leader()
    const names = Array.from({ length: 200 }, (_, at) => `x${at}`)
    const deadline = AbortSignal.timeout(DEADLINE_MS)
    await Promise.all(names.map((name) => before.voter.propose(bind(name), deadline)))
    const log = before.log.reopen()
    await before.voter.close()
    const { machine } = (await network.open('a', log)).voter
    const held = new Set<number>()
    /** In each turn of the event loop. */
    const look = (): void => {
      held.add(names.filter((name) => machine.names.holder(name) === `id-${name}`).length)
      if (!held.has(names.length) && !deadline.aborted) setImmediate(look)
    }
    look()
    await waitUntil(() => held.has(names.length))
    assert.ok(held.size >= names.length / 4, `what was there in each turn: ${[...held]}`)
  })

  it('whose disk fails says so once, and acknowledges nothing any more', async () => {
    let isBroken = false
    const flush = async () => {
      if (isBroken) throw new Error('no space left')
    }
    const network = await Network.of(['a'], { a: { flush } })
    const { voter, failures } = await network.leader()
    await waitUntil(() => voter.machine.singleton('s5') !== undefined)
    isBroken = true
    const proposal = voter.propose(bind('x'), forever)
    await waitUntil(() => failures.length === 1)
    assert.equal((failures[0] as ClusterError).code, 'ERR_DISK')
    const second = voter.propose(bind('y'), forever)
    const ends = Promise.allSettled([proposal, second])
    await voter.close()
    for (const [at, end] of (await ends).entries()) {
      assert.equal(end.status, 'rejected')
      assert.equal((end.reason as ClusterError).code, 'ERR_SHUTTING_DOWN')
      assert.equal((end.reason as ClusterError).mayHaveHappened, at === 0, 'the second one was not begun')
    }
    assert.equal(voter.machine.names.holder('x'), undefined)
    assert.equal(failures.length, 1)
  })

  it('whose disk hangs while it leads steps down, and another one leads, which takes commands', async () => {
    const hanging = new Set<string>()
    const released = Promise.withResolvers<void>()
    const flushOf = (id: string) => ({
      flush: () => (hanging.has(id) ? released.promise : Promise.resolve()),
    })
    const ids = ['a', 'b', 'c']
    const network = await Network.of(ids, Object.fromEntries(ids.map((id) => [id, flushOf(id)])))
    const leader = await network.leader()
    await waitUntil(() => leader.hosting.length === 1)
    hanging.add(leader.id)
    // Its followers would commit without it: only its own disk is in the way.
    leader.voter.propose(bind('x'), forever).catch(() => {})
    await waitUntil(() => leader.voter.view().role !== 'leader')
    await waitUntil(() => network.others(leader).some(({ voter }) => voter.view().role === 'leader'))
    const next = network.others(leader).find(({ voter }) => voter.view().role === 'leader')!
    assert.equal((await next.voter.propose(bind('y'), forever)).type, 'ok')
    assert.match(leader.hosting.at(-1) ?? '', /^stop/)
    released.resolve()
  })

  it('that was away for as long as its lease stops S5 before anything else, and starts it with a larger token', async () => {
    const network = await Network.of(['a', 'b', 'c'])
    const leader = await network.leader()
    await waitUntil(() => leader.hosting.length === 1)
    const token = Number(leader.hosting[0]?.split(' ')[1])
    leader.voter.away({ ms: raftPresets.local.leaseMs, suspendedMs: 0 })
    assert.deepEqual(leader.hosting.slice(1), [`stop ${token} away`])
    assert.equal(leader.voter.holds(token), false)
    await waitUntil(() => [...network.voters.values()].some(({ hosting }) => hosting.at(-1)?.startsWith('start')))
    const latest = [...network.voters.values()].flatMap(({ hosting }) => hosting.at(-1) ?? [])
    const started = latest.filter((line) => line.startsWith('start')).map((line) => Number(line.split(' ')[1]))
    assert.ok(
      started.every((larger) => larger > token),
      String(latest),
    )
  })

  it('that was suspended however shortly stops S5', async () => {
    const network = await Network.of(['a'])
    const leader = await network.leader()
    await waitUntil(() => leader.hosting.length === 1)
    leader.voter.away({ ms: 30, suspendedMs: 30 })
    assert.match(leader.hosting[1] ?? '', /^stop \d+ away$/)
  })

  it('that was busy for less than its lease keeps S5', async () => {
    const network = await Network.of(['a'])
    const leader = await network.leader()
    await waitUntil(() => leader.hosting.length === 1)
    leader.voter.away({ ms: raftPresets.local.leaseMs - 1, suspendedMs: 0 })
    assert.equal(leader.hosting.length, 1)
  })

  it('that is closed takes nothing, ends what waited, and closes its log', async () => {
    const network = await Network.of(['a', 'b', 'c'])
    const leader = await network.leader()
    // Somebody has caught up and could succeed: so the resignation gives Raft what was proposed before it.
    await leader.voter.propose(bind('w'), forever)
    network.cut.add(leader.id)
    const proposal = leader.voter.propose(bind('x'), forever)
    const resigned = leader.voter.resign(forever)
    await turns(1)
    await leader.voter.close()
    await assert.rejects(proposal, { code: 'ERR_SHUTTING_DOWN', mayHaveHappened: true })
    await resigned
    assert.equal(leader.log.closed, true)
    const { term } = leader.voter.view()
    leader.voter.receive('b', 'store-b', { type: 'vote', term: term + 5, round: 1, lastIndex: 100, lastTerm: term + 4 })
    assert.equal(leader.voter.view().term, term)
  })
})
