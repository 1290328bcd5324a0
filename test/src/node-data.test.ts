import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ClusterError, type NodeOptions } from '../../src/index.ts'
import { DataDirectory } from '../../src/storage/data-directory.ts'
import { waitUntil } from '../../src/testing/compliance/wait-until.ts'
import { loadIdentity } from '../../src/transport/identity.ts'
import { agreed, failureOf, form, start, stateOf } from './local-nodes.ts'
import { temporaryDirectory } from './storage/temporary-directory.ts'

const incarnationOf = (node: Awaited<ReturnType<typeof start>>, name: string): number =>
  node.members().find((member) => member.name === name)?.incarnation ?? 0

describe('a node with a data directory', () => {
  it('is the same member of the same cluster after a restart, in a later incarnation', async () => {
    const dataDir = temporaryDirectory()
    const before = await start({ name: 'a', dataDir })
    await waitUntil(() => before.status().s5.phase === 'active')
    const { id } = before
    const cluster = before.status().cluster.id
    const token = before.status().s5.fencingToken ?? 0
    const incarnation = incarnationOf(before, 'a')
    await before.stop()
    const after = await start({ dataDir })
    await after.ready()
    await waitUntil(() => after.status().s5.phase === 'active')
    assert.deepEqual([after.id, after.name, after.status().cluster.id], [id, 'a', cluster])
    assert.ok(incarnationOf(after, 'a') > incarnation)
    assert.ok((after.status().s5.fencingToken ?? 0) > token)
  })

  it('is nobody else: another name is refused, and nothing has changed', async () => {
    const dataDir = temporaryDirectory()
    await (await start({ name: 'a', dataDir })).stop()
    const error = await failureOf(start({ name: 'b', dataDir }))
    assert.equal(error.code, 'ERR_DATA_FOREIGN')
    assert.deepEqual(error.details, { path: join(dataDir, 'node.json'), expected: 'b', found: 'a' })
    assert.equal((await start({ name: 'a', dataDir })).name, 'a')
  })

  it('keeps the decisions of S5', async () => {
    const dataDir = temporaryDirectory()
    const before = await start({ dataDir })
    const decided = new Promise<number>((resolve, reject) => {
      before.vsm.host('s5', (s5) => void s5.decide({ price: 3 }).then(resolve, reject))
    })
    const index = await decided
    await before.stop()
    const after = await start({ dataDir })
    await waitUntil(() => after.vsm.decision !== undefined)
    assert.deepEqual(after.vsm.decision, { index, payload: { price: 3 } })
  })

  it('finds its cluster without seeds, and keeps its name without a quorum being asked', async () => {
    const dirs = new Map(['a', 'b', 'c'].map((name) => [name, temporaryDirectory()]))
    const options = (name: string): NodeOptions => ({ dataDir: dirs.get(name) ?? '' })
    const [a, b, c] = await form(['a', 'b', 'c'], options)
    assert.ok(a && b && c)
    const { address } = c
    await c.stop()
    await waitUntil(() => stateOf(a, 'c') === 'left')
    const again = await start({ ...options('c'), listen: address })
    await agreed([a, b, again])
    assert.equal(again.id, c.id)
  })

  it('comes back with all the others', async () => {
    const dirs = new Map(['a', 'b', 'c'].map((name) => [name, temporaryDirectory()]))
    const options = (name: string): NodeOptions => ({ dataDir: dirs.get(name) ?? '' })
    const nodes = await form(['a', 'b', 'c'], options)
    const cluster = nodes[0]?.status().cluster.id
    const addresses = nodes.map(({ name, address }) => ({ name, address }))
    await Promise.all(nodes.map((node) => node.stop()))
    const again = await Promise.all(addresses.map(({ name, address }) => start({ ...options(name), listen: address })))
    await agreed(again)
    assert.deepEqual(
      again.map((node) => node.status().cluster.id),
      [cluster, cluster, cluster],
    )
  })

  it('is used by one node at a time', async () => {
    const dataDir = temporaryDirectory()
    await start({ dataDir })
    assert.equal((await failureOf(start({ dataDir }))).code, 'ERR_DATA_IN_USE')
  })

  it('belongs to one cluster', async () => {
    const dataDir = temporaryDirectory()
    await (await start({ dataDir })).stop()
    assert.equal((await failureOf(start({ dataDir, cluster: 'other' }))).code, 'ERR_DATA_FOREIGN')
    const again = await start({ dataDir })
    await again.ready()
  })

  it('is left in order when the start is refused', async () => {
    const dataDir = temporaryDirectory()
    assert.equal(
      (await failureOf(start({ dataDir, join: ['127.0.0.1:1'], timeoutMs: 50 }))).code,
      'ERR_CLUSTER_UNREACHABLE',
    )
    await start({ dataDir })
  })
})

describe('a damaged log', () => {
  it('refuses the start with ERR_LOG_CORRUPT, and lets the directory be used again', async () => {
    const dataDir = temporaryDirectory()
    await (await start({ dataDir })).stop()
    const path = join(dataDir, 'raft.log.00000001')
    const log = readFileSync(path)
    // In a record that had been written as a whole.
    const at = log.findLastIndex((byte) => byte !== 0) - 10
    writeFileSync(path, Buffer.concat([log.subarray(0, at), Buffer.of((log[at] ?? 0) ^ 0xff), log.subarray(at + 1)]))
    assert.equal((await failureOf(start({ dataDir }))).code, 'ERR_LOG_CORRUPT')
    writeFileSync(path, log)
    await (await start({ dataDir })).ready()
  })
})

