import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { askAdmin } from '../../src/cli/admin-client.ts'
import type { NodeStatus } from '../../src/node-interface.ts'
import { temporaryDirectory, trellis } from '../src/cli/run-process.ts'
import { until } from '../src/cli/wait-until.ts'

interface Ready {
  readonly leader: string
  readonly nodes: readonly { name: string; pid: number; address: string; admin: string }[]
}

const free = ['--port', '0', '--admin-port', '0']

describe('trellis up --transport libp2p', () => {
  it('is a cluster like any other: it loses its leader, elects another, and takes the old one back by its directory', async () => {
    using directory = temporaryDirectory()
    using up = trellis(['up', '--nodes', '3', '--transport', 'libp2p', ...free, '--data-dir', directory.path, '--json'])
    const ready: Ready = JSON.parse(await up.lines(1))
    const victim = ready.nodes.find(({ name }) => name === ready.leader)!
    const other = ready.nodes.find(({ name }) => name !== ready.leader)!
    const status = async () => (await askAdmin('/v1/status', { url: other.admin })) as NodeStatus
    assert.match((await status()).node.address, /^\/ip4\/127\.0\.0\.1\/tcp\/\d+$/)
    process.kill(victim.pid, 'SIGKILL')
    await until(async () => {
      const { consensus, s5 } = await status()
      return consensus.leader !== null && consensus.leader !== victim.name && s5.phase === 'active'
    })
    using again = trellis(['node', '--name', victim.name, '--data-dir', `${directory.path}/${victim.name}`, '--json'])
    const { address } = JSON.parse(await again.lines(1)) as { readonly address: string }
    assert.match(address, /^\/ip4\//)
    await until(async () => (await status()).cluster.alive === 3)
  })
})
