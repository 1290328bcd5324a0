import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createNode, isClusterError, type TrellisNode } from '../../../src/index.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { createTestCluster, type TestNode } from '../../../src/testing/index.ts'

const names = ['a', 'b', 'c', 'd', 'e', 'f']
let nodes: TrellisNode[] = []

before(async () => {
  const listen = '127.0.0.1:0'
  // On a busy machine nobody is suspected, and so not required, for a late answer.
  const profile = 'wan'
  const first = await createNode({ name: 'a', listen, roles: ['server'], profile })
  const join = first.address
  nodes = [
    first,
    ...(await Promise.all(
      names.slice(1).map((name) => createNode({ name, listen, join, roles: ['client'], profile })),
    )),
  ]
  await waitUntil(() => nodes.every((node) => node.members().every(({ state }) => state === 'alive')))
  await waitUntil(() => nodes.every((node) => node.members().length === names.length))
})
after(() => Promise.all(nodes.map((node) => node.stop())))

const at = (position: number): TrellisNode => nodes[position] as TrellisNode
const places = (): string[] =>
  nodes.map(({ topology }) => {
    const { name, epoch, phase } = topology.view()
    return `${name} ${epoch} ${phase}`
  })

describe('a cluster', () => {
  it('switches its overlay and back, asked of any member, and all of them adopt it', async () => {
    const there = await at(4).topology.switch('client-server', { expectFrom: 'full-mesh' })
    assert.deepEqual([there.outcome, there.epoch, there.from, there.to], ['committed', 1, 'full-mesh', 'client-server'])
    assert.deepEqual(
      there.nodes.map(({ name, progress, adopted }) => [name, progress, adopted]),
      names.map((name) => [name, 'verified', true]),
    )
    assert.deepEqual(
      places(),
      names.map(() => 'client-server 1 stable'),
    )
    // One serves, all others hang on it; of what else there was only links between voters stay.
    const others = ({ topology }: TrellisNode) =>
      topology.view().links.filter(({ peer, pinned }) => peer !== 'a' && !pinned)
    await waitUntil(() => nodes.slice(1).every((node) => others(node).length === 0))
    const back = await at(0).topology.switch('full-mesh')
    assert.deepEqual([back.outcome, back.epoch], ['committed', 2])
    assert.deepEqual(
      places(),
      names.map(() => 'full-mesh 2 stable'),
    )
    assert.ok(nodes.every(({ topology }) => topology.view().links.length === names.length - 1))
    assert.deepEqual(
      at(3)
        .topology.view()
        .history.map(({ epoch, to }) => [epoch, to]),
      [
        [1, 'client-server'],
        [2, 'full-mesh'],
      ],
    )
  })

  it('says what a switch would mean, and does not move', async () => {
    const { outcome, plan, nodes: required } = await at(2).topology.switch('client-server', { dryRun: true })
    assert.equal(outcome, 'planned')
    assert.deepEqual(plan?.links, { now: 15, after: 5 })
    const { linksToOpen, linksAtOnce, processorMs, memberMebibytes } = plan.cost
    // All the links that there can be are up.
    assert.deepEqual({ linksToOpen, linksAtOnce, processorMs }, { linksToOpen: 0, linksAtOnce: 15, processorMs: 0 })
    assert.ok(memberMebibytes.now > 1 && memberMebibytes.now < 1.2, String(memberMebibytes.now))
    assert.equal(required.length, names.length)
    assert.deepEqual(
      places(),
      names.map(() => 'full-mesh 2 stable'),
    )
  })

  it('has nothing to do for the topology that it has', async () => {
    const {
      outcome,
      epoch,
      nodes: required,
    } = await at(1).topology.switch('full-mesh', { expectFrom: 'client-server' })
    assert.deepEqual([outcome, epoch, required], ['already-current', 2, []])
  })

  it('refuses what is no topology, comes from elsewhere, or comes while a switch is under way', async () => {
    const refused = (name: string, options: object): Promise<unknown> =>
      at(1)
        .topology.switch(name, options)
        .catch((error) => error)
    assert.ok(isClusterError(await refused('ring', {}), 'ERR_UNKNOWN_TOPOLOGY'))
    assert.ok(isClusterError(await refused('client-server', { expectFrom: 'ring' }), 'ERR_TOPOLOGY_MISMATCH'))
    assert.ok(isClusterError(await refused('client-server', { timeoutMs: 0 }), 'ERR_BAD_OPTIONS'))
    const both = await Promise.allSettled([at(1), at(2)].map(({ topology }) => topology.switch('client-server')))
    const lost = both.filter((result) => result.status === 'rejected').map(({ reason }) => reason)
    assert.equal(lost.length, 1)
    assert.ok(isClusterError(lost[0], 'ERR_SWITCH_IN_PROGRESS'))
  })
})

it('a member without the log invents no history of the switches that it was not there for', async () => {
  await using cluster = await createTestCluster(7)
  const { leader } = await cluster.ready()
  await cluster.advance(3_000)
  const { voters } = leader.status().consensus
  const late = cluster.nodes.find(({ name }) => !voters.includes(name)) as TestNode
  await cluster.kill(late)
  await cluster.until(() => leader.members().some(({ name, state }) => name === late.name && state === 'down'))
  await leader.topology.switch('hyparview')
  await leader.topology.switch('full-mesh')
  await cluster.restart(late)
  await cluster.until(() => cluster.node(late.name).topology.view().epoch === 2)
  assert.deepEqual(cluster.node(late.name).topology.view().history, [])
  await cluster.node(late.name).topology.switch('hyparview')
  const [last, ...more] = cluster.node(late.name).topology.view().history
  assert.deepEqual([last?.from, last?.to, last?.epoch, more], ['full-mesh', 'hyparview', 3, []])
})

describe('a cluster of one', () => {
  it('has switched when the switch is over', async () => {
    await using only = await createNode({ listen: '127.0.0.1:0', name: 'a' })
    for (const to of ['hyparview', 'full-mesh']) {
      const { outcome, nodes } = await only.topology.switch(to)
      assert.deepEqual([outcome, nodes.map(({ name, adopted }) => [name, adopted])], ['committed', [['a', true]]])
      assert.equal(only.topology.view().name, to)
    }
  })
})
