import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { judgeFlushes } from '../../../src/cli/doctor/disk.ts'
import type { Finding } from '../../../src/cli/doctor/finding.ts'
import { checkNodeVersion, judgeClock, judgeOffset, judgeOpenFiles } from '../../../src/cli/doctor/machine.ts'
import { examineIfAny } from '../../../src/cli/doctor/running-node.ts'
import { createNode } from '../../../src/node.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { helloOf } from '../../../src/self.ts'
import { startProcesses } from '../../../src/testing/processes.ts'
import { createIdentity } from '../../../src/transport/identity.ts'
import { TcpTransport } from '../../../src/transport/tcp.ts'
import { establishLink } from '../../../src/wire/link-handshake.ts'
import { Keyring } from '../../../src/wire/secrets.ts'
import { runInProcess } from './run-in-process.ts'
import { temporaryDirectory, trellis } from './run-process.ts'

const secret = 'the secret of the doctor under test'
const alone = ['--listen', '127.0.0.1:0', '--admin', 'off']

async function ask(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  using running = trellis(['doctor', '--json', ...argv], { env })
  const { code } = await running.exited
  const { ok, findings } = JSON.parse(running.out) as { ok: boolean; findings: Finding[] }
  assert.equal(code, ok ? 0 : 1)
  const of = (check: string): Finding => findings.find((finding) => finding.check === check)!
  return { ok, findings, of }
}

function contentsOf(directory: string): Map<string, string> {
  return new Map(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'latin1')]))
}

describe('trellis doctor of a node that runs', () => {
  it('says how it stands in its cluster, and exits with 3 when nobody answers', async () => {
    const node = await createNode({ name: 'a', listen: '127.0.0.1:0', admin: '127.0.0.1:0', keepStalledMs: 0 })
    const argv = ['doctor', '--json', '--admin', node.admin!]
    try {
      // Loading the command can take longer than a lease: so it says when S5 is active.
      let findings: Finding[] = []
      while (findings.at(-1)?.level !== 'ok') {
        const { code, out } = await runInProcess(argv)
        const report = JSON.parse(out) as { ok: boolean; findings: Finding[] }
        assert.deepEqual([code, report.ok], [0, true])
        findings = report.findings
      }
      assert.deepEqual(
        findings.map(({ check, level }) => [check, level]),
        [
          ['members', 'ok'],
          ['quorum', 'ok'],
          ['s5', 'ok'],
        ],
      )
      assert.deepEqual(
        (await examineIfAny({ url: node.admin! })).map(({ check }) => check),
        findings.map(({ check }) => check),
      )
    } finally {
      await node.stop()
    }
    assert.deepEqual(await examineIfAny({ url: argv.at(-1)! }), [], 'nobody is there')
    assert.equal((await runInProcess(argv)).code, 3)
  })
})

