import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { describe, it } from 'node:test'
import { type ProcessCluster, startProcesses } from '../../src/testing/processes.ts'
import { temporaryDirectory, trellis } from '../src/cli/run-process.ts'

const secret = 'a secret for names that are wanted twice'
const refusal = /^trellis: ERR_NAME_TAKEN: [^\n]*\n$/

/** One more node, with nothing of its own but what is given; its only words on stderr are why it ends. */
function claimant(cluster: ProcessCluster, ...argv: string[]) {
  const join = cluster.nodes.map(({ address }) => address).join()
  const env = { TRELLIS_SECRET: secret, TRELLIS_LOG: 'silent' }
  return trellis(['node', '--listen', '127.0.0.1:0', '--admin', 'off', '--join', join, ...argv], { env })
}

describe('a name', () => {
  it('belongs to one member: further claimants end with one line, the cluster is as before', async () => {
    await using cluster = await startProcesses(3, { secret })
    const before = await cluster.ready()
    const statuses = await cluster.statuses()
    await Promise.all(
      cluster.nodes.map(async ({ name }) => {
        using second = claimant(cluster, '--name', name)
        assert.deepEqual(await second.exited, { code: 1, signal: null })
        assert.match(second.err, refusal)
        assert.equal(second.out, '')
      }),
    )
    assert.equal((await cluster.ready()).clusterId, before.clusterId)
    const ids = (await cluster.nodes[0]!.members()).map(({ id }) => id).sort()
    assert.deepEqual(ids, statuses.map(({ status }) => status!.node.id).sort())

    // Two that come at the same time, and nobody has the name yet.
    using one = claimant(cluster, '--name', 'twin', '--json')
    using other = claimant(cluster, '--name', 'twin', '--json')
    const [first, loser] = await Promise.race([
      one.exited.then(() => [other, one] as const),
      other.exited.then(() => [one, other] as const),
    ])
    assert.deepEqual(await loser.exited, { code: 1, signal: null })
    assert.equal(JSON.parse(loser.err).code, 'ERR_NAME_TAKEN')
    assert.equal(JSON.parse(await first.lines(1)).name, 'twin')
    first.child.kill('SIGTERM')
    assert.deepEqual(await first.exited, { code: 0, signal: null })
  })

  it('goes to the node that lost its disk, as a new member of the same cluster; its old self is refused', async () => {
    using old = temporaryDirectory()
    await using cluster = await startProcesses(3, { secret })
    const { leader, clusterId } = await cluster.ready()
    const before = await leader.status()
    await leader.kill()
    cpSync(leader.dataDir, old.path, { recursive: true })
    await leader.restart({ wipe: true })
    const after = await cluster.until('the wiped node is a member', async () => {
      const status = await leader.status()
      return status.cluster.alive === 3 && status.consensus.leader !== null && status
    })
    assert.notEqual(after.node.id, before.node.id)
    assert.deepEqual([after.node.name, after.cluster.id], [leader.name, clusterId])
    assert.equal(after.consensus.role, 'none', 'it has no vote: the voter was its old self')

    using returned = claimant(cluster, '--data-dir', old.path)
    assert.deepEqual(await returned.exited, { code: 1, signal: null })
    assert.match(returned.err, refusal)
    const { node, consensus } = await leader.status()
    assert.deepEqual([node.id, consensus.quorum], [after.node.id, true])
  })
})
