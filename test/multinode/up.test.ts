import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { askAdmin } from '../../src/cli/admin-client.ts'
import type { NodeStatus } from '../../src/node-interface.ts'
import { isRunning, type Running, temporaryDirectory, trellis } from '../src/cli/run-process.ts'
import { until } from '../src/cli/wait-until.ts'

const free = ['--port', '0', '--admin-port', '0']

interface Ready {
  readonly leader: string
  readonly nodes: readonly { name: string; pid: number; address: string; admin: string }[]
}

async function status({ admin }: Ready['nodes'][number]): Promise<NodeStatus> {
  return (await askAdmin('/v1/status', { url: admin })) as NodeStatus
}

async function noneIsLeft({ nodes }: Ready): Promise<void> {
  await until(
    () => nodes.every(({ pid }) => !isRunning(pid)),
    () => `still there: ${nodes.filter(({ pid }) => isRunning(pid)).map(({ name }) => name)}`,
  )
}

async function endsInOrder(up: Running, ready: Ready, signal: NodeJS.Signals): Promise<void> {
  up.child.kill(signal)
  assert.deepEqual(await up.exited, { code: 0, signal: null })
  assert.equal(up.out.split('\n').length, 2, 'one line on stdout, and nothing else')
  await noneIsLeft(ready)
}

describe('trellis up and its processes', () => {
  it('a node that is killed comes back by hand; one whose directory was removed rejoins as a new member', async () => {
    using directory = temporaryDirectory()
    const argv = ['up', '--nodes', '3', ...free, '--data-dir', directory.path, '--json']
    let clusterId: string
    let wipedId: string
    {
      using up = trellis(argv)
      const ready: Ready = JSON.parse(await up.lines(1))
      const [, victim, other] = ready.nodes
      clusterId = (await status(other!)).cluster.id!
      process.kill(victim!.pid, 'SIGKILL')
      await until(() => up.err.includes('"node-ended"'))
      assert.equal(up.child.exitCode, null)

      const { name, address, admin } = victim!
      const own = ['--name', name, '--listen', address, '--admin', admin.slice('http://'.length)]
      using again = trellis(['node', '--json', ...own, '--data-dir', join(directory.path, name)])
      assert.equal(JSON.parse(await again.lines(1)).name, name)
      await until(async () => (await status(other!)).cluster.alive === 3)
      wipedId = (await status(victim!)).node.id
      await endsInOrder(up, ready, 'SIGINT')
      again.child.kill('SIGTERM')
      assert.equal((await again.exited).code, 0)
    }
    const seeds = readFileSync(join(directory.path, 'node-2/seeds.json'), 'utf8')
    assert.equal(JSON.parse(seeds).addresses.length, 2)
    rmSync(join(directory.path, 'node-2'), { recursive: true })
    using up = trellis(argv)
    const ready: Ready = JSON.parse(await up.lines(1))
    const statuses = await Promise.all(ready.nodes.map(status))
    assert.deepEqual(
      statuses.map(({ cluster }) => cluster.id),
      [clusterId, clusterId, clusterId],
    )
    assert.notEqual(statuses[1]!.node.id, wipedId)
    await endsInOrder(up, ready, 'SIGTERM')
  })

  it('none is left when it is interrupted or killed before it is ready, or with a node that is stopped', async () => {
    using directory = temporaryDirectory()
    const argv = ['up', '--nodes', '3', ...free, '--data-dir', directory.path, '--json', '--log-level', 'info']
    const pids = () =>
      ['node-1', 'node-2', 'node-3'].flatMap((name) => {
        const lines = readFileSync(join(directory.path, name, 'log'), 'utf8')
          .trim()
          .split('\n')
        return lines[0] ? [JSON.parse(lines.at(-1)!).pid as number] : []
      })
    for (const signal of ['SIGINT', 'SIGKILL'] as const) {
      using up = trellis(argv)
      await until(() => {
        try {
          return pids().length === 3
        } catch {
          return false
        }
      })
      const started = pids()
      up.child.kill(signal)
      assert.deepEqual(await up.exited, signal === 'SIGINT' ? { code: 0, signal: null } : { code: null, signal })
      await until(() => started.every((pid) => !isRunning(pid)))
    }
    using up = trellis(argv)
    const ready: Ready = JSON.parse(await up.lines(1))
    process.kill(ready.nodes[0]!.pid, 'SIGSTOP')
    up.child.kill('SIGKILL')
    await up.exited
    process.kill(ready.nodes[0]!.pid, 'SIGCONT')
    await noneIsLeft(ready)
  })
})
