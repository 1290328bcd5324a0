import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { describe, it } from 'node:test'
import { ask } from '../admin/client.ts'
import { isRunning, temporaryDirectory, trellis } from './run-process.ts'
import { until } from './wait-until.ts'

const anywhere = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--log-level', 'error']

describe('trellis node', () => {
  it('says in one line of JSON that it is ready, answers, and ends with 0 at SIGTERM', async () => {
    using node = trellis(['node', '--name', 'alone', ...anywhere, '--json'])
    const ready = JSON.parse(await node.lines(1))
    assert.deepEqual(
      { ...ready, id: '', address: '', admin: '' },
      {
        ready: true,
        id: '',
        name: 'alone',
        pid: node.pid,
        address: '',
        admin: '',
        cluster: 'trellis',
        leader: 'alone',
      },
    )
    assert.equal((await ask(`${ready.admin}/readyz`)).status, 200)
    node.child.kill('SIGTERM')
    assert.deepEqual(await node.exited, { code: 0, signal: null })
    assert.equal(node.out.split('\n').length, 2)
  })

  it('says it in words otherwise, and ends with 0 at SIGINT', async () => {
    using node = trellis(['node', '--name', 'alone', ...anywhere])
    assert.match(
      await node.lines(1),
      /^alone is ready at 127\.0\.0\.1:\d+, admin http:.*: trellis, 1 of 1 members alive/,
    )
    node.child.kill('SIGINT')
    assert.deepEqual(await node.exited, { code: 0, signal: null })
  })

  it('takes variables and a file, and says once what an in-memory node cannot promise', async () => {
    using directory = temporaryDirectory()
    const config = join(directory.path, 'node.json')
    writeFileSync(config, JSON.stringify({ name: 'from-file', listen: '127.0.0.1:0', zone: 'from-file' }))
    using node = trellis(['node', '--config', config, '--json'], {
      env: { TRELLIS_NAME: 'from-variable', TRELLIS_ADMIN: '127.0.0.1:0' },
    })
    const ready = JSON.parse(await node.lines(1))
    assert.equal(ready.name, 'from-variable')
    const { members } = (await ask(`${ready.admin}/v1/members`)).json as { members: { zone: string }[] }
    assert.equal(members[0]?.zone, 'from-file')
    node.child.kill('SIGTERM')
    await node.exited
    const warnings = node.err.split('\n').flatMap((line) => (line.includes('"warn"') ? [JSON.parse(line).message] : []))
    assert.equal(warnings.filter((message) => /no data directory/.test(message)).length, 1)
    assert.equal(warnings.filter((message) => /development secret/.test(message)).length, 1)
  })

  it('stops when the end of the pipe that it was handed closes, and when its holder does not live to close it', async () => {
    using node = trellis(['node', '--name', 'child', ...anywhere, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      env: { TRELLIS_PARENT_FD: '3' },
    })
    await node.lines(1)
    ;(node.child.stdio[3] as Writable).destroy()
    assert.deepEqual(await node.exited, { code: 0, signal: null })
  })

  it('refuses a pipe that is none', async () => {
    using node = trellis(['node', ...anywhere], { env: { TRELLIS_PARENT_FD: 'x' } })
    assert.deepEqual(await node.exited, { code: 2, signal: null })
    assert.match(node.err, /^trellis: ERR_USAGE: TRELLIS_PARENT_FD \('x'\) must be the number of a pipe\n$/)
  })

  it('ends with one line and 1 when a port is taken, its own or that of the admin', async () => {
    const holder = createServer()
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
    const taken = `127.0.0.1:${(holder.address() as AddressInfo).port}`
    try {
      for (const flag of ['--listen', '--admin']) {
        using node = trellis(['node', ...anywhere, flag, taken])
        assert.deepEqual(await node.exited, { code: 1, signal: null })
        assert.match(node.err, new RegExp(`^trellis: ERR_ADDRESS_IN_USE: .*${taken} is in use\\n$`))
        assert.equal(node.out, '')
      }
    } finally {
      holder.close()
    }
  })

  it('ends with one line and 1 when it would be reached by others without a secret or a token', async () => {
    for (const [argv, code] of [
      [['--listen', '0.0.0.0:0', '--advertise', 'a:1'], 'ERR_SECRET_REQUIRED'],
      [['--listen', '127.0.0.1:0', '--admin', '0.0.0.0:0'], 'ERR_ADMIN_TOKEN_REQUIRED'],
    ] as const) {
      using node = trellis(['node', ...argv])
      assert.deepEqual(await node.exited, { code: 1, signal: null })
      assert.match(node.err, new RegExp(`^trellis: ${code}: [^\\n]*\\n$`))
    }
  })

  it('ends with one line and 1 when the data directory is none', async () => {
    using directory = temporaryDirectory()
    const path = join(directory.path, 'file')
    writeFileSync(path, '')
    using node = trellis(['node', ...anywhere, '--data-dir', path])
    assert.deepEqual(await node.exited, { code: 1, signal: null })
    assert.match(node.err, /^trellis: ERR_DATA_UNWRITABLE: [^\n]*\n$/)
  })

  it('ends with one line and 1 when another node has the data directory', async () => {
    using directory = temporaryDirectory()
    const dataDir = join(directory.path, 'data')
    mkdirSync(dataDir)
    using first = trellis(['node', ...anywhere, '--data-dir', dataDir, '--json'])
    await first.lines(1)
    using second = trellis(['node', ...anywhere, '--data-dir', dataDir])
    assert.deepEqual(await second.exited, { code: 1, signal: null })
    assert.match(second.err, /^trellis: ERR_DATA_IN_USE: [^\n]*\n$/)
    first.child.kill('SIGTERM')
    assert.equal((await first.exited).code, 0)
  })

  it('is the same member after kill -9 and a new start', async () => {
    using directory = temporaryDirectory()
    const dataDir = join(directory.path, 'data')
    const argv = ['node', '--name', 'phoenix', ...anywhere, '--data-dir', dataDir, '--json']
    const lives: { id: string; incarnation: number }[] = []
    for (let life = 0; life < 2; life += 1) {
      using node = trellis(argv)
      const { admin } = JSON.parse(await node.lines(1))
      const { members } = (await ask(`${admin}/v1/members`)).json as { members: { id: string; incarnation: number }[] }
      lives.push(members[0]!)
      node.child.kill('SIGKILL')
      await node.exited
      await until(() => !isRunning(node.pid))
    }
    assert.equal(lives[0]!.id, lives[1]!.id)
    assert.ok(lives[1]!.incarnation > lives[0]!.incarnation)
  })

  it('that keeps nothing on a disk goes over to the cluster that its own was merged into, too, and is ready once', async () => {
    using one = trellis(['node', '--name', 'one', ...anywhere, '--json'])
    using other = trellis(['node', '--name', 'other', ...anywhere, '--json', '--log-level', 'info'])
    const [{ admin }, { address }] = (await Promise.all([one.lines(1), other.lines(1)])).map((line) => JSON.parse(line))
    using merge = trellis(['merge', address, '--keep', 'ours', '--json', '--admin', admin])
    assert.deepEqual(await merge.exited, { code: 0, signal: null }, merge.err)
    assert.deepEqual(JSON.parse(merge.out).rejoined, ['other'])
    const { members } = (await ask(`${admin}/v1/members`)).json as { members: { name: string; state: string }[] }
    assert.deepEqual(members.map(({ name, state }) => `${name} ${state}`).sort(), ['one alive', 'other alive'])
    await until(() => other.err.includes('ready in the other cluster'))
    assert.equal(other.out.split('\n').length, 2, 'ready is said once')
  })
})
