import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { DataDirectory } from '../../../src/storage/data-directory.ts'
import { runInProcess } from './run-in-process.ts'
import { temporaryDirectory } from './run-process.ts'

const configuration = { voters: [{ id: 'node-1', storeId: 's' }], outgoing: [], learners: [] }

/** A data directory whose log has a snapshot behind entry 2, four entries and a vote. */
async function fill(directory: string): Promise<void> {
  await using storage = await DataDirectory.open(directory, { cluster: 'trellis', identify: () => 'node-1' })
  const storeId = await storage.storeId()
  const log = await storage.createLog({ clusterId: 'c', nodeId: storage.id, storeId, voters: [] })
  await log.load()
  const entries = [1, 2, 3, 4].map((index) => ({ index, term: 1, command: new Uint8Array(100).fill(index) }))
  await log.append([{ hardState: { term: 1, votedFor: 'node-1' }, entries }])
  await log.append([
    { hardState: { term: 2, votedFor: undefined }, entries: [{ index: 5, term: 2, command: undefined }] },
  ])
  await log.snapshots.store({ index: 2, term: 1, configuration }, [Buffer.from('state')])
}

function contentsOf(directory: string): Map<string, string> {
  return new Map(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'latin1')]))
}

describe('trellis log inspect', () => {
  it('says what the log holds, and changes nothing', async () => {
    using directory = temporaryDirectory()
    await fill(directory.path)
    const before = contentsOf(directory.path)
    const { code, out } = await runInProcess(['log', 'inspect', '--data-dir', directory.path, '--entries', '2'])
    assert.equal(code, 0, out)
    assert.match(out, /term {6}2, voted for nobody/)
    assert.match(out, /ends at {3}entry 5 of term 2/)
    assert.match(out, /snapshot {2}behind entry 2, 5 bytes, voters node-1/)
    assert.match(out, /raft\.log\.00000001 .* behind 0, up to 5/)
    assert.match(out, /^4 +1 +100 bytes\n5 +2 +the beginning of a term$/m)
    assert.doesNotMatch(out, /^3 /m)
    assert.deepEqual(contentsOf(directory.path), before)
  })

  it('answers as JSON', async () => {
    using directory = temporaryDirectory()
    await fill(directory.path)
    const { out } = await runInProcess(['log', 'inspect', '--json', '--data-dir', directory.path])
    const { header, hardState, last, entries, problems } = JSON.parse(out)
    assert.deepEqual([header.clusterId, hardState.term, last, problems], ['c', 2, { index: 5, term: 2 }, []])
    assert.deepEqual(entries[0], { index: 1, term: 1, bytes: 100 })
  })

  it('refuses what is no directory, and a count that is none', async () => {
    using directory = temporaryDirectory()
    const gone = await runInProcess(['log', 'inspect', '--data-dir', join(directory.path, 'gone')])
    assert.deepEqual([gone.code, /ERR_DATA_UNWRITABLE/.test(gone.err)], [1, true])
    const bad = await runInProcess(['log', 'inspect', '--data-dir', directory.path, '--entries', 'x'])
    assert.deepEqual([bad.code, /ERR_USAGE/.test(bad.err)], [2, true])
    assert.equal((await runInProcess(['log', 'inspect'])).code, 2)
  })
})

describe('trellis log verify', () => {
  async function verify(directory: string) {
    const { code, out } = await runInProcess(['log', 'verify', '--json', '--data-dir', directory])
    const { ok, problems, unfinished } = JSON.parse(out)
    assert.equal(code, ok ? 0 : 1)
    return { problems, unfinished }
  }

  it('finds a good log sound, one that was never made, and one whose last write is unfinished', async () => {
    using directory = temporaryDirectory()
    assert.deepEqual(await verify(directory.path), { problems: [], unfinished: 0 })
    await fill(directory.path)
    assert.deepEqual(await verify(directory.path), { problems: [], unfinished: 0 })
    const segment = join(directory.path, 'raft.log.00000001')
    truncateSync(segment, readFileSync(segment).length - 3)
    assert.equal((await verify(directory.path)).unfinished > 0, true)
    assert.match(
      (await runInProcess(['log', 'verify', '--data-dir', directory.path])).out,
      /^sound; \d+ bytes at the end/,
    )
  })

  for (const [what, damage] of [
    ['a flipped bit in the log', (path: string) => flip(join(path, 'raft.log.00000001'), 700)],
    ['a flipped bit in its header', (path: string) => flip(join(path, 'raft.log'), 60)],
    ['a flipped bit in the snapshot', (path: string) => flip(join(path, 'raft.snapshot.0000000000000002'), 513)],
    ['a missing segment', (path: string) => rmSync(join(path, 'raft.log.00000001'))],
    ['a log that is gone', (path: string) => rmSync(join(path, 'raft.log'))],
    ['a lost store id', (path: string) => rmSync(join(path, 'store.json'))],
  ] as const) {
    it(`says in one line what is wrong: ${what}`, async () => {
      using directory = temporaryDirectory()
      await fill(directory.path)
      damage(directory.path)
      const { problems } = await verify(directory.path)
      assert.equal(problems.length, 1, JSON.stringify(problems))
      assert.match(problems[0], /^\S+ (is damaged|belongs)/)
    })
  }

  it('tells all of the damage', async () => {
    using directory = temporaryDirectory()
    await fill(directory.path)
    flip(join(directory.path, 'raft.log.00000001'), 700)
    cpSync(join(directory.path, 'raft.log.00000001'), join(directory.path, 'raft.log.00000003'))
    flip(join(directory.path, 'raft.snapshot.0000000000000002'), 513)
    assert.equal((await verify(directory.path)).problems.length, 4)
  })

  function flip(path: string, at: number): void {
    const bytes = readFileSync(path)
    bytes[at]! ^= 1
    writeFileSync(path, bytes)
  }
})
