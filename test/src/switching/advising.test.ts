import assert from 'node:assert/strict'
import { afterEach, it, mock } from 'node:test'
import type { AdviserOptions, ClusterEvent, TrellisNode } from '../../../src/index.ts'
import { type Logger, silentLogger } from '../../../src/observability/logger.ts'
import { Counters } from '../../../src/runtime/counters.ts'
import { Advising } from '../../../src/switching/advising.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { createTestCluster, type TestNode } from '../../../src/testing/index.ts'
import { clientServer, fullMesh } from '../../../topology/index.ts'
import { recordOf } from '../../topology/swim/records.ts'
import { form, start } from '../local-nodes.ts'
import { ownIntervals } from '../runtime/fake-clock.ts'

const stableMs = 100
/** Two serve and one is served: the adviser recommends `client-server`. */
const roles = (name: string): string[] => [name === 'c' ? 'client' : 'server']
const nameOf = ({ topology }: TrellisNode): string => topology.view().name

afterEach(() => mock.timers.reset())

it('a node advises by its members, and by their roles', async () => {
  const [one] = await form(['a', 'b'])
  const advice = one?.topology.advise()
  assert.deepEqual([advice?.current, advice?.recommended, advice?.rule], ['full-mesh', 'full-mesh', 'small'])
  assert.equal(advice?.figures.members, 2)
})

it('with topologyAuto the leader alone follows advice that is due, once, and says why', async () => {
  const said: unknown[] = []
  const loggerOf = (name: string): Logger => ({
    ...silentLogger,
    info: (text, fields) => void (text === 'the adviser switches the topology' && said.push([name, fields])),
    child: () => loggerOf(name),
  })
  const options = (name: string) => ({ roles: roles(name), topologyAuto: { stableMs: 500 }, logger: loggerOf(name) })
  const nodes = await form(['a', 'b', 'c'], options)
  await waitUntil(() => nodes.every((node) => nameOf(node) === 'client-server'))
  const because = 'members have said who serves and who is served'
  const why = { from: 'full-mesh', to: 'client-server', rule: 'declared-roles', because }
  assert.deepEqual(said, [[nodes[0]?.status().consensus.leader, why]])
  const { history } = nodes[0]!.topology.view()
  assert.deepEqual(
    history.map(({ outcome, to }) => [outcome, to]),
    [['committed', 'client-server']],
  )
})

it('a member that does not lead follows nothing, until it leads', async () => {
  // A hand-over ends after an election timeout, which is long for a busy machine.
  const common = { voters: 3, profile: 'wan' } as const
  const first = await start({ name: 'a', roles: ['server'], ...common })
  const join = first.address
  const rest = ['b', 'c'].map((name) => {
    return start({ name, join, roles: ['server'], ...common, ...(name === 'c' ? { topologyAuto: { stableMs } } : {}) })
  })
  const nodes = [first, ...(await Promise.all(rest)), await start({ name: 'd', join, roles: ['client'], ...common })]
  const follower = nodes[2]!
  await waitUntil(() => first.status().consensus.voters.includes('c'))
  // Ten times as long as it takes to be due.
  await waitUntil(() => follower.topology.advise().stableForMs >= 10 * stableMs && follower.topology.advise().isDue)
  assert.deepEqual([first.status().consensus.leader, ...nodes.map(nameOf)], ['a', ...nodes.map(() => 'full-mesh')])
  await first.leadership.transfer({ to: 'c' })
  await waitUntil(() => nodes.every((node) => nameOf(node) === 'client-server'))
})

it('a switch that is refused is ordered again only after the rest', async () => {
  mock.timers.enable({ apis: ['setInterval'] })
  const { advising, pass, orders, events } = alone({ stableMs, coolDownMs: 1_000 })
  await advising.start()
  await pass(stableMs)
  assert.equal(orders.length, 0)
  await pass(stableMs)
  assert.deepEqual(orders, [['client-server', { expectFrom: 'full-mesh' }]])
  const because = 'members have said who serves and who is served'
  const why = { from: 'full-mesh', to: 'client-server', rule: 'declared-roles', because }
  assert.deepEqual(events, [{ type: 'advice', at: 1_000_200, ...why }])
  await pass(900)
  assert.deepEqual([orders.length, advising.advise().coolDownLeftMs], [1, 100])
  await pass(200)
  assert.deepEqual([orders.length, events.length], [2, 2])
  advising.close()
})