describe('trellis doctor', () => {
  it('takes what is no node at the usual address for nobody', async () => {
    for (const body of ['{}', 'hello', '{"node":1}']) {
      await using server = createHttpServer((_request, response) => response.end(body)).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      assert.deepEqual(await examineIfAny({ url: `http://127.0.0.1:${port}` }), [])
    }
  })

  it('finds everything good where it is, and leaves nothing in the data directory', async () => {
    using directory = temporaryDirectory()
    const { ok, findings, of } = await ask([...alone, '--data-dir', directory.path], { TRELLIS_SECRET: secret })
    assert.ok(ok, JSON.stringify(findings))
    const checks = ['node', 'files', 'clock', 'disk', 'options', 'listen', 'join']
    assert.deepEqual(
      findings.map(({ check }) => check),
      checks,
    )
    const { p50Ms, p99Ms } = of('disk').measured as { p50Ms: number; p99Ms: number }
    assert.ok(p50Ms > 0 && p99Ms >= p50Ms)
    assert.deepEqual(readdirSync(directory.path), [])
  })

  it('says on one line each what it found', async () => {
    const { code, out } = await runInProcess(['doctor', ...alone], { TRELLIS_SECRET: secret })
    assert.equal(code, 0)
    const lines = out.trimEnd().split('\n')
    assert.equal(lines.length, 7)
    for (const line of lines)
      assert.match(line, /^(ok|warning|problem) +(node|files|clock|disk|options|listen|join) +\S/)
  })

  it('meets a member by the transport that the node would use, in both directions', async () => {
    await using node = await createNode({ name: 'there', listen: '127.0.0.1:0', transport: 'libp2p', secret })
    const given = [...alone, '--transport', 'libp2p', '--join', node.address]
    const { ok, of, findings } = await ask(given, { TRELLIS_SECRET: secret })
    assert.ok(ok, JSON.stringify(findings))
    assert.match(of('join').text, /there of trellis, knock .*, handshake/)
  })

  it('names ports that are taken, and what to do', async () => {
    const servers = [createServer(), createServer()]
    const [listen, admin] = await Promise.all(
      servers.map((server) => {
        return new Promise<string>((resolve) => {
          server.listen(0, '127.0.0.1', () => resolve(`127.0.0.1:${(server.address() as { port: number }).port}`))
        })
      }),
    )
    try {
      const { ok, of } = await ask(['--listen', listen!, '--admin', admin!])
      assert.ok(!ok)
      for (const check of ['listen', 'admin']) {
        assert.deepEqual([of(check).level, of(check).code], ['problem', 'ERR_ADDRESS_IN_USE'])
        assert.match(of(check).advice!, new RegExp(`--${check}`))
      }
    } finally {
      for (const server of servers) server.close()
    }
  })

  it('names a data directory that cannot be one', async () => {
    using directory = temporaryDirectory()
    const path = join(directory.path, 'file')
    writeFileSync(path, '')
    const { ok, of } = await ask([...alone, '--data-dir', path])
    assert.ok(!ok)
    assert.deepEqual([of('disk').code, of('disk').text], ['ERR_DATA_UNWRITABLE', `${path}: ENOTDIR`])
  })

  it('names a data directory in which a node runs, and leaves that one alone', async () => {
    using directory = temporaryDirectory()
    await using _node = await createNode({ name: 'a', listen: '127.0.0.1:0', dataDir: directory.path })
    const { ok, of, findings } = await ask([...alone, '--data-dir', directory.path])
    assert.ok(!ok)
    assert.deepEqual([of('data').level, of('data').code], ['problem', 'ERR_DATA_IN_USE'])
    assert.match(of('data').text, new RegExp(`is in use by process ${process.pid}$`))
    assert.match(of('data').advice!, /stop that one, or choose another --data-dir/)
    assert.ok(
      findings.every(({ check }) => check !== 'disk'),
      'no flushes beside it',
    )
  })

  it('says whether the log in the data directory is sound, and writes nothing there', async () => {
    using directory = temporaryDirectory()
    const node = await createNode({ name: 'a', listen: '127.0.0.1:0', dataDir: directory.path })
    await node.config.set('a', 1)
    await node.stop()
    const sound = await ask([...alone, '--data-dir', directory.path])
    assert.match(sound.of('data').text, /: its log is sound, up to entry \d+$/)
    assert.ok(sound.ok)
    const segment = join(directory.path, 'raft.log.00000001')
    const bytes = readFileSync(segment)
    bytes[700]! ^= 1
    writeFileSync(segment, bytes)
    const before = contentsOf(directory.path)
    const { ok, of } = await ask([...alone, '--data-dir', directory.path])
    assert.ok(!ok)
    assert.deepEqual([of('data').level, of('data').code], ['problem', 'ERR_LOG_CORRUPT'])
    assert.match(of('data').text, /raft\.log\.00000001 is damaged at byte \d+/)
    assert.match(of('data').advice!, /restore the disk, or remove the directory/)
    assert.deepEqual(contentsOf(directory.path), before)
  })

  it('names options that cannot be, and says what was not checked for it', async () => {
    const { ok, of } = await ask(['--listen', '0.0.0.0:0', '--advertise', '10.0.0.1:7400'])
    assert.ok(!ok)
    assert.equal(of('options').code, 'ERR_SECRET_REQUIRED')
    assert.match(of('options').advice!, /not checked/)
  })

  it('shakes hands with members, hears their knock, and joins nothing', async () => {
    await using cluster = await startProcesses(2, { secret })
    const addresses = cluster.nodes.map(({ address }) => address)
    const { ok, findings } = await ask([...alone, '--join', addresses.join()], { TRELLIS_SECRET: secret })
    assert.ok(ok, JSON.stringify(findings))
    const joins = findings.filter(({ check }) => check === 'join')
    assert.deepEqual(
      joins.map(({ text }) => text.split(',')[0]),
      cluster.nodes.map(({ address, name }) => `${address}: ${name} of trellis`),
    )
    for (const { text, measured } of joins) {
      assert.match(text, /127\.0\.0\.1:\d+ was knocked at by 127\.0\.0\.1$/)
      assert.ok(measured!.handshakeMs! > 0)
    }
    const clocks = findings.filter(({ check }) => check === 'clock').slice(1)
    assert.deepEqual(
      clocks.map(({ text }) => text.replace(/ is .*/, '')),
      addresses.map((address) => `the clock at ${address}`),
    )
    for (const { measured } of clocks) assert.ok(Math.abs(measured!.offsetMs!) <= measured!.uncertaintyMs!)
    for (const node of cluster.nodes) assert.equal((await node.members()).length, 2)
  })

  it('tells a wrong secret, another cluster, a closed port and something else apart', async () => {
    await using cluster = await startProcesses(1, { secret })
    const [node] = cluster.nodes
    const { address, admin } = node!
    const codeOf = async (to: string, env: Record<string, string>, ...flags: string[]) =>
      (await ask([...alone, '--join', to, ...flags], env)).of('join')
    const right = { TRELLIS_SECRET: secret }
    const wrong = await codeOf(address, { TRELLIS_SECRET: 'quite another secret' })
    assert.equal(wrong.code, 'ERR_WRONG_SECRET')
    assert.match(wrong.advice!, /same secret/)
    assert.equal((await codeOf(address, right, '--cluster', 'other')).code, 'ERR_FOREIGN_CLUSTER')
    assert.match((await codeOf(admin.slice('http://'.length), right)).advice!, /something else|closed the connection/)
    await node!.kill()
    const closed = await codeOf(address, right)
    assert.deepEqual([closed.code, closed.text], ['ERR_HANDSHAKE_FAILED', `${address} refuses`])
  })

  it('names a member of another protocol version', async () => {
    const transport = new TcpTransport({ identity: createIdentity() })
    const about = { name: 'newer', cluster: 'trellis', generation: 1, instance: new Uint8Array(8), storeId: '' }
    const self = helloOf({ ...about, id: transport.id, address: 'x:1', roles: [], zone: '' }, undefined, undefined)
    const keyring = new Keyring([secret])
    const refusals: unknown[] = []
    const address = await transport.listen('127.0.0.1:0', (connection) => {
      establishLink(connection, { clock: systemClock, self, keyring, versions: { min: 8, max: 9 } }).catch((error) =>
        refusals.push(error),
      )
    })
    try {
      const { of } = await ask([...alone, '--join', address], { TRELLIS_SECRET: secret })
      assert.deepEqual([of('join').level, of('join').code], ['problem', 'ERR_VERSION_MISMATCH'])
      assert.equal(refusals.length, 1)
    } finally {
      await transport.close()
    }
  })
})

