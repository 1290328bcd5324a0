import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { followChanges } from '../../../../src/coordination/etcd/change-stream.ts'
import { EtcdClient } from '../../../../src/coordination/etcd/client.ts'
import { etcd } from '../../../../src/coordination/etcd/etcd.ts'
import { only } from '../../../../src/coordination/etcd/keys.ts'
import { checkedOptions, type EtcdOptions } from '../../../../src/coordination/etcd/options.ts'
import {
  type ClusterError,
  createNode,
  isClusterError,
  type NodeOptions,
  type TrellisNode,
} from '../../../../src/index.ts'
import { systemClock } from '../../../../src/runtime/clock.ts'
import { waitUntil } from '../../../../src/testing/compliance/wait-until.ts'
import { EtcdServers, type EtcdServersOptions } from '../../../../src/testing/etcd-servers.ts'
import { CutLine } from './cut-line.ts'
import { skipWithoutEtcd } from './without-etcd.ts'

type Open = Pick<AsyncDisposableStack, 'use'>

async function servers(open: Open, options: EtcdServersOptions = {}): Promise<EtcdServers> {
  return open.use(await EtcdServers.start(options))
}

async function node(open: Open, name: string, engine: EtcdOptions, options: NodeOptions = {}): Promise<TrellisNode> {
  // Longer than a busy machine keeps a process waiting; who waits for the end of one says how long it is.
  const coordination = etcd({ leaderLeaseMs: 10_000, ...engine })
  const all = { name, listen: '127.0.0.1:0', keepStalledMs: 0, coordination, ...options } as const
  return open.use(await createNode(all))
}

async function pair(open: Open, one: EtcdOptions, other: EtcdOptions): Promise<[TrellisNode, TrellisNode]> {
  const a = await node(open, 'a', one, { expect: 2, timeoutMs: 1_000 })
  const b = await node(open, 'b', other, { expect: 2, join: [a.address] })
  await waitUntil(() => [a, b].every((each) => each.status().s5.phase === 'active'))
  return [a, b]
}

