import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { DataDirectory } from '../../../src/storage/data-directory.ts'
import { runInProcess } from './run-in-process.ts'
import { temporaryDirectory } from './run-process.ts'

const configuration = { voters: [{ id: 'node-1', storeId: 's' }], outgoing: [], learners: [] }

const owner = { cluster: 'trellis', identify: () => 'node-1' }

/** A data directory whose log has a snapshot behind entry 2, four entries and a vote. */
async function fill(directory: string): Promise<void> {
  await using storage = await DataDirectory.open(directory, owner)
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

function flip(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes[at]! ^= 1
  writeFileSync(path, bytes)
}

/** Of what is written of the log's one segment: behind it there may be zeros. */
function lengthOf(directory: string): number {
  return readFileSync(join(directory, 'raft.log.00000001')).findLastIndex((byte) => byte !== 0) + 1
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

  it('shows what can be read of a damaged log, and fails with what is damaged', async () => {
    using directory = temporaryDirectory()
    await fill(directory.path)
    flip(join(directory.path, 'raft.log.00000001'), lengthOf(directory.path) - 3)
    const { code, out, err } = await runInProcess(['log', 'inspect', '--data-dir', directory.path])
    assert.equal(code, 1)
    assert.match(
      err,
      /^trellis: ERR_LOG_CORRUPT: \S+raft\.log\.00000001 is damaged at byte \d+: a record has a wrong checksum\n$/,
    )
    assert.match(out, /term {6}1, voted for node-1, as far as it can be read/)
    assert.match(out, /ends at {3}entry 4 of term 1, as far/)
    assert.match(out, /snapshot {2}behind entry 2, 5 bytes/)
    assert.match(out, /^damage {4}\S+ is damaged at byte/m)
    assert.match(out, /raft\.log\.00000001 .* \? +damaged; up to it the log reaches 4/)
    const answer = await runInProcess(['log', 'inspect', '--json', '--data-dir', directory.path])
    const { hardState, last, problems, entries } = JSON.parse(answer.out)
    assert.deepEqual(
      [hardState, last.index, problems.length, entries.length],
      [{ term: 1, votedFor: 'node-1' }, 4, 1, 4],
    )
    assert.deepEqual([answer.code, JSON.parse(answer.err).code], [1, 'ERR_LOG_CORRUPT'])
  })

  it('claims no term and no vote of a log of which nothing can be read', async () => {
    using directory = temporaryDirectory()
    await fill(directory.path)
    flip(join(directory.path, 'raft.log'), 60)
    const { code, out, err } = await runInProcess(['log', 'inspect', '--data-dir', directory.path])
    assert.deepEqual([code, /ERR_LOG_CORRUPT: \S+raft\.log is damaged/.test(err)], [1, true])
    assert.match(out, /^term {6}\?\nends at {3}\?$/m)
    const answer = await runInProcess(['log', 'inspect', '--json', '--data-dir', directory.path])
    assert.equal('hardState' in JSON.parse(answer.out), false)
  })

  it('refuses what is no directory, and a count that is none', async () => {
    using directory = temporaryDirectory()
    const gone = await runInProcess(['log', 'inspect', '--data-dir', join(directory.path, 'gone')])
    assert.deepEqual([gone.code, /ERR_DATA_UNWRITABLE/.test(gone.err)], [1, true])
    const bad = await runInProcess(['log', 'inspect', '--data-dir', directory.path, '--entries', 'x'])
    assert.deepEqual([bad.code, /ERR_USAGE/.test(bad.err)], [2, true])
    assert.equal((await runInProcess(['log', 'inspect'])).code, 2)
  })

  it('refuses a folder in which no node has been, and so does verify', async () => {
    using directory = temporaryDirectory()
    for (const verb of ['inspect', 'verify']) {
      const { code, out, err } = await runInProcess(['log', verb, '--data-dir', directory.path])
      assert.deepEqual([code, out], [1, ''])
      assert.match(err, /^trellis: ERR_DATA_FOREIGN: \S+ is no data directory: no node has been in it\n$/)
    }
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
    await (await DataDirectory.open(directory.path, owner)).close()
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
})