describe('the doctor judges', () => {
  it('versions of Node', () => {
    const levels = ['18.20.0', '22.1.9', '22.2.0', '24.0.0'].map((version) => checkNodeVersion(version).level)
    assert.deepEqual(levels, ['problem', 'problem', 'ok', 'ok'])
  })

  it('clocks by how far they go apart, and by the year', () => {
    const wall = Date.UTC(2026, 5)
    const level = (wallAfter: number) => judgeClock({ wall, monotonic: 0 }, { wall: wallAfter, monotonic: 500 }).level
    assert.deepEqual([wall + 500, wall + 504, wall + 520, wall - 3_600_000, 0].map(level), [
      'ok',
      'ok',
      'warning',
      'warning',
      'warning',
    ])
  })

  it("members' clocks by how far they are off, in either direction", () => {
    const sent = { wall: 1_000_000, monotonic: 0 }
    const judged = (peerWall?: number) => judgeOffset('b:1', peerWall, sent, { wall: 0, monotonic: 20 })
    assert.deepEqual(judged(1_000_210).measured, { offsetMs: 200, uncertaintyMs: 11 })
    const levels = [1_001_010, 999_010, 1_001_011, 999_009].map((peerWall) => judged(peerWall).level)
    assert.deepEqual(levels, ['ok', 'ok', 'warning', 'warning'])
    assert.equal(judged(995_010).text, 'the clock at b:1 is 5000 ms behind this one, give or take 11 ms')
    assert.match(judged(995_010).advice!, /no decision, and dates in certificates are ignored/)
    assert.deepEqual([judged().level, judged().text], ['ok', 'b:1 does not tell its clock'])
  })

  it('limits of open files', () => {
    const levels = [64, 1_024, 65_536, 'unlimited', undefined].map((limit) => judgeOpenFiles(limit).level)
    assert.deepEqual(levels, ['problem', 'warning', 'ok', 'ok', 'ok'])
  })

  it('disks by their slow flushes', () => {
    const level = (slow: number) => judgeFlushes('/d', [...new Array<number>(98).fill(1), slow, slow]).level
    assert.deepEqual([1, 99, 100, 599, 600].map(level), ['ok', 'ok', 'warning', 'warning', 'problem'])
  })
})
