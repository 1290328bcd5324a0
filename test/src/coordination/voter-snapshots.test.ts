// What a voter does beside agreeing on commands: reads, handing over, snapshots, learners. Real cores on logs in
// memory.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isClusterError } from '../../../src/errors.ts'
import { MemoryLog } from '../../../src/storage/memory.ts'
import { turns, waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { Network, type VoterUnderTest } from './voters.ts'

const forever = new AbortController().signal
const bind = (name: string) => ({ type: 'bind-name', name, id: `id-${name}`, replaces: undefined }) as const
const ids = ['a', 'b', 'c']
/** Snapshots every few entries, and a log that keeps next to nothing behind them. */
const often = { snapshotEveryEntries: 20, snapshotTrailingEntries: 2, snapshotChunkBytes: 500 }

async function bindMany(leader: VoterUnderTest, from: number, to: number): Promise<void> {
  for (let number = from; number <= to; number++) await leader.voter.propose(bind(`name-${number}`), forever)
}

function holds({ voter }: VoterUnderTest, number: number): boolean {
  return voter.machine.names.holder(`name-${number}`) === `id-name-${number}`
}

describe('a read', () => {
  it('shows what was acknowledged before it, on the leader and on every follower', async () => {
    const network = await Network.of(ids)
    const leader = await network.leader()
    for (let number = 1; number <= 20; number++) {
      await leader.voter.propose(bind(`name-${number}`), forever)
      for (const member of network.voters.values()) {
        await member.voter.read(forever)
        assert.ok(holds(member, number), `${member.id} lacks name ${number}`)
      }
    }
  })

  it('is refused where no leader is known, and ends with its signal where no majority answers', async () => {
    const network = await Network.of(ids)
    const leader = await network.leader()
    await leader.voter.read(forever)
    for (const { id } of network.others(leader)) network.cut.add(id)
    await assert.rejects(leader.voter.read(AbortSignal.timeout(50)), { name: 'TimeoutError' })
    const pending = leader.voter.read(forever)
    await assert.rejects(pending, (error) => isClusterError(error, 'ERR_NOT_LEADER'))
    await assert.rejects(leader.voter.read(forever), (error) => isClusterError(error, 'ERR_NOT_LEADER'))
  })
})

describe('a transfer', () => {
  it('makes the voter that is named the leader, and S5 starts there without a wait', async () => {
    const network = await Network.of(ids)
    const old = await network.leader()
    await waitUntil(() => old.hosting.length === 1)
    const [next] = network.others(old)
    await waitUntil(() => old.voter.followers().every(({ isCaughtUp }) => isCaughtUp))
    assert.equal(await old.voter.transfer(next!.id, forever), next!.id)
    assert.equal(next!.voter.view().role, 'leader')
    await waitUntil(() => next!.hosting.length === 1)
    assert.match(old.hosting.at(-1) ?? '', /^stop \d+ released$/)
    assert.equal(next!.voter.machine.singleton('s5')?.host, next!.id)
  })

  it('is refused where nobody leads, and to one that is no voter; nothing has changed then', async () => {
    const network = await Network.of(ids)
    const leader = await network.leader()
    await waitUntil(() => leader.hosting.length === 1)
    const [follower] = network.others(leader)
    await assert.rejects(follower!.voter.transfer(undefined, forever), (error) =>
      isClusterError(error, 'ERR_NOT_LEADER'),
    )
    await assert.rejects(leader.voter.transfer('nobody', forever), (error) => isClusterError(error, 'ERR_BAD_REQUEST'))
    assert.equal(leader.hosting.length, 1)
  })

  it('to one that is gone comes to nothing, and S5 is hosted again', async () => {
    const network = await Network.of(ids)
    const leader = await network.leader()
    await waitUntil(() => leader.hosting.length === 1)
    await waitUntil(() => leader.voter.followers().every(({ isCaughtUp }) => isCaughtUp))
    const [gone] = network.others(leader)
    network.cut.add(gone!.id)
    await assert.rejects(leader.voter.transfer(gone!.id, forever), (error) => isClusterError(error, 'ERR_TIMEOUT'))
    await waitUntil(() => leader.hosting.length === 3 && leader.voter.phase() === 'active')
  })

  for (const [what, meanwhile] of [
    ['S5 is to take a new token', (leader: VoterUnderTest) => leader.voter.renewHosting()],
    ['whoever asked gives up', (_: VoterUnderTest, asking: AbortController) => asking.abort(new Error('enough'))],
  ] as const)
    it(`in which ${what} keeps S5 drained until it has ended`, async () => {
      const network = await Network.of(ids)
      const leader = await network.leader()
      await waitUntil(() => leader.hosting.length === 1)
      await waitUntil(() => leader.voter.followers().every(({ isCaughtUp }) => isCaughtUp))
      const [gone] = network.others(leader)
      network.cut.add(gone!.id)
      const asking = new AbortController()
      const refused = assert.rejects(leader.voter.transfer(gone!.id, asking.signal))
      await waitUntil(() => leader.voter.view().transferringTo === gone!.id)
      meanwhile(leader, asking)
      await turns(2)
      assert.deepEqual([leader.voter.view().transferringTo, leader.voter.phase()], [gone!.id, 'draining'])
      await refused
      await waitUntil(() => leader.hosting.length === 3 && leader.voter.phase() === 'active')
    })
})

describe('snapshots', () => {
  it('are taken as the log grows, and a restart begins with them', async () => {
    const network = await Network.of(ids, {}, often)
    const leader = await network.leader()
    await bindMany(leader, 1, 100)
    await waitUntil(() => [...network.voters.values()].every(({ log }) => (log.snapshots.latest?.index ?? 0) > 60))
    const [follower] = network.others(leader)
    const log = follower!.log.reopen()
    const { snapshot, base } = await log.reopen().load()
    assert.ok(base.index > 0 && base.index <= (snapshot?.index ?? 0))
    const again = await network.open(follower!.id, log.reopen())
    assert.ok(holds(again, 1))
    await waitUntil(() => holds(again, 100))
  })

  it('are taken when the log is large, however few its entries are', async () => {
    const network = await Network.of(['a'], {}, {}, 3_000)
    const leader = await network.leader()
    await waitUntil(() => leader.hosting.length === 1)
    const token = leader.voter.machine.singleton('s5')?.token ?? 0
    const decide = () =>
      leader.voter.propose({ type: 'decide', singleton: 's5', token, payload: new Uint8Array(1_000) }, forever)
    await decide()
    assert.equal(leader.log.snapshots.latest, undefined)
    for (let count = 0; count < 4; count++) await decide()
    await waitUntil(() => leader.log.snapshots.latest !== undefined)
  })

  it('bring one up that lacks what the log no longer has, in pieces', async () => {
    const network = await Network.of(ids, {}, often)
    const leader = await network.leader()
    const [behind] = network.others(leader)
    network.cut.add(behind!.id)
    await bindMany(leader, 1, 100)
    await waitUntil(() => (leader.log.snapshots.latest?.index ?? 0) > 60)
    network.cut.delete(behind!.id)
    await waitUntil(() => holds(behind!, 100))
    assert.ok(holds(behind!, 1))
    await behind!.voter.read(forever)
    const { base } = await behind!.log.reopen().load()
    assert.ok(base.index > 0, 'its log begins behind a snapshot')
  })

  it('stop the node when the disk fails under them', async () => {
    const network = await Network.of(['a'], {}, often)
    const leader = await network.leader()
    leader.log.snapshots.store = () => Promise.reject(new Error('no space'))
    await bindMany(leader, 1, 30)
    await waitUntil(() => leader.failures.length === 1)
  })
})

describe('a learner', () => {
  it('gets the log without a vote, and becomes a voter when it has caught up', async () => {
    const network = await Network.of(ids, {}, often)
    const leader = await network.leader()
    await bindMany(leader, 1, 50)
    const header = { clusterId: 'c', nodeId: 'd', storeId: 'store-d', voters: [] }
    const learner = await network.open('d', new MemoryLog(header))
    const { voters } = leader.voter.view().configuration
    const fourth = { id: 'd', storeId: 'store-d' }
    await leader.voter.reconfigure({ voters, learners: [fourth] }, forever)
    await waitUntil(() => holds(learner, 50))
    assert.deepEqual(learner.voter.voterIds, ids)
    await waitUntil(() => leader.voter.followers().some(({ id, isCaughtUp }) => id === 'd' && isCaughtUp))
    await waitUntil(() => leader.voter.view().configurationSettled)
    await leader.voter.reconfigure({ voters: [...voters, fourth], learners: [] }, forever)
    await waitUntil(() => learner.voter.voterIds.includes('d'))
  })
})
