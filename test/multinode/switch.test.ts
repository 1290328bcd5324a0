import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { TopologyView } from '../../src/node-interface.ts'
import type { SwitchReport } from '../../src/switching/report.ts'
import type { ClusterProcess } from '../../src/testing/process-member.ts'
import { type ProcessCluster, startProcesses } from '../../src/testing/processes.ts'

const switches = ['hyparview', 'client-server', 'full-mesh', 'client-server', 'hyparview', 'full-mesh'] as const
const headers = { 'content-type': 'application/json' }

let cluster: ProcessCluster
before(async () => {
  cluster = await startProcesses(6)
})
after(() => cluster[Symbol.asyncDispose]())

async function order(
  node: ClusterProcess,
  name: string,
  timeoutMs = 15_000,
): Promise<{ status: number; body: SwitchReport }> {
  const body = JSON.stringify({ name, timeoutMs })
  const response = await fetch(`${node.admin}/v1/topology`, { method: 'PUT', headers, body })
  return { status: response.status, body: (await response.json()) as SwitchReport }
}

async function viewOf(node: ClusterProcess): Promise<TopologyView> {
  return (await (await fetch(`${node.admin}/v1/topology`)).json()) as TopologyView
}

/** All that run are in one topology of one epoch, and nothing is under way. */
async function settled(): Promise<TopologyView> {
  return cluster.until('one topology everywhere', async () => {
    const [first, ...others] = await Promise.all(cluster.running.map(viewOf))
    const isSame = ({ name, epoch, phase }: TopologyView): boolean =>
      name === first?.name && epoch === first.epoch && phase === 'stable'
    return first && [first, ...others].every(isSame) ? first : undefined
  })
}

/** Every other member's acknowledgement of a message from `from`. */
async function acknowledgedByAll(from: ClusterProcess): Promise<void> {
  const others = cluster.running.filter((node) => node !== from)
  const codes = await Promise.all(
    others.map(async ({ name: to }) => {
      const body = JSON.stringify({ channel: 'data', to, payload: 1, ack: true })
      const response = await fetch(`${from.admin}/v1/messages`, { method: 'POST', headers, body })
      return ((await response.json()) as { code?: string }).code
    }),
  )
  // Nobody listens there: what matters is that the message came and the answer found its way back.
  assert.deepEqual(
    codes,
    others.map(() => 'ERR_NO_HANDLER'),
  )
}

describe('processes that switch their topology', () => {
  it('go through all six directions, asked of any of them, and reach each other in each', async () => {
    for (const [round, name] of switches.entries()) {
      const node = cluster.nodes[round] as ClusterProcess
      const { status, body } = await order(node, name)
      assert.deepEqual([status, body.outcome, body.epoch], [200, 'committed', round + 1], JSON.stringify(body))
      const { name: now, epoch } = await settled()
      assert.deepEqual([now, epoch], [name, round + 1])
      await acknowledgedByAll(node)
    }
  })

  it('end a switch all the same when one of them is killed in it', async () => {
    const { leader } = await cluster.ready()
    const victim = cluster.nodes.find((node) => node !== leader) as ClusterProcess
    const ordered = order(leader, 'hyparview')
    await victim.kill()
    const { status, body } = await ordered
    assert.equal(status, 200, JSON.stringify(body))
    const { name, epoch } = await settled()
    assert.deepEqual([name, epoch], body.outcome === 'committed' ? ['hyparview', 7] : ['full-mesh', 6])
    await victim.restart()
    await cluster.ready()
    assert.equal((await settled()).epoch, epoch)
  })

  it('end it when the leader is killed in it: in one topology, and the answer says which', async () => {
    const { leader } = await cluster.ready()
    const { name: from } = await settled()
    const to = from === 'client-server' ? 'full-mesh' : 'client-server'
    const node = cluster.nodes.find((other) => other !== leader) as ClusterProcess
    const ordered = order(node, to)
    await leader.kill()
    const { status, body } = await ordered
    assert.equal(status, 200, JSON.stringify(body))
    const { name } = await settled()
    assert.equal(name, body.outcome === 'aborted' ? from : to)
  })
})
