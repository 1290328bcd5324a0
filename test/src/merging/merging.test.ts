// Two clusters that formed separately become one when they are told to, whoever is killed on the way; never by
// accident.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import type { TestNode } from '../../../src/testing/index.ts'
import { Lives } from '../../../src/testing/virtual/test-node.ts'
import { VirtualTime } from '../../../src/testing/virtual/virtual-time.ts'
import { VirtualWorld } from '../../../src/testing/virtual/virtual-world.ts'
import { agreed, start, stateOf } from '../local-nodes.ts'

class TwoClusters implements AsyncDisposable {
  readonly time = new VirtualTime({ patienceMs: 3_600_000, onForsaken: () => {} })
  readonly world: VirtualWorld
  readonly lives: readonly Lives[]

  private constructor(seed: number, names: readonly string[]) {
    this.world = new VirtualWorld(this.time, seed, 1)
    const addresses = names.map((_, i) => `127.0.0.1:${7_401 + i}`)
    this.lives = names.map((name, i) => {
      const half = names.length / 2
      const group = addresses.slice(i < half ? 0 : half, i < half ? half : names.length)
      return new Lives({
        name,
        options: { listen: addresses[i]!, name: name.replace('*', '') },
        introduction: { join: group.filter((address) => address !== addresses[i]), expect: half },
        world: this.world,
        onAsked: () => this.time.touch(),
        onReborn: () => {},
      })
    })
  }

  static async start(seed = 1, names: readonly string[] = ['a1', 'a2', 'a3', 'b1', 'b2', 'b3']): Promise<TwoClusters> {
    const both = new TwoClusters(seed, names)
    await Promise.all(both.lives.map((lives) => lives.start(true)))
    await both.until(() => both.nodes.every((node) => node.status().s5.phase === 'active'))
    return both
  }

  get nodes(): TestNode[] {
    return this.lives.map(({ face }) => face)
  }

  get ids(): Set<string | null> {
    return new Set(this.lives.map(({ node }) => node?.status().cluster.id ?? null))
  }

  async until(condition: () => boolean): Promise<void> {
    const deadline = this.time.now + 120_000
    while (!condition()) {
      assert.ok(this.time.now < deadline, `not so: ${condition}`)
      await this.time.look(20)
    }
  }

  /** As `trellis node` does it: who went over is started again. */
  async startAgain(): Promise<void> {
    for (const lives of this.lives) if (lives.state === 'ended') await lives.restart()
  }

  /** All are one cluster, in which all see all. */
  async areOne(): Promise<void> {
    const deadline = this.time.now + 120_000
    const isOne = (): boolean =>
      this.ids.size === 1 &&
      this.nodes.every(
        (node) => node.status().cluster.alive === this.lives.length && node.status().s5.phase === 'active',
      )
    while (!isOne()) {
      assert.ok(
        this.time.now < deadline,
        JSON.stringify(this.lives.map(({ name, state, node }) => [name, state, node?.status()])),
      )
      await this.startAgain()
      await this.time.look(20)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.lives.map((lives) => lives.end()))
    this.time[Symbol.dispose]()
  }
}

/** The leaders of both, and each one's data. */
const dataOf = async (node: TestNode, key: string) => (await node.config.get(key).catch(() => undefined))?.value

