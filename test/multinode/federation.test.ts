import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { FederationOptions, FederationView } from '../../src/index.ts'
import { type ProcessCluster, startProcesses } from '../../src/testing/processes.ts'
import { severable } from '../src/federation/severable.ts'

const program = fileURLToPath(new URL('fixtures/gateway.ts', import.meta.url))
type Gateway = ProcessCluster['nodes'][number]

function startGateways(cluster: string, federation: Omit<FederationOptions, 'secret'>): Promise<ProcessCluster> {
  const gateway = JSON.stringify({ secret: 'a secret of gateways alone', exports: [`of-${cluster}`], ...federation })
  return startProcesses(3, { program, env: { TRELLIS_CLUSTER: cluster, GATEWAY: gateway } })
}

const view = async (node: Gateway) => (await node.ask('/v1/federation')) as FederationView

async function instances(node: Gateway, name: string): Promise<number> {
  const { instances: found } = (await node.ask(`/v1/services?name=${name}`)) as { instances: readonly unknown[] }
  return found.length
}

async function call(node: Gateway, name: string): Promise<string> {
  const { result } = (await node.ask(`/v1/services/${name}/who`, { method: 'POST', body: null })) as { result: string }
  return result
}

describe('two clusters of three processes', () => {
  it('call each other, go on when a gateway is killed, and are whole while they are cut', async () => {
    await using east = await startGateways('east', { listen: '127.0.0.1:0' })
    const addresses = await Promise.all(east.nodes.map(async (node) => (await view(node)).address ?? ''))
    const ways = await Promise.all(addresses.map(severable))
    await using west = await startGateways('west', { gateways: ways.map(({ address }) => address) })
    const linked = async (cluster: ProcessCluster, links: number) =>
      (await Promise.all(cluster.nodes.filter(({ isRunning }) => isRunning).map(view))).every(
        (seen) => seen.links.length === links,
      )
    await west.until('every gateway is linked with every other', async () => (await linked(west, 3)) && linked(east, 3))
    const [w1, w2] = west.nodes
    const [e1, e2] = east.nodes
    assert.ok(w1 && w2 && e1 && e2)
    await west.until(
      'services are found',
      async () => (await instances(w1, 'of-east')) === 3 && (await instances(e1, 'of-west')) === 3,
    )
    assert.match(await call(w1, 'of-east'), /^east node-/)
    assert.match(await call(e1, 'of-west'), /^west node-/)

    await Promise.all([east.nodes[2]!.kill(), west.nodes[2]!.kill()])
    await west.until('the dead are gone', async () => (await linked(west, 2)) && linked(east, 2))
    await west.until('what they offered is, too', async () => (await instances(w1, 'of-east')) === 2)
    for (let calls = 0; calls < 10; calls++) assert.match(await call(w2, 'of-east'), /^east node-[12]$/)

    const before = await Promise.all([e1, w1].map((node) => node.status()))
    for (const way of ways) way.cut()
    await west.until(
      'nothing of the other is found',
      async () => (await instances(w1, 'of-east')) === 0 && (await instances(e2, 'of-west')) === 0,
    )
    assert.match(await call(w1, 'of-west'), /^west node-/)
    assert.match(await call(e1, 'of-east'), /^east node-/)
    for (const way of ways) way.heal()
    await west.until(
      'it is found again',
      async () => (await instances(w1, 'of-east')) === 2 && (await instances(e2, 'of-west')) === 2,
    )
    assert.match(await call(w1, 'of-east'), /^east node-[12]$/)
    const after = await Promise.all([e1, w1].map((node) => node.status()))
    for (const [at, { consensus, cluster }] of after.entries())
      assert.deepEqual([consensus.term, cluster.size], [before[at]!.consensus.term, 3], 'neither cluster noticed')
    for (const way of ways) await way[Symbol.asyncDispose]()
  })
})
