import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { type Agreement, type ProcessCluster, startProcesses } from '../../src/testing/processes.ts'
import { temporaryDirectory, trellis } from '../src/cli/run-process.ts'

const secret = 'a secret that strangers do not know'
const silent = { TRELLIS_LOG: 'silent' }
/** More than an address may have half open at a time. */
const knocks = 100

describe('strangers at a live cluster', () => {
  let cluster: ProcessCluster
  let agreed: Agreement
  let ids: string[]
  const listen = ['--listen', '127.0.0.1:0', '--admin', 'off']
  const join = () => ['--join', cluster.nodes.map(({ address }) => address).join()]

  before(async () => {
    cluster = await startProcesses(3, { secret })
    agreed = await cluster.ready()
    ids = (await agreed.leader.members()).map(({ id }) => id).sort()
  })
  after(() => cluster[Symbol.asyncDispose]())

  /** Elections are let happen: a machine that is busy enough has them without any stranger. */
  async function nothingHasChanged(): Promise<void> {
    assert.equal((await cluster.ready()).clusterId, agreed.clusterId)
    for (const node of cluster.nodes) {
      const members = await node.members()
      assert.deepEqual(members.map(({ id }) => id).sort(), ids)
      assert.deepEqual(new Set(members.map(({ state }) => state)), new Set(['alive']))
    }
  }

  it('with a wrong secret are told so in one line', async () => {
    using node = trellis(['node', ...listen, ...join()], { env: { ...silent, TRELLIS_SECRET: 'a secret of others' } })
    assert.deepEqual(await node.exited, { code: 1, signal: null })
    assert.match(node.err, /^trellis: ERR_WRONG_SECRET: [^\n]*\n$/)
    await nothingHasChanged()
  })

  it('that look for a cluster of another name are told so in one line', async () => {
    const env = { ...silent, TRELLIS_SECRET: secret }
    using node = trellis(['node', '--cluster', 'another', ...listen, ...join()], { env })
    assert.deepEqual(await node.exited, { code: 1, signal: null })
    assert.match(node.err, /^trellis: ERR_FOREIGN_CLUSTER: [^\n]*\n$/)
    await nothingHasChanged()
  })

  it('with the data directory of another cluster stay in that one, and say that they were refused', async () => {
    using directory = temporaryDirectory()
    const argv = ['node', '--json', '--name', 'foreigner', ...listen, '--data-dir', directory.path]
    const env = { ...silent, TRELLIS_SECRET: secret }
    {
      using founder = trellis(argv, { env })
      await founder.lines(1)
      founder.child.kill('SIGTERM')
      assert.equal((await founder.exited).code, 0)
    }
    using visitor = trellis([...argv, ...join()], { env: { ...env, TRELLIS_LOG: 'warn' } })
    assert.equal(JSON.parse(await visitor.lines(1)).leader, 'foreigner')
    await cluster.until('it says that it was refused', () => visitor.err.includes('ERR_FOREIGN_CLUSTER'))
    await nothingHasChanged()
    visitor.child.kill('SIGTERM')
    assert.deepEqual(await visitor.exited, { code: 0, signal: null })
  })

  it('that send garbage, or nothing, change nothing and are let go', async () => {
    const sockets: Socket[] = []
    let closed = 0
    for (const { address } of cluster.nodes) {
      const port = Number(address.split(':')[1])
      for (let knock = 0; knock < knocks; knock++) {
        const socket = connect({ host: '127.0.0.1', port }, () => {
          if (knock % 2 === 0) socket.write(randomBytes(knock * 100))
        })
        socket.on('error', () => {})
        socket.resume()
        socket.on('close', () => {
          closed += 1
        })
        sockets.push(socket)
      }
    }
    await cluster.until('all of them were closed', () => closed === sockets.length)
    await nothingHasChanged()
  })
})
