import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type ProcessCluster, startProcesses } from '../../src/testing/processes.ts'
import { recorded, recordedByAll } from './recorded.ts'

const host = fileURLToPath(new URL('fixtures/host.ts', import.meta.url))
const rounds = 6

/** Decisions that somebody was told are made, in the order of the log. */
function acknowledged(cluster: ProcessCluster) {
  return recordedByAll(cluster.nodes, 'decided').sort((a, b) => a.index - b.index)
}

/** Every voter knows a decision at least as late as the last that was acknowledged until now. */
async function allIsKept(cluster: ProcessCluster): Promise<void> {
  const last = acknowledged(cluster).at(-1)
  assert.ok(last, 'something was decided')
  await cluster.until(`everybody knows the decision at index ${last.index}`, () =>
    cluster.nodes.every((node) => (recorded(node, 'decision').at(-1)?.index ?? 0) >= last.index),
  )
}

function historyIsOne(cluster: ProcessCluster): void {
  const byIndex = acknowledged(cluster)
  const indexes = new Set(byIndex.map(({ index }) => index))
  assert.equal(indexes.size, byIndex.length, 'one decision at an index')
  for (const [at, decision] of byIndex.entries()) {
    const before = byIndex[at - 1]
    if (!before) continue
    // Each counts on from what its host found in the log: a lost one would be counted twice.
    assert.ok(decision.n > before.n, `after ${JSON.stringify(before)} came ${JSON.stringify(decision)}`)
    assert.ok(decision.token >= before.token, `after ${JSON.stringify(before)} came ${JSON.stringify(decision)}`)
    if (decision.token !== before.token) assert.ok(before.index < decision.token)
  }
  let newest = 0
  for (const { token, node } of [...byIndex].sort((a, b) => a.at - b.at)) {
    assert.ok(token >= newest, `${node} acknowledged under ${token} after somebody had under ${newest}`)
    newest = token
  }
  const starts = recordedByAll(cluster.nodes, 'hosting').sort((a, b) => a.at - b.at)
  for (const [at, { token }] of starts.entries())
    assert.ok(token > (starts[at - 1]?.token ?? 0), `hosts in order: ${JSON.stringify(starts)}`)
}

describe('nodes that are killed', () => {
  it('leave one leader, one S5 with a larger token and every acknowledged decision, again and again', async () => {
    await using cluster = await startProcesses(5, { program: host })
    let { leader, fencingToken, clusterId } = await cluster.ready()
    for (let round = 1; round <= rounds; round++) {
      const isLeader = round % 3 !== 2
      const victim = isLeader ? leader : cluster.nodes.find((node) => node !== leader)!
      const before = await victim.status()
      const { incarnation } = (await victim.members()).find(({ id }) => id === before.node.id)!
      const decided = acknowledged(cluster).length
      await victim.kill()
      // On a busy machine the others may agree for a moment on the one that is gone.
      const next = await cluster.until('another one leads', async () => {
        const agreed = await cluster.ready()
        return agreed.leader !== victim && agreed
      })
      if (isLeader) assert.ok(next.fencingToken > fencingToken, `${next.fencingToken} after ${fencingToken}`)
      await cluster.until('decisions go on', () => acknowledged(cluster).length > decided)

      await victim.restart()
      ;({ leader, fencingToken } = await cluster.ready())
      assert.ok(fencingToken >= next.fencingToken)
      const after = await victim.status()
      assert.deepEqual([after.node.id, after.node.name, after.cluster.id], [before.node.id, victim.name, clusterId])
      assert.ok(after.consensus.term >= before.consensus.term, 'its term is remembered')
      await cluster.until('the others know its new life', async () => {
        const views = await Promise.all(cluster.nodes.map((node) => node.members()))
        return views.every((members) =>
          members.some(({ id, ...its }) => id === before.node.id && its.incarnation > incarnation),
        )
      })
    }
    await allIsKept(cluster)
    historyIsOne(cluster)
  })

  it('all at once come back as the same cluster, with their terms and every acknowledged decision', async () => {
    await using cluster = await startProcesses(3, { program: host })
    const before = await cluster.ready()
    await cluster.until('decisions are made', () => acknowledged(cluster).length > 20)
    const statuses = await Promise.all(cluster.nodes.map((node) => node.status()))
    await Promise.all(cluster.nodes.map((node) => node.kill()))

    const [first, ...others] = cluster.nodes
    await first!.restart()
    const alone = await cluster.until('the first one knows its cluster', async () => {
      const status = await first!.status()
      return status.cluster.id !== null && status
    })
    assert.ok(alone.consensus.term >= statuses[0]!.consensus.term)
    assert.deepEqual(
      [alone.node.id, alone.cluster.id, alone.consensus.leader, alone.consensus.quorum, alone.s5.host],
      [statuses[0]!.node.id, before.clusterId, null, false, null],
    )
    await Promise.all(others.map((node) => node.restart()))
    const after = await cluster.ready()
    assert.equal(after.clusterId, before.clusterId)
    assert.ok(after.fencingToken > before.fencingToken)
    const returned = await Promise.all(cluster.nodes.map((node) => node.status()))
    assert.deepEqual(
      returned.map(({ node }) => node.id),
      statuses.map(({ node }) => node.id),
    )
    await allIsKept(cluster)
    historyIsOne(cluster)
  })
})
