import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AnyOverlay, createTestCluster, type TestCluster, type TestNode } from '../../../src/testing/index.ts'
import { fullMesh, type OverlayDefinition } from '../../../topology/index.ts'

/** A full mesh by another name, whose members of `stuck` never have all the links that they want. */
function meshCalled(name: string, stuck: readonly string[] = []): OverlayDefinition {
  return {
    ...fullMesh,
    name,
    create: (setup) => {
      const overlay = fullMesh.create(setup)
      const isStuck = stuck.includes(setup.self)
      const neighbors = (): readonly string[] => overlay.neighbors()
      const connectivity: AnyOverlay['connectivity'] = () => ({ ...overlay.connectivity(), isIsolated: isStuck })
      return Object.assign(Object.create(overlay), {
        name,
        step: overlay.step.bind(overlay),
        nextHop: overlay.nextHop.bind(overlay),
        neighbors,
        connectivity,
      })
    },
  }
}

const standings = ({ running }: TestCluster): string[] =>
  running.map(({ topology }) => `${topology.view().name} ${topology.view().epoch} ${topology.view().phase}`)

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error) => `${error.code} ${error.mayHaveHappened}`,
  )

/** Nothing half done: all are where they were. */
async function stayed(cluster: TestCluster): Promise<void> {
  await cluster.until(() => standings(cluster).every((each) => each === 'full-mesh 0 stable'))
}

