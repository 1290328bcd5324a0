import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../src/observability/logger.ts'
import { type AnyOverlay, createTestCluster, type TestCluster, type TestNode } from '../../../src/testing/index.ts'
import { fullMesh, type OverlayDefinition } from '../../../topology/index.ts'

/** A full mesh by another name, with `parts` of its own. */
function mine(parts: (mesh: AnyOverlay) => object, definition: object = {}): OverlayDefinition {
  const create: OverlayDefinition['create'] = (setup) => {
    const mesh = fullMesh.create(setup)
    const own = {
      name: 'mine',
      capacity: mesh.capacity,
      step: mesh.step.bind(mesh),
      neighbors: () => mesh.neighbors(),
      nextHop: (to: string) => mesh.nextHop(to),
      connectivity: () => mesh.connectivity(),
    }
    return { ...own, ...parts(mesh as AnyOverlay) } as ReturnType<OverlayDefinition['create']>
  }
  return { ...fullMesh, name: 'mine', create, ...definition }
}

/** A cluster with that overlay, and what its nodes log as errors. */
async function clusterWith(overlay: OverlayDefinition): Promise<{ cluster: TestCluster; errors: string[] }> {
  const errors: string[] = []
  const logger = {
    ...silentLogger,
    error: (said: string, fields?: { readonly error?: unknown }) => errors.push(`${said}: ${fields?.error}`),
    child: () => logger,
  }
  return { cluster: await createTestCluster(4, { node: { overlays: [overlay], logger } }), errors }
}

const broken = (): never => {
  throw new Error('broken')
}
const rejecting = async (): Promise<never> => broken()
const sending = (mesh: AnyOverlay): object => ({
  step(input: Parameters<AnyOverlay['step']>[0], now: number) {
    const effects = mesh.step(input, now)
    return input.type === 'connected' ? [{ type: 'send', to: input.peer, message: {} }, ...effects] : effects
  },
})
const answering = (effect: unknown) => () => ({ step: () => [effect] })

const wrong: Readonly<Record<string, OverlayDefinition>> = {
  'cannot be made': mine(broken),
  'throws at its first step': mine(() => ({ step: broken })),
  'answers no effects': mine(() => ({ step: () => undefined })),
  'answers promises': mine(() => ({ step: async () => [] })),
  'answers promises that reject': mine(() => ({ step: rejecting })),
  'answers a list with holes': mine(() => ({ step: () => new Array(1) })),
  'answers null for an effect': mine(answering(null)),
  'answers an unknown effect': mine(answering({ type: 'dial', peer: 'a' })),
  'links nobody': mine(answering({ type: 'link', after: 0 })),
  'links at no time': mine(answering({ type: 'link', peer: 'a', after: Number.NaN })),
  'sets a timer to no time': mine(answering({ type: 'set-timer', timer: 'a' })),
  'emits nothing': mine(answering({ type: 'emit' })),
  'throws when asked for its neighbors': mine(() => ({ neighbors: broken })),
  'has no list of neighbors': mine(() => ({ neighbors: () => new Set() })),
  'says nothing of its connectivity': mine(() => ({ connectivity: () => undefined })),
  'cannot encode': mine(sending, { codec: { encode: broken, decode: broken } }),
  'encodes more than is carried': mine(sending, {
    codec: { encode: () => new Uint8Array(65_537), decode: () => ({}) },
  }),
}

async function isAlive({ nodes }: TestCluster): Promise<void> {
  const [first] = nodes as [TestNode]
  const heard: unknown[] = []
  for (const node of nodes) node.channel('data').onMessage(({ payload }) => void heard.push(payload))
  for (const { name } of nodes) await first.channel('data').send(name, name, { ack: true })
  assert.deepEqual(
    heard,
    nodes.map(({ name }) => name),
  )
  await first.config.set('a', 1)
}

describe("an overlay of a user's", () => {
  for (const [how, overlay] of Object.entries(wrong)) {
    it(`that ${how} stops nobody: a switch to it is given up`, async () => {
      const { cluster, errors } = await clusterWith(overlay)
      await using _ = cluster
      const report = await cluster.node('node-1').topology.switch('mine', { timeoutMs: 1_000 })
      assert.deepEqual([report.outcome, report.reason], ['aborted', 'not-prepared'])
      assert.equal(cluster.running.length, 4)
      assert.equal(errors.length, 4, 'once of each node')
      assert.match(errors[0] ?? '', /^an overlay failed/)
      await isAlive(cluster)
    })
  }

  it('that fails when it is in use keeps its links, and the cluster is switched to another one', async () => {
    let isBroken = false
    const overlay = mine((mesh) => ({
      step: (...input: Parameters<AnyOverlay['step']>) => (isBroken ? broken() : mesh.step(...input)),
      nextHop: (to: string) => (isBroken ? broken() : mesh.nextHop(to)),
    }))
    const { cluster } = await clusterWith(overlay)
    await using _ = cluster
    const [first, last] = [cluster.node('node-1'), cluster.node('node-4')]
    assert.equal((await first.topology.switch('mine')).outcome, 'committed')
    isBroken = true
    await isAlive(cluster)
    await last.kill()
    await cluster.until(() => first.members().some(({ state }) => state === 'down'))
    await last.restart()
    await cluster.ready()
    await isAlive(cluster)
    assert.equal(first.counters()['overlay-failed'], 1)
    assert.equal((await first.topology.switch('full-mesh')).outcome, 'committed')
    await isAlive(cluster)
  })

  it('that fails when it is asked whether it fits is refused with what it threw, and no adviser asks for it', async () => {
    for (const refusal of [broken, rejecting, () => 'no']) {
      const { cluster } = await clusterWith(mine(() => ({}), { refusal }))
      await using _ = cluster
      for (const node of cluster.nodes) {
        const refused = { code: 'ERR_BAD_REQUEST', message: /the overlay 'mine' failed: / }
        await assert.rejects(node.topology.switch('mine'), refused)
      }
      await cluster.advance(120_000)
      assert.equal(cluster.running.length, 4)
      assert.equal(cluster.node('node-1').topology.advise().recommended, 'full-mesh')
    }
  })

  it('that cannot say what it costs is not planned, and still switched to', async () => {
    for (const estimate of [broken, () => undefined]) {
      const { cluster } = await clusterWith(mine(() => ({}), { estimate }))
      await using _ = cluster
      for (const node of cluster.nodes) {
        const refused = { code: 'ERR_BAD_REQUEST', message: /the overlay 'mine' failed: / }
        await assert.rejects(node.topology.switch('mine', { dryRun: true }), refused)
      }
      assert.equal((await cluster.node('node-1').topology.switch('mine')).outcome, 'committed')
    }
  })

  it('that cannot be made and is what a cluster begins with keeps nodes from starting', async () => {
    const node = { overlays: [mine(broken)], topology: 'mine' }
    await assert.rejects(createTestCluster(2, { node }), { message: 'broken' })
  })
})