it('nothing is ordered without topologyAuto, nor while another switch is under way', async () => {
  mock.timers.enable({ apis: ['setInterval'] })
  for (const { advising, pass, orders, events } of [alone(undefined), alone({ stableMs }, false)]) {
    await advising.start()
    await pass(100_000)
    assert.ok(advising.advise().isDue)
    assert.deepEqual([orders, events], [[], []])
    advising.close()
  }
})

it('advice is by whoever is there, leaves out what they cannot form, and knows the last switch', () => {
  const members = [
    recordOf('a'),
    recordOf('b', { roles: ['client'] }),
    recordOf('c', { roles: ['client'], state: 'down' }),
  ]
  const { advising } = alone(undefined, true, members, { name: 'client-server', lastSwitchAt: 900_000 })
  const { recommended, figures, coolDownLeftMs, isDue } = advising.advise()
  assert.deepEqual([recommended, figures.members, figures.clients], ['full-mesh', 2, 1])
  assert.deepEqual([coolDownLeftMs, isDue], [500_000, false])
})

it('the traffic of a cluster is what its members send on average, not what the one that is asked does', async () => {
  await using cluster = await createTestCluster(4)
  const [busy, second, third, idle] = cluster.nodes as [TestNode, TestNode, TestNode, TestNode]
  for (const node of cluster.nodes) node.channel('data').onMessage(() => {})
  for (let round = 0; round < 130; round++) {
    for (const [from, to] of [
      [busy, second],
      [busy, third],
      [second, busy],
    ] as const)
      for (let count = 0; count < 10; count++) await from.channel('data').send(to.name, count)
    await cluster.advance(1_000)
  }
  // 20, 10, none and none a second, to two, one, none and none of three.
  for (const node of [busy, idle]) {
    const { messagesPerSecond, fanOutShare } = node.topology.advise().figures
    assert.ok(Math.abs(messagesPerSecond - 7.5) < 1, `${node.name}: ${messagesPerSecond}`)
    assert.ok(Math.abs(fanOutShare - 0.25) < 0.01, `${node.name}: ${fanOutShare}`)
  }
})

/** The adviser of a member whose every order is refused, over a clock of its own. */
function alone(
  topologyAuto: Partial<AdviserOptions> | undefined,
  maySwitch = true,
  members = [recordOf('a', { roles: ['server'] }), recordOf('b', { roles: ['client'] })],
  topology: { name: string; lastSwitchAt: number | undefined } = { name: 'full-mesh', lastSwitchAt: undefined },
) {
  const definitions = new Map([fullMesh, clientServer].map((definition) => [definition.name, definition]))
  let now = 1_000_000
  const orders: unknown[] = []
  const events: ClusterEvent[] = []
  const advising = new Advising({
    context: {
      members: () => members,
      overlays: () => ({ members, definitions }),
      self: { id: 'a' },
      requests: { handle: () => ({ [Symbol.dispose]: () => {} }), request: async () => ({}) },
      options: { topologyAuto },
      emit: (event: ClusterEvent) => events.push(event),
      toolbox: {
        clock: { ...ownIntervals, wall: () => now, now: () => now },
        turn: { enter: (work: () => void) => work() },
        logger: silentLogger,
        random: () => 0,
        counters: new Counters(),
      },
    } as never,
    topology: () => topology,
    traffic: () => ({ messages: 0, recipients: 0 }),
    maySwitch: () => maySwitch,
    switch: async (...order) => {
      orders.push(order)
      throw new Error('refused')
    },
  })
  /** Time passes, and what has begun comes to its end. */
  const pass = async (ms: number): Promise<void> => {
    for (const end = now + ms; now < end; ) {
      now += 100
      mock.timers.tick(100)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { advising, pass, orders, events }
}