describe('a switch that cannot be', () => {
  it('is aborted everywhere when a member never prepares, and the report names it', async () => {
    const stuck: string[] = []
    await using cluster = await createTestCluster(4, { node: { overlays: [meshCalled('mine', stuck)] } })
    stuck.push(cluster.node('node-3').status().node.id)
    const report = await cluster.node('node-1').topology.switch('mine', { timeoutMs: 2_000 })
    assert.deepEqual([report.outcome, report.reason, report.epoch], ['aborted', 'not-prepared', 0])
    const waiting = report.nodes.filter(({ progress }) => progress === 'waiting').map(({ name }) => name)
    assert.deepEqual(waiting, ['node-3'])
    await stayed(cluster)
  })

  it('is waited for no longer than its signal allows, by the leader as by others, and goes on without the caller', async () => {
    const stuck: string[] = []
    await using cluster = await createTestCluster(3, { node: { overlays: [meshCalled('mine', stuck)] } })
    const { leader } = await cluster.ready()
    const other = cluster.nodes.find((node) => node !== leader) as TestNode
    stuck.push(other.status().node.id)
    for (const node of [leader, other]) {
      const abort = new AbortController()
      const failed = codeOf(node.topology.switch('mine', { timeoutMs: 5_000, signal: abort.signal }))
      await cluster.until(() => leader.topology.view().phase !== 'stable')
      abort.abort()
      const aborted = cluster.now
      assert.equal(await failed, 'ERR_ABORTED true')
      assert.ok(cluster.now - aborted < 100, `${cluster.now - aborted} ms`)
      await cluster.until(() => leader.topology.view().phase === 'stable')
    }
    assert.equal(leader.topology.view().history.length, 2)
  })

  it('is answered within its time and little more: a member stands still, or its leader is out of reach', async () => {
    await using cluster = await createTestCluster(5)
    const { leader } = await cluster.ready()
    const [asked, still, ...others] = cluster.nodes.filter((node) => node !== leader) as [TestNode, TestNode, TestNode]
    await cluster.pause(still.name)
    let began = cluster.now
    const report = await asked.topology.switch('hyparview', { timeoutMs: 1_500 })
    assert.deepEqual([report.outcome, cluster.now - began <= 2_000], ['aborted', true], `${cluster.now - began} ms`)
    await cluster.resume(still.name)
    await stayed(cluster)
    await cluster.partition([leader], [asked, still, ...others])
    began = cluster.now
    const ending = await codeOf(asked.topology.switch('hyparview', { timeoutMs: 1_000 }))
    assert.ok(['ERR_TIMEOUT true', 'none'].includes(ending), ending)
    assert.ok(cluster.now - began <= 2_050, `${cluster.now - began} ms`)
  })

  it('is aborted everywhere when a member does not know the topology', async () => {
    const overlays = [meshCalled('mine')]
    const node = (name: string) => (name === 'node-2' ? {} : { overlays })
    await using cluster = await createTestCluster(4, { node })
    const report = await cluster.node('node-1').topology.switch('mine')
    assert.deepEqual([report.outcome, report.reason], ['aborted', 'unknown-topology'])
    assert.deepEqual(
      report.nodes.filter(({ progress }) => progress === 'refused').map(({ name }) => name),
      ['node-2'],
    )
    await stayed(cluster)
    assert.match(await codeOf(cluster.node('node-2').topology.switch('mine')), /^ERR_UNKNOWN_TOPOLOGY false$/)
  })

  it('is aborted everywhere when a member is of a release that knows no switches', async () => {
    await using cluster = await createTestCluster(4)
    const { leader } = await cluster.ready()
    const older = cluster.nodes.find((node) => node !== leader) as TestNode
    forgetSwitches(older)
    const asked = cluster.nodes.find((node) => node !== leader && node !== older) as TestNode
    const report = await asked.topology.switch('hyparview')
    assert.deepEqual([report.outcome, report.reason], ['aborted', 'older-version'])
    assert.deepEqual(
      report.nodes.filter(({ progress }) => progress === 'refused').map(({ name }) => name),
      [older.name],
    )
    await stayed(cluster)
  })

  it('is refused by its code, and leaves everything as it was: bad parameters, another origin, no servers', async () => {
    await using cluster = await createTestCluster(3, {
      node: (name) => ({ roles: name === 'node-3' ? ['client'] : [] }),
    })
    const refusals = [
      ['ring', {}, 'ERR_UNKNOWN_TOPOLOGY'],
      ['', {}, 'ERR_BAD_OPTIONS'],
      ['hyparview', { timeoutMs: 0.5 }, 'ERR_BAD_OPTIONS'],
      ['hyparview', { timeoutMs: 600_001 }, 'ERR_BAD_OPTIONS'],
      ['hyparview', { dryRun: 'yes' }, 'ERR_BAD_OPTIONS'],
      ['hyparview', { dryrun: true }, 'ERR_BAD_OPTIONS'],
      ['hyparview', { expectFrom: 7 }, 'ERR_BAD_OPTIONS'],
      ['hyparview', { expectFrom: 'client-server' }, 'ERR_TOPOLOGY_MISMATCH'],
      ['client-server', {}, 'ERR_NO_SERVER_NODES'],
    ] as const
    for (const node of cluster.nodes)
      for (const [name, options, code] of refusals)
        assert.equal(await codeOf(node.topology.switch(name, options as object)), `${code} false`)
    await stayed(cluster)
  })

  it('is refused soon in a minority, by its old leader too, and carried out by the majority', async () => {
    await using cluster = await createTestCluster(5)
    const { leader } = await cluster.ready()
    const [other, ...majority] = cluster.nodes.filter((node) => node !== leader) as [TestNode, ...TestNode[]]
    await cluster.partition([leader, other], majority)
    const before = cluster.now
    const codes = await Promise.all([leader, other].map((node) => codeOf(node.topology.switch('hyparview'))))
    assert.ok(
      codes.every((code) => code.startsWith('ERR_NO_QUORUM')),
      codes.join(),
    )
    // By then both know that they are few: they need not wait to find out.
    await cluster.until(() => [leader, other].every((node) => !node.status().consensus.quorum))
    await cluster.advance(2_000)
    const known = cluster.now
    assert.deepEqual(await Promise.all([leader, other].map((node) => codeOf(node.topology.switch('hyparview')))), [
      'ERR_NO_QUORUM false',
      'ERR_NO_QUORUM false',
    ])
    assert.ok(cluster.now - known <= 500, `${cluster.now - known} ms, ${known - before} ms at first`)
    await cluster.until(() => majority.some((node) => node.status().consensus.role === 'leader'))
    await cluster.heal()
    await cluster.ready()
    // Whether the old leader's order was carried out by the next one is known to the log alone; it is the same for all.
    await cluster.until(() => new Set(standings(cluster)).size === 1 && standings(cluster)[0]?.endsWith('stable'))
  })
})

/** As a release before switches: nobody handles their messages, under whatever name they come. */
function forgetSwitches(node: TestNode): void {
  const { requests } = (node as unknown as { lifecycle: { requests: { receive: (...args: never[]) => void } } })
    .lifecycle
  const receive = requests.receive.bind(requests) as (peer: string, envelope: { subject?: string }) => void
  requests.receive = ((peer: string, envelope: { subject?: string }) => {
    const isOfSwitches = envelope.subject?.startsWith('trellis.topology.') === true
    receive(peer, isOfSwitches ? { ...envelope, subject: 'unheard.of' } : envelope)
  }) as never
}
