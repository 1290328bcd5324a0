import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ask } from '../admin/client.ts'
import { isRunning, type Running, temporaryDirectory, trellis } from './run-process.ts'
import { until } from './wait-until.ts'

const free = ['--port', '0', '--admin-port', '0']

interface Ready {
  readonly ready: true
  readonly ms: number
  readonly leader: string
  readonly s5: string
  readonly nodes: readonly { name: string; pid: number; address: string; admin: string }[]
}

async function readyLine(up: Running): Promise<Ready> {
  return JSON.parse(await up.lines(1))
}

async function noneIsLeft({ nodes }: Ready): Promise<void> {
  await until(
    () => nodes.every(({ pid }) => !isRunning(pid)),
    () => `still there: ${nodes.filter(({ pid }) => isRunning(pid)).map(({ name }) => name)}`,
  )
}

/** What the process was told of the memory that it may hold. */
function sizes(pid: number): readonly string[] {
  const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  // Names only: glibc cuts the values to pieces.
  const names = variables.map((variable) => variable.split('=')[0]!)
  return names.filter((name) => /^(MALLOC|GLIBC|NODE_OPTIONS)/.test(name)).sort()
}

describe('trellis up', () => {
  it('prints one line of JSON when ready, keeps the cluster in its directory, and stops all with 0 at SIGINT', async () => {
    using directory = temporaryDirectory()
    using up = trellis(['up', '--nodes', '3', ...free, '--data-dir', directory.path, '--json'])
    const line = await readyLine(up)
    const { ready, ms, leader, s5, nodes } = line
    assert.deepEqual(Object.keys(line), ['ready', 'ms', 'leader', 's5', 'nodes'])
    assert.deepEqual([ready, typeof ms, s5], [true, 'number', leader])
    assert.deepEqual(
      nodes.map(({ name }) => name),
      ['node-1', 'node-2', 'node-3'],
    )
    for (const node of nodes) {
      assert.deepEqual(Object.keys(node), ['name', 'pid', 'address', 'admin'])
      assert.ok(isRunning(node.pid))
      if (process.platform === 'linux') assert.deepEqual(sizes(node.pid), ['GLIBC_TUNABLES', 'MALLOC_ARENA_MAX'])
      const { json } = await ask(`${node.admin}/v1/status`)
      assert.deepEqual((json.cluster as { alive: number }).alive, 3)
      assert.equal((json.consensus as { voters: string[] }).voters.length, 3)
    }
    const secret = readFileSync(join(directory.path, 'secret'), 'utf8')
    assert.equal(statSync(join(directory.path, 'secret')).mode & 0o777, 0o600)
    for (const { name, address } of nodes) {
      assert.equal(readFileSync(join(directory.path, name, 'secret'), 'utf8'), secret)
      const { addresses, expect } = JSON.parse(readFileSync(join(directory.path, name, 'seeds.json'), 'utf8'))
      assert.deepEqual(
        addresses,
        nodes.map((node) => node.address).filter((other) => other !== address),
      )
      assert.equal(expect, 3)
      assert.ok(existsSync(join(directory.path, name, 'log')))
    }
    up.child.kill('SIGINT')
    assert.deepEqual(await up.exited, { code: 0, signal: null })
    assert.equal(up.out.split('\n').length, 2, 'nothing but the one line')
    await noneIsLeft(line)
  })

  it('reports a node that dies and goes on; the node comes back alone as the same member', async () => {
    using directory = temporaryDirectory()
    using up = trellis(['up', '--nodes', '3', ...free, '--data-dir', directory.path, '--json'])
    const line = await readyLine(up)
    const victim = line.nodes.find(({ name }) => name === line.leader)!
    const witness = line.nodes.find(({ name }) => name !== line.leader)!
    const before = (await ask(`${witness.admin}/v1/status`)).json.s5 as { fencingToken: number }
    process.kill(victim.pid, 'SIGKILL')
    await until(() => up.err.includes('\n'))
    assert.deepEqual(JSON.parse(up.err), {
      event: 'node-ended',
      name: victim.name,
      pid: victim.pid,
      exitCode: null,
      signal: 'SIGKILL',
      log: join(directory.path, victim.name, 'log'),
    })
    await until(async () => {
      const { s5 } = (await ask(`${witness.admin}/v1/status`)).json as { s5: { phase: string; fencingToken: number } }
      return s5.phase === 'active' && s5.fencingToken > before.fencingToken
    })
    assert.equal(up.child.exitCode, null)
    const own = ['--name', victim.name, '--listen', victim.address, '--admin', victim.admin.slice('http://'.length)]
    using again = trellis(['node', ...own, '--data-dir', join(directory.path, victim.name), '--json'])
    assert.equal(JSON.parse(await again.lines(1)).name, victim.name)
    await until(async () => {
      const { cluster } = (await ask(`${witness.admin}/v1/status`)).json as { cluster: { alive: number } }
      return cluster.alive === 3
    })
    up.child.kill('SIGTERM')
    assert.deepEqual(await up.exited, { code: 0, signal: null })
    again.child.kill('SIGTERM')
    assert.equal((await again.exited).code, 0)
  })

  it('leaves no node behind when it is killed itself', async () => {
    using directory = temporaryDirectory()
    using up = trellis(['up', '--nodes', '2', ...free, '--data-dir', directory.path, '--json'])
    const line = await readyLine(up)
    up.child.kill('SIGKILL')
    await up.exited
    await noneIsLeft(line)
  })

  it('prints a table and the address of the page for people, and removes what was temporary', async () => {
    using directory = temporaryDirectory()
    using up = trellis(['up', '--nodes', '1', ...free], { env: { TMPDIR: directory.path } })
    await up.lines(6)
    assert.match(up.out, /^NODE +PID +ADDRESS +ADMIN +PART\nnode-1 +\d+ +127\.0\.0\.1:\d+ +http:\S+ +leader, S5\n/)
    assert.match(up.out, /^Dashboard: http:\/\/127\.0\.0\.1:\d+\/$/m)
    assert.equal(readdirSync(directory.path).filter((name) => name.startsWith('trellis-')).length, 1)
    up.child.kill('SIGTERM')
    assert.deepEqual(await up.exited, { code: 0, signal: null })
    assert.deepEqual(
      readdirSync(directory.path).filter((name) => name.startsWith('trellis-')),
      [],
    )
    assert.notEqual(directory.path, tmpdir())
  })

  it('names the port that is taken and who needs it, exit code 1, and starts nothing', async () => {
    using directory = temporaryDirectory()
    const holder = createServer()
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
    const { port } = holder.address() as AddressInfo
    const argv = ['up', '--nodes', '1', '--port', String(port - 1), '--admin-port', '0', '--data-dir', directory.path]
    using up = trellis(argv)
    assert.deepEqual(await up.exited, { code: 1, signal: null })
    holder.close()
    assert.equal(
      up.err,
      `trellis: ERR_ADDRESS_IN_USE: 127.0.0.1:${port} is in use, and needed as the cluster port of node-1\n`,
    )
    assert.deepEqual([up.out, readdirSync(directory.path)], ['', []])
  })

  it('uses the secret that is given; leaves the directory of a cluster that runs as it is, exit code 1', async () => {
    using directory = temporaryDirectory()
    const secret = 'a secret that was given'
    using first = trellis(['up', '--nodes', '1', ...free, '--data-dir', directory.path, '--json'], {
      env: { TRELLIS_SECRET: secret },
    })
    await readyLine(first)
    assert.equal(readFileSync(join(directory.path, 'node-1', 'secret'), 'utf8'), `${secret}\n`)
    assert.ok(!existsSync(join(directory.path, 'secret')), 'only one that was made is kept there')
    const left = (): readonly string[] =>
      ['secret', 'seeds.json', 'settings.json'].map((file) =>
        readFileSync(join(directory.path, 'node-1', file), 'utf8'),
      )
    const before = left()
    using second = trellis(['up', '--nodes', '2', ...free, '--data-dir', directory.path, '--json'])
    assert.deepEqual(await second.exited, { code: 1, signal: null })
    const { code, details } = JSON.parse(second.err)
    assert.deepEqual([code, details.path], ['ERR_DATA_IN_USE', join(directory.path, 'node-1')])
    assert.deepEqual([left(), readdirSync(directory.path)], [before, ['node-1']])
    first.child.kill('SIGTERM')
    assert.equal((await first.exited).code, 0)
  })

  it('relays the error of a node that cannot start, exit code 1', async () => {
    using directory = temporaryDirectory()
    mkdirSync(join(directory.path, 'node-1'))
    writeFileSync(join(directory.path, 'node-1', 'generation'), 'no number')
    using up = trellis(['up', '--nodes', '2', ...free, '--data-dir', directory.path, '--json'])
    assert.deepEqual(await up.exited, { code: 1, signal: null })
    const { code, message } = JSON.parse(up.err)
    assert.equal(code, 'ERR_LOG_CORRUPT')
    assert.match(message, /^node-1: /)
  })

  it('says what is missing when it is not ready in time', async () => {
    using up = trellis(['up', '--nodes', '3', ...free, '--timeout-ms', '1'])
    assert.deepEqual(await up.exited, { code: 1, signal: null })
    assert.match(up.err, /^trellis: ERR_TIMEOUT: not ready after 1 ms: node-1 [^\n]*\n$/)
  })

  it('says what starts enough of the voters that its directory knows', async () => {
    using directory = temporaryDirectory()
    using three = trellis(['up', '--nodes', '3', ...free, '--data-dir', directory.path, '--json'])
    await readyLine(three)
    three.child.kill('SIGINT')
    await three.exited
    using one = trellis(['up', '--nodes', '1', ...free, '--data-dir', directory.path, '--timeout-ms', '6000'])
    assert.deepEqual(await one.exited, { code: 1, signal: null })
    assert.match(one.err, /the cluster has 3 voters, of which 2 must run .*, and 1 does: --nodes 2 starts enough/)
  })

  it('refuses a directory that is none in one line', async () => {
    using directory = temporaryDirectory()
    const path = join(directory.path, 'file')
    writeFileSync(path, '')
    using up = trellis(['up', '--nodes', '1', ...free, '--data-dir', path])
    assert.deepEqual(await up.exited, { code: 1, signal: null })
    assert.match(up.err, /^trellis: ERR_DATA_UNWRITABLE: [^\n]*\n$/)
  })

  it('says in one line what to install when the packages of a transport are not there, and leaves nothing', async () => {
    const missing = `import { registerHooks } from 'node:module'
      registerHooks({ resolve: (name, context, next) => {
        const [absent] = /^(@libp2p\\/[a-z-]+|libp2p$)/.exec(name) ?? []
        if (absent === undefined) return next(name, context)
        throw Object.assign(new Error("Cannot find package '" + absent + "'"), { code: 'ERR_MODULE_NOT_FOUND' })
      } })`
    const env = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(missing)}` }
    using up = trellis(['up', '--nodes', '1', '--transport', 'libp2p', ...free], { env })
    assert.deepEqual(await up.exited, { code: 2, signal: null })
    assert.match(up.err, /^trellis: ERR_BAD_OPTIONS: node-1: .*npm install libp2p @libp2p\/tcp [^\n]*\n$/)
    assert.equal(up.out, '')
  })
})
