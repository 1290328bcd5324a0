import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { ClusterProcess } from '../../src/testing/process-member.ts'
import { type ProcessCluster, startProcesses } from '../../src/testing/processes.ts'
import { type Running, temporaryDirectory, trellis } from '../src/cli/run-process.ts'

const secret = 'a secret of those that are refused'
const env = { TRELLIS_SECRET: secret, TRELLIS_LOG: 'silent' }

async function refused(node: Running, code: string, about: string): Promise<void> {
  assert.deepEqual(await node.exited, { code: 1, signal: null })
  assert.match(node.err, new RegExp(`^trellis: ${code}: [^\\n]*\\n$`))
  assert.ok(node.err.includes(about), `${node.err} names ${about}`)
  assert.equal(node.out, '')
}

describe('a node that cannot start', () => {
  let cluster: ProcessCluster
  let follower: ClusterProcess

  before(async () => {
    cluster = await startProcesses(3, { secret })
    const { leader } = await cluster.ready()
    follower = cluster.nodes.find((node) => node !== leader)!
    await follower.kill()
  })
  after(() => cluster[Symbol.asyncDispose]())

  /** The follower by hand, with all that it needs but its log. */
  function again(...argv: string[]): Running {
    const { address, admin, dataDir } = follower
    const own = ['--listen', address, '--admin', admin.slice('http://'.length), '--data-dir', dataDir]
    return trellis(['node', ...own, ...argv], { env })
  }

  it('says so in one line: a port in use, for members or for the admin', async () => {
    const holder = createServer()
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
    const taken = `127.0.0.1:${(holder.address() as AddressInfo).port}`
    try {
      using one = again('--listen', taken)
      await refused(one, 'ERR_ADDRESS_IN_USE', taken)
      using other = again('--admin', taken)
      await refused(other, 'ERR_ADDRESS_IN_USE', taken)
    } finally {
      holder.close()
    }
  })

  it('says so in one line: a file where its directory should be', async () => {
    using directory = temporaryDirectory()
    const path = join(directory.path, 'file')
    writeFileSync(path, '')
    using node = again('--data-dir', path)
    await refused(node, 'ERR_DATA_UNWRITABLE', path)
  })

  it('says so in one line: a directory of another cluster, or one that is in use', async () => {
    using foreign = again('--cluster', 'another')
    await refused(foreign, 'ERR_DATA_FOREIGN', follower.dataDir)
    const busy = cluster.running[0]!.dataDir
    using second = again('--data-dir', busy)
    await refused(second, 'ERR_DATA_IN_USE', busy)
  })

  it('says so in one line: a log that is damaged in the middle, and where; the others go on', async () => {
    const path = join(follower.dataDir, 'raft.log.00000001')
    const whole = readFileSync(path)
    const used = whole.findLastIndex((byte) => byte !== 0)
    const damaged = Buffer.from(whole)
    const middle = Math.floor(used * 0.7)
    damaged[middle]! ^= 0xff
    writeFileSync(path, damaged)
    using node = again()
    await refused(node, 'ERR_LOG_CORRUPT', path)
    const status = await cluster.running[0]!.status()
    assert.deepEqual([status.consensus.quorum, status.s5.phase, status.cluster.alive], [true, 'active', 2])

    writeFileSync(path, whole)
    await follower.restart()
    await cluster.ready()
  })
})
