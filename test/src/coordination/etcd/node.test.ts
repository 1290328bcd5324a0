import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { etcd } from '../../../../src/coordination/etcd/etcd.ts'
import { isClusterError } from '../../../../src/index.ts'
import { EtcdServers } from '../../../../src/testing/etcd-servers.ts'
import { bin } from '../../cli/run-process.ts'
import { skipWithoutEtcd } from './without-etcd.ts'

async function ask(url: string, method = 'GET', body?: unknown): Promise<{ status: number; body: unknown }> {
  const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const answer = await fetch(url, { method, ...init })
  return { status: answer.status, body: await answer.json() }
}

async function cli(...words: string[]): Promise<string> {
  const child = spawn(process.execPath, [bin, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (out += text))
  await once(child, 'close')
  return out
}

describe('a node of the command line over etcd', { skip: skipWithoutEtcd }, () => {
  it('`up` starts a whole cluster over it, ready without voters', async () => {
    await using etcds = await EtcdServers.start()
    const words = ['up', '--nodes', '2', '--port', '0', '--admin-port', '0', '--log-level', 'error', '--json']
    const child = spawn(process.execPath, [bin, ...words, '--coordination', `etcd://${etcds.hosts[0]}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next()
      const { ready, s5, nodes } = JSON.parse(value as string) as {
        ready: boolean
        s5: string
        nodes: { admin: string }[]
      }
      assert.deepEqual([ready, ['node-1', 'node-2'].includes(s5)], [true, true])
      const { consensus } = (await ask(`${nodes[0]!.admin}/v1/status`)).body as { consensus: { voters: string[] } }
      assert.deepEqual(consensus.voters, [])
    } finally {
      child.kill('SIGTERM')
      assert.deepEqual(await once(child, 'exit'), [0, null])
    }
  })

  it('serves HTTP and the command line from it', async () => {
    await using etcds = await EtcdServers.start()
    const child = spawn(
      process.execPath,
      [bin, 'node', '--json', '--name', 'a', '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
        env: { ...process.env, TRELLIS_COORDINATION: `etcd://${etcds.hosts[0]}`, TRELLIS_LOG: 'silent' },
      },
    )
    try {
      const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next()
      const { admin, leader } = JSON.parse(value as string) as { admin: string; leader: string }
      assert.equal(leader, 'a')
      const put = await ask(`${admin}/v1/config/limits.rate`, 'PUT', { value: 100 })
      assert.equal(put.status, 200)
      assert.deepEqual((await ask(`${admin}/v1/config/limits.rate`)).body, put.body)
      assert.equal((await ask(`${admin}/v1/config/none`)).status, 404)
      const stale = (await ask(`${admin}/v1/config/limits.rate?consistency=stale`)).body as { ageMs: number }
      assert.ok(Number.isInteger(stale.ageMs))
      const lock = await ask(`${admin}/v1/locks/ledger`, 'POST', { leaseMs: 10_000, owner: 'cron' })
      const { token } = lock.body as { token: number }
      assert.ok(token > 0)
      assert.equal(
        (await ask(`${admin}/v1/locks/ledger`, 'POST', { leaseMs: 10_000, owner: 'x', waitMs: 0 })).status,
        409,
      )
      assert.match(await cli('locks', '--admin', admin), /ledger\s+cron/)
      assert.match(await cli('config', 'set', 'limits.rate', '200', '--admin', admin), /revision/)
      assert.equal((await cli('config', 'get', 'limits.rate', '--admin', admin)).trim(), '200')
      assert.match(await cli('backup', '/nowhere/backup', '--admin', admin), /ERR_UNSUPPORTED/)
      const { s5, consensus } = (await ask(`${admin}/v1/status`)).body as Record<string, Record<string, unknown>>
      assert.deepEqual([s5?.host, s5?.phase, consensus?.quorum, consensus?.voters], ['a', 'active', true, []])
      assert.equal(typeof s5?.fencingToken, 'number')
    } finally {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
  })

  it('refuses what is no engine in one line', async () => {
    const said = await cli('node', '--name', 'a', '--listen', '127.0.0.1:0', '--coordination', 'zookeeper://x:1')
    assert.match(said, /^trellis: ERR_USAGE: --coordination must be etcd:/)
  })
})

describe('options of etcd', () => {
  it('are all checked at once, and shown without what is secret', () => {
    assert.throws(
      () => etcd({ hosts: ['x'], prefix: '', username: 'u', leaderLeaseMs: 1, cert: 'the-certificate' }),
      (error) =>
        isClusterError(error, 'ERR_BAD_OPTIONS') &&
        error.details.problems.length === 5 &&
        !error.message.includes('the-certificate'),
    )
  })
})