// They mostly wait, so they wait together.
describe('etcd in trouble', { skip: skipWithoutEtcd, concurrency: true }, () => {
  it('that is gone refuses writes, and goes on where it was when it is back', async () => {
    await using open = new AsyncDisposableStack()
    const etcds = await servers(open)
    const a = await node(open, 'a', { hosts: etcds.hosts })
    const abort = new AbortController()
    const watch = a.config.watch('k', { signal: abort.signal })
    await watch.from
    const { revision } = await a.config.set('k', 0)
    await etcds.end(0)
    await assert.rejects(a.config.set('k', 'lost', { timeoutMs: 500 }), isUnanswered)
    await waitUntil(() => !a.status().consensus.quorum && a.status().consensus.leader === null)
    etcds.run(0)
    await waitUntil(() => a.status().s5.phase === 'active')
    const last = await a.config.set('k', 1)
    const seen: number[] = []
    for await (const event of watch) if (seen.push(event.revision) && event.revision === last.revision) break
    assert.equal(seen[0], revision)
    assert.ok(seen.length <= 3)
    abort.abort()
  })

  it('that loses its leader loses no acknowledged write, and no change of a watch', async () => {
    await using open = new AsyncDisposableStack()
    const etcds = await servers(open, { members: 3, args: ['--heartbeat-interval', '20', '--election-timeout', '200'] })
    const a = await node(open, 'a', { hosts: etcds.hosts })
    const abort = new AbortController()
    const watch = a.config.watch('n/', { signal: abort.signal })
    await watch.from
    const done = new Map<string, number>()
    let isOver = false
    const writing = (async () => {
      for (let i = 0; !isOver; i++) {
        const written = await a.config.set(`n/${i}`, i).catch((error: unknown) => {
          assert.ok(isUnanswered(error), String(error))
          return undefined
        })
        if (written) done.set(written.key, written.revision)
      }
    })()
    await waitUntil(() => done.size > 20)
    await etcds.end((await etcds.leader())!)
    const before = done.size
    await waitUntil(() => done.size > before + 20)
    isOver = true
    await writing
    const last = Math.max(...done.values())
    const told = new Map<string, number>()
    for await (const event of watch) {
      assert.ok(!told.has(event.key), 'told once')
      told.set(event.key, event.revision)
      if (event.revision === last) break
    }
    for (const [key, revision] of done) assert.equal(told.get(key), revision)
    abort.abort()
  })

  it('that a host can no longer reach: S5 stops there before it starts elsewhere, with a larger token', async () => {
    await using open = new AsyncDisposableStack()
    const etcds = await servers(open)
    const line = open.use(await CutLine.to(etcds.hosts[0]!))
    const [a, b] = await pair(open, { hosts: line.address, leaderLeaseMs: 3_000 }, { hosts: etcds.hosts })
    if (a.status().s5.host !== 'a') await b.leadership.transfer({ to: 'a' })
    await waitUntil(() => b.status().s5.host === 'a')
    const order: string[] = []
    const tokens: number[] = []
    for (const each of [a, b])
      each.vsm.host('s5', (s5) => {
        tokens.push(s5.token)
        order.push(`${each.name} starts`)
        s5.signal.addEventListener('abort', () => order.push(`${each.name} stops`))
      })
    await waitUntil(() => order.length === 1)
    line.cut()
    await waitUntil(() => order.length >= 3)
    assert.deepEqual(order.slice(0, 3), ['a starts', 'a stops', 'b starts'])
    assert.ok(tokens[1]! > tokens[0]!)
    await waitUntil(() => a.status().s5.host === null)
    await assert.rejects(a.config.set('x', 1, { timeoutMs: 300 }), (error) => {
      assert.ok(isUnanswered(error))
      return error.mayHaveHappened
    })
    line.heal()
    await waitUntil(() => a.status().s5.host === 'b')
  })

  it('hands leadership over on request, to whom it is asked', async () => {
    await using open = new AsyncDisposableStack()
    const etcds = await servers(open)
    const [a, b] = await pair(open, { hosts: etcds.hosts }, { hosts: etcds.hosts })
    for (let round = 0; round < 4; round++) {
      const from = a.status().s5.host!
      const to = from === 'a' ? 'b' : 'a'
      const before = a.status().s5.fencingToken!
      const report = await (round % 2 ? a : b).leadership.transfer({ to })
      assert.deepEqual([report.from, report.to], [from, to])
      await waitUntil(() => [a, b].every((each) => each.status().s5.host === to))
      assert.ok(a.status().s5.fencingToken! > before)
    }
    await assert.rejects(a.backup(), (error) => isClusterError(error, 'ERR_UNSUPPORTED'))
    assert.throws(
      () => a.config.offline('k', 'counter'),
      (error) => isClusterError(error, 'ERR_UNSUPPORTED'),
    )
  })

  it('takes the lock of a process that was stopped, and the process knows it when it goes on', async () => {
    await using open = new AsyncDisposableStack()
    const etcds = await servers(open)
    const b = await node(open, 'b', { hosts: etcds.hosts, prefix: 'stopped/' }, { cluster: 'other' }).catch(
      () => undefined,
    )
    assert.ok(b)
    await b.stop()
    const script = resolve(import.meta.dirname, 'holder-child.ts')
    const child = spawn(process.execPath, [script, etcds.hosts[0]!], { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    try {
      const token = Number((await lines.next()).value)
      assert.ok(token > 0)
      child.kill('SIGSTOP')
      // Its sign of life ends with its leases; until then its cluster holds the prefix.
      const look = async (): Promise<number> => (await claimsUnder(etcds.hosts[0]!, 'stopped/claims/lock/')).length
      let left = 1
      const deadline = performance.now() + 20_000
      while (left > 0 && performance.now() < deadline) left = await look()
      assert.equal(left, 0)
      child.kill('SIGCONT')
      child.stdin.write('token?\n')
      assert.equal((await lines.next()).value, 'ERR_LEASE_LOST')
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })

  it('that is compacted while a node cannot see it: a watch says so, a later one goes on', async () => {
    await using open = new AsyncDisposableStack()
    const etcds = await servers(open)
    const line = open.use(await CutLine.to(etcds.hosts[0]!))
    const [a, b] = await pair(open, { hosts: line.address }, { hosts: etcds.hosts })
    const abort = new AbortController()
    const watch = a.config.watch('c/', { signal: abort.signal })
    await watch.from
    const first = await b.config.set('c/1', 1)
    await waitUntil(() => a.status().consensus.commitIndex >= first.revision)
    line.cut()
    for (let i = 2; i < 5; i++) await b.config.set(`c/${i}`, i)
    await etcds.compact((await b.config.list()).revision)
    await line.end()
    const again = await a.config.get('c/1', { timeoutMs: 100 }).catch((error: unknown) => error)
    assert.ok(again instanceof Error)
    abort.abort()
    const late = b.config.watch('c/', { from: first.revision })
    await assert.rejects(late.from, (error) => isClusterError(error, 'ERR_COMPACTED'))
  })

  it('that is compacted at the very revision a watch begins with: it is told, for a deletion there may be gone', async () => {
    await using open = new AsyncDisposableStack()
    const etcds = await servers(open)
    const client = new EtcdClient(checkedOptions({ hosts: etcds.hosts }), systemClock)
    open.defer(() => client.close())
    const key = Buffer.from('k')
    await client.txn('test', { success: [{ request_put: { key, value: key } }] })
    const { header } = await client.txn('test', { success: [{ request_delete_range: { key } }] })
    const revision = Number(header.revision)
    const told: number[] = []
    await etcds.compact(revision)
    await followChanges({
      client,
      stretch: only(key),
      from: revision,
      onChanges: () => assert.fail('nothing of it is left'),
      onCompacted: (compacted) => void told.push(compacted),
      signal: AbortSignal.timeout(30_000),
    })
    assert.deepEqual(told, [revision])
  })

  it('that does not know this node lets nobody in', async () => {
    await using open = new AsyncDisposableStack()
    const etcds = await servers(open)
    const [host] = etcds.hosts
    for (const [path, body] of [
      ['auth/user/add', { name: 'root', password: 'a-root-password' }],
      ['auth/role/add', { name: 'root' }],
      ['auth/user/grant', { user: 'root', role: 'root' }],
      ['auth/enable', {}],
    ] as const)
      assert.ok((await fetch(`http://${host}/v3/${path}`, { method: 'POST', body: JSON.stringify(body) })).ok, path)
    const isRefused = (error: unknown): boolean => {
      assert.ok(isClusterError(error, 'ERR_UNAUTHORIZED'), String(error))
      assert.doesNotMatch(JSON.stringify(error) + error.message, /wrong-password/)
      return true
    }
    await assert.rejects(node(open, 'a', { hosts: etcds.hosts }), isRefused)
    await assert.rejects(
      node(open, 'a', { hosts: etcds.hosts, username: 'root', password: 'wrong-password' }),
      isRefused,
    )
    const a = await node(open, 'a', { hosts: etcds.hosts, username: 'root', password: 'a-root-password' })
    assert.equal((await a.config.set('k', 1)).key, 'k')
  })

  it('speaks TLS with whoever trusts it, and nothing with others', { skip: withoutOpenssl() }, async () => {
    await using open = new AsyncDisposableStack()
    const dir = mkdtempSync(join(tmpdir(), 'trellis-tls-'))
    try {
      const cert = join(dir, 'cert.pem')
      const key = join(dir, 'key.pem')
      const made = spawnSync('openssl', [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
        ...['-subj', '/CN=etcd', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
      ])
      assert.equal(made.status, 0, String(made.stderr))
      const etcds = await servers(open, { args: ['--cert-file', cert, '--key-file', key] })
      const a = await node(open, 'a', { hosts: etcds.hosts, ca: readFileSync(cert, 'utf8') })
      assert.equal((await a.config.set('k', 1)).key, 'k')
      for (const engine of [{ tls: true }, {}])
        await assert.rejects(node(open, 'b', { hosts: etcds.hosts, ...engine }, { timeoutMs: 500 }), (error) =>
          isClusterError(error, 'ERR_NO_QUORUM'),
        )
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  it('under a prefix that another cluster lives under keeps the second one out', async () => {
    await using open = new AsyncDisposableStack()
    const etcds = await servers(open)
    await node(open, 'a', { hosts: etcds.hosts, prefix: 'shared/' })
    const b = await node(open, 'b', { hosts: etcds.hosts, prefix: 'shared/' }, { cluster: 'another', timeoutMs: 100 })
    const error = await b.fatal
    assert.equal(error.code, 'ERR_FOREIGN_CLUSTER')
  })
})

describe('nodes that keep what they agree on in different places', { skip: skipWithoutEtcd }, () => {
  it('refuse each other', async () => {
    await using etcds = await EtcdServers.start()
    const common = { listen: '127.0.0.1:0', keepStalledMs: 0 } as const
    await using a = await createNode({ ...common, name: 'a', coordination: etcd({ hosts: etcds.hosts }) })
    await assert.rejects(createNode({ ...common, name: 'b', join: [a.address], timeoutMs: 5_000 }), (error) =>
      isClusterError(error, 'ERR_FOREIGN_CLUSTER'),
    )
  })
})

/** Nobody was there to say, in time. */
function isUnanswered(error: unknown): error is ClusterError {
  return isClusterError(error, 'ERR_NO_QUORUM') || isClusterError(error, 'ERR_TIMEOUT')
}

function withoutOpenssl(): string | false {
  return spawnSync('openssl', ['version']).status === 0 ? false : 'no openssl here to make a certificate'
}

async function claimsUnder(host: string, prefix: string): Promise<readonly unknown[]> {
  const key = Buffer.from(prefix)
  const end = Buffer.from(key)
  end[end.length - 1]! += 1
  const body = JSON.stringify({ key: key.toString('base64'), range_end: end.toString('base64') })
  const answer = await fetch(`http://${host}/v3/kv/range`, { method: 'POST', body })
  return ((await answer.json()) as { kvs?: unknown[] }).kvs ?? []
}