describe('two clusters under one name and secret', () => {
  it('become one when they are told to: the one that holds data stays, with all of it', async () => {
    await using both = await TwoClusters.start()
    const [a1, , , b1] = both.nodes as [TestNode, TestNode, TestNode, TestNode]
    await b1.config.set('kept', 'yes')
    const { id } = b1.status().cluster
    const planned = await b1.merge(a1.address, { dryRun: true })
    assert.deepEqual([planned.outcome, planned.plan?.keep, planned.plan?.stays.id], ['planned', 'ours', id])
    assert.deepEqual(planned.plan?.dissolves.members, ['a1', 'a2', 'a3'])
    assert.equal(both.ids.size, 2)

    const merging = b1.merge(a1.address)
    await both.areOne()
    const report = await merging
    assert.deepEqual([report.outcome, report.rejoined.toSorted(), report.waiting], ['merged', ['a1', 'a2', 'a3'], []])
    assert.deepEqual([...both.ids], [id])
    assert.equal(await dataOf(a1, 'kept'), 'yes')
    assert.equal((await b1.merge(a1.address)).outcome, 'already-merged')
    await b1.stop()
    await assert.rejects(b1.merge(a1.address), { code: 'ERR_SHUTTING_DOWN' })
  })

  it('can be told so from the side that goes over', async () => {
    await using both = await TwoClusters.start()
    const [a1, , , b1] = both.nodes as [TestNode, TestNode, TestNode, TestNode]
    await b1.config.set('kept', 'yes')
    assert.equal((await a1.merge(b1.address)).outcome, 'moving')
    await both.areOne()
    assert.equal(await dataOf(a1, 'kept'), 'yes')
  })

  it('are refused when both hold data, until it is said whose are dropped', async () => {
    await using both = await TwoClusters.start()
    const [a1, , , b1] = both.nodes as [TestNode, TestNode, TestNode, TestNode]
    await a1.config.set('side', 'a')
    await b1.config.set('side', 'b')
    await assert.rejects(a1.merge(b1.address), {
      code: 'ERR_MERGE_REFUSED',
      details: { reason: 'both-hold-data', names: [] },
    })
    assert.deepEqual([await dataOf(a1, 'side'), await dataOf(b1, 'side')], ['a', 'b'])
    const merging = a1.merge(b1.address, { keep: 'ours' })
    await both.areOne()
    assert.equal((await merging).outcome, 'merged')
    assert.equal(await dataOf(b1, 'side'), 'a')
  })

  it('take in who was away when it was decided', async () => {
    await using both = await TwoClusters.start()
    const [a1, , , b1, , b3] = both.lives as [Lives, Lives, Lives, Lives, Lives, Lives]
    await a1.face.config.set('kept', 'yes')
    // All who hold the log have to have shown that they can apply this before one of them is away.
    await both.time.look(2_000)
    await b3.kill()
    await both.until(() => b1.face.members().some(({ name, state }) => name === 'b3' && state === 'down'))
    const merging = a1.face.merge(b1.face.address)
    const others = both.lives.filter((lives) => lives !== b3)
    while (!others.every(({ node }) => node?.status().cluster.alive === 5)) {
      for (const lives of others) if (lives.state === 'ended') await lives.restart()
      await both.time.look(20)
    }
    assert.deepEqual((await merging).rejoined.toSorted(), ['b1', 'b2'])
    await b3.restart()
    await both.areOne()
    assert.equal(await dataOf(b3.face, 'kept'), 'yes')
  })

  it('become one, also when who went over is visited while it looks for the others', async () => {
    await using both = await TwoClusters.start(1, ['a1', 'b1'])
    const [a1, b1] = both.lives as [Lives, Lives]
    await b1.face.config.set('kept', 'yes')
    assert.equal((await a1.face.merge(b1.face.address)).outcome, 'moving')
    await both.until(() => a1.state === 'ended')
    await b1.kill()
    await a1.restart()
    await b1.restart()
    // All that it knows of its new cluster is this one, which comes as a stranger and goes.
    await assert.rejects(b1.face.merge(a1.face.address), { code: 'ERR_NO_QUORUM' })
    await both.areOne()
    assert.equal(await dataOf(a1.face, 'kept'), 'yes')
  })

  it('are refused when a name would mean two members', async () => {
    await using both = await TwoClusters.start(1, ['a1', 'a2', 'x', 'b1', 'b2', '*x'])
    const [a1, , , b1] = both.nodes as [TestNode, TestNode, TestNode, TestNode]
    await assert.rejects(a1.merge(b1.address), { details: { reason: 'names-in-common', names: ['x'] } })
    assert.equal(both.ids.size, 2)
  })

  it('give out fencing tokens above all that either gave out', async () => {
    await using both = await TwoClusters.start()
    const [a1, , , b1] = both.nodes as [TestNode, TestNode, TestNode, TestNode]
    for (let i = 0; i < 40; i++) await b1.config.set('n', i)
    const lock = await b1.locks.acquire('ledger')
    const { token } = lock
    const s5 = b1.status().s5.fencingToken!
    const merging = a1.merge(b1.address, { keep: 'ours' })
    await both.areOne()
    await merging
    await both.until(() => (a1.status().s5.fencingToken ?? 0) > Math.max(token, s5))
    const next = await a1.locks.acquire('ledger')
    assert.ok(next.token > token)
  })

  for (const delayMs of [0, 4, 12])
    it(`lose nothing that was acknowledged meanwhile: a write ${delayMs} ms later`, async () => {
      await using both = await TwoClusters.start()
      const [a1, , , b1] = both.nodes as [TestNode, TestNode, TestNode, TestNode]
      await a1.config.set('x', 1)
      const merging = a1.merge(b1.address).then(
        ({ outcome }) => outcome,
        (error) => error.code,
      )
      await both.time.look(delayMs)
      const isWritten = await b1.config.set('late', 1, { timeoutMs: 2_000 }).then(
        () => true,
        () => false,
      )
      // Either the write was first and forbids the merge, or it was never acknowledged.
      if (!isWritten) await both.areOne()
      assert.equal(await merging, isWritten ? 'ERR_MERGE_REFUSED' : 'merged')
    })

  for (const seed of [1, 2, 3, 4])
    it(`are merged or not, and can be told again, whoever is killed on the way: seed ${seed}`, async () => {
      await using both = await TwoClusters.start(seed)
      const [a1] = both.nodes as [TestNode]
      const b = both.lives.slice(3)
      await a1.config.set('kept', seed)
      const merging = a1.merge(b[0]!.face.address, { timeoutMs: 20_000 }).catch(() => undefined)
      const until = both.time.now + seed * 20
      await both.until(() => both.time.now >= until)
      const victim = seed % 2 === 1 ? both.lives[0]! : b[seed % 3]!
      await victim.kill()
      await both.until(() => both.time.now >= until + 3_000)
      await both.startAgain()
      await merging
      for (let round = 0; both.ids.size > 1 && round < 20; round++) {
        const other = b.find(({ node }) => node && node.status().cluster.id !== a1.status().cluster.id)
        if (other) void a1.merge(other.face.address, { timeoutMs: 10_000 }).catch(() => undefined)
        for (let step = 0; step < 200; step++) {
          await both.startAgain()
          await both.time.look(20)
        }
      }
      await both.areOne()
      assert.equal(await dataOf(both.nodes[4]!, 'kept'), seed)
    })

  it('never become one by accident', async () => {
    await using both = await TwoClusters.start()
    const [a1, , , b1] = both.lives as [Lives, Lives, Lives, Lives]
    await a1.kill()
    // Told to join a member of the other cluster, with a disk that belongs to its own.
    const refusals: string[] = []
    const again = new Lives({
      name: 'visitor',
      options: { listen: '127.0.0.1:7500', join: ['127.0.0.1:7402', b1.face.address], timeoutMs: 3_000 },
      introduction: {},
      world: both.world,
      onAsked: () => both.time.touch(),
      onReborn: () => {},
    })
    await again.start(false).catch((error) => refusals.push(error.code))
    await a1.restart()
    await both.until(() => a1.face.status().cluster.alive >= 3)
    assert.equal(a1.face.status().cluster.id !== b1.face.status().cluster.id, true)
    await again.end()
  })
})

describe('an address that a member had', () => {
  it('is of whoever is there now', async () => {
    const node = await start({ name: 'a' })
    const former = await start({ name: 'b', join: [node.address] })
    await agreed([node, former])
    await former.stop()
    await waitUntil(() => stateOf(node, 'b') === 'left')
    const other = await start({ name: 'c', listen: former.address })
    await other.ready()
    const { outcome, plan } = await node.merge(other.address, { dryRun: true, keep: 'ours' })
    assert.deepEqual([outcome, plan?.dissolves.members], ['planned', ['c']])
  })
})