describe('a copy of a data directory', () => {
  it('that was restored from an earlier life is refused, and the others do not notice', async () => {
    const dataDir = temporaryDirectory()
    const backup = temporaryDirectory()
    const a = await start({ name: 'a' })
    const b = await start({ name: 'b', dataDir, join: [a.address] })
    await agreed([a, b])
    await b.stop()
    cpSync(dataDir, backup, { recursive: true })
    for (let life = 0; life < 2; life++) {
      const again = await start({ dataDir, join: [a.address] })
      await waitUntil(() => stateOf(a, 'b') === 'alive')
      if (life === 0) await again.stop()
    }
    const error = await failureOf(start({ dataDir: backup, join: [a.address] }))
    assert.equal(error.code, 'ERR_DATA_ROLLED_BACK')
    assert.equal(stateOf(a, 'b'), 'alive')
  })

  it('that was started later stops the one that lives: of two the lower generation goes', async () => {
    const dataDir = temporaryDirectory()
    const copy = temporaryDirectory()
    const a = await start({ name: 'a' })
    await (await start({ name: 'b', dataDir, join: [a.address] })).stop()
    cpSync(dataDir, copy, { recursive: true })
    // A life of the copy of which nobody hears, so that its next one is the later.
    const identify = (privateKeyPem: string) => loadIdentity(privateKeyPem).id
    await (await DataDirectory.open(copy, { cluster: 'trellis', identify })).close()
    const older = await start({ dataDir, join: [a.address] })
    const newer = await start({ dataDir: copy, join: [a.address] })
    const fatal = await older.fatal
    assert.equal(fatal.code, 'ERR_DATA_ROLLED_BACK')
    await older.stop()
    await waitUntil(() => stateOf(a, 'b') === 'alive')
    assert.equal((await failureOf(older.ready())).code, 'ERR_DATA_ROLLED_BACK')
    await newer.ready()
  })
})

describe('a copy of a live data directory that was torn, so that it ended before it was a member', () => {
  it('is a later life all the same: the one that lives is shown so by whom the copy has met, and stops', async () => {
    const dataDir = temporaryDirectory()
    const copy = temporaryDirectory()
    const a = await start({ name: 'a' })
    const c = await start({ name: 'c', join: [a.address] })
    const b = await start({ name: 'b', dataDir, join: [a.address] })
    await agreed([a, b, c])
    await waitUntil(() => a.status().consensus.voters.includes('b'))
    cpSync(dataDir, copy, { recursive: true, filter: (path) => !path.includes('lock.') })
    // It does not know its cluster, meets it, and only then finds that it cannot read its log.
    rmSync(join(copy, 'cluster.json'))
    const log = join(copy, 'raft.log.00000001')
    writeFileSync(log, Buffer.alloc(statSync(log).size, 0xff))
    const error = await failureOf(start({ dataDir: copy, join: [a.address] }))
    assert.equal(error.code, 'ERR_LOG_CORRUPT')
    let fatal: ClusterError | undefined
    void b.fatal.then((reason) => {
      fatal = reason
    })
    await waitUntil(() => fatal !== undefined)
    assert.equal(fatal?.code, 'ERR_DATA_ROLLED_BACK')
    await b.stop()
    assert.equal((await failureOf(start({ dataDir, join: [a.address] }))).code, 'ERR_DATA_ROLLED_BACK')
  })
})

describe('a name whose holder is gone', () => {
  it('moves to a newcomer, and the old holder is the one that is refused on its return', async () => {
    const a = await start({ name: 'a' })
    const dataDir = temporaryDirectory()
    const old = await start({ name: 'b', dataDir, join: [a.address] })
    await agreed([a, old])
    await old.stop()
    await waitUntil(() => stateOf(a, 'b') === 'left')
    const heir = await start({ name: 'b', join: [a.address] })
    assert.notEqual(heir.id, old.id)
    // It remembers that the name was its own, so it may be a member for the moment that it takes to ask the log.
    const returned = await start({ dataDir, join: [a.address, heir.address] }).catch((error: ClusterError) => error)
    const error = returned instanceof ClusterError ? returned : await returned.fatal
    assert.equal(error.code, 'ERR_NAME_TAKEN')
    await waitUntil(() => a.members().filter(({ name, state }) => name === 'b' && state === 'alive').length === 1)
    await heir.ready()
  })
})

describe('a process', () => {
  const run = async (scene: string): Promise<{ code: number | null; text: string }> => {
    const child = spawn(process.execPath, [
      '--unhandled-rejections=strict',
      '--disable-warning=ExperimentalWarning',
      join(import.meta.dirname, 'node-child.ts'),
      scene,
      temporaryDirectory(),
    ])
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk))
    const killer = setTimeout(() => child.kill('SIGKILL'), 15_000)
    const [code] = await once(child, 'exit')
    clearTimeout(killer)
    return { code, text }
  }

  for (const scene of ['stopped', 'cluster', 'refused', 'unreachable', 'aborted', 'corrupt', 'stopped at once'])
    it(`ends by itself after its nodes: ${scene}`, async () => {
      assert.deepEqual(await run(scene), { code: 0, text: 'the end\n' })
    })
})
