import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
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

async function endedInOrder(up: Running, ready: Ready): Promise<void> {
  assert.deepEqual(await up.exited, { code: 0, signal: null })
  assert.equal(up.out.split('\n').length, 2, 'one line on stdout, and nothing else')
  await noneIsLeft(ready)
}

describe('trellis up and its processes', () => {
  it('a node that is killed comes back by hand; one that lost its disk joins by what up had left it, as a new member', async () => {
    using directory = temporaryDirectory()
    using up = trellis(['up', '--nodes', '3', ...free, '--data-dir', directory.path, '--json'])
    const ready: Ready = JSON.parse(await up.lines(1))
    const [, victim, other] = ready.nodes
    const { name, address, admin, pid } = victim!
    const dataDir = join(directory.path, name)
    const own = ['--name', name, '--listen', address, '--admin', admin.slice('http://'.length), '--data-dir', dataDir]
    const before = await status(victim!)
    process.kill(pid, 'SIGKILL')
    await until(() => up.err.includes('"node-ended"'))
    assert.equal(up.child.exitCode, null)
    {
      using again = trellis(['node', '--json', ...own])
      const { id } = JSON.parse(await again.lines(1))
      assert.equal(id, before.node.id)
      await until(async () => (await status(other!)).cluster.alive === 3)
    }
    const kept = ['secret', 'seeds.json']
    for (const file of readdirSync(dataDir)) if (!kept.includes(file)) rmSync(join(dataDir, file))
    assert.deepEqual(readdirSync(dataDir).sort(), kept)
    using fresh = trellis(['node', '--json', ...own])
    const { id } = JSON.parse(await fresh.lines(1))
    assert.notEqual(id, before.node.id)
    await until(async () => (await status(other!)).cluster.alive === 3)
    assert.equal((await status(victim!)).cluster.id, before.cluster.id)

    up.child.kill('SIGINT')
    await endedInOrder(up, ready)
    fresh.child.kill('SIGTERM')
    assert.deepEqual(await fresh.exited, { code: 0, signal: null })
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

  it('none is left, and it ends in order, at a Ctrl-C, which reaches its whole group, and at SIGTERM', async () => {
    for (const [signal, whole] of [
      ['SIGINT', true],
      ['SIGTERM', false],
    ] as const) {
      using up = trellis(['up', '--nodes', '3', ...free, '--json'], { detached: true })
      const ready: Ready = JSON.parse(await up.lines(1))
      process.kill(whole ? -up.pid : up.pid, signal)
      await endedInOrder(up, ready)
      assert.equal(up.err, '')
    }
  })
})
