// The log, with segments so small that every few appends begin another, is killed or loses power at every call to the
// disk: while it appends, begins a segment, begins anew behind a snapshot, lets old segments go, or is upgraded.
// Everything that was acknowledged is there afterwards, and nothing that never was.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FileLog } from '../../../src/storage/file-log.ts'
import { FlushPace } from '../../../src/storage/flush-pace.ts'
import { LogContents } from '../../../src/storage/log-contents.ts'
import { decodeLogHeader } from '../../../src/storage/log-header.ts'
import type { LoadedLog, LogHeader, LogWrite, StoredEntry } from '../../../src/storage/log-store.ts'
import { writeFormerLog } from './former-log.ts'
import { PowerLoss, SimulatedDisk, seededRandom } from './simulated-disk.ts'

const header: LogHeader = { clusterId: 'c', nodeId: 'a', storeId: 's', voters: [{ id: 'a', storeId: 's' }] }
const path = '/d/raft.log'

/** What a log was told. `snapshot`: the highest index that it may have let go. */
interface Told {
  contents: LogContents
  snapshot: number
}

describe('the log after a crash', () => {
  it('has what was acknowledged, and of the append on its way a part in order or nothing', async () => {
    for (let seed = 1; seed <= 120; seed++) await liveAndDie(seed)
  })

  it('keeps a segment that a killed process had begun, when the power fails later', async () => {
    for (let lastCall = 1; lastCall <= 16; lastCall++) {
      for (let seed = 1; seed <= 12; seed++) await killThenPowerLoss(lastCall, seed)
    }
  })

  it('is as it was, in the format before or in this one, whenever an upgrade is cut short', async () => {
    for (let lastCall = 1; lastCall <= 30; lastCall++) {
      for (let seed = 1; seed <= 6; seed++) await upgradeAndDie(lastCall, seed)
    }
  })
})

async function liveAndDie(seed: number): Promise<void> {
  const random = seededRandom(seed)
  const segmentBytes = 512 + Math.floor(random() * 4000)
  // A quick disk is flushed by calls that block, any other by way of the thread pool.
  const pace = new FlushPace(seed % 2 === 0 ? 0 : undefined)
  let disk = new SimulatedDisk(random)
  await (await FileLog.create(path, header, { fs: disk, segmentBytes, pace })).close()
  const told: Told = { contents: new LogContents(), snapshot: 0 }
  let candidates = [told.contents]
  for (let life = 0; life < 6; life++) {
    disk = disk.afterCrash(1 + Math.floor(random() * 50))
    await untilPowerLoss(async () => {
      const log = await FileLog.open(path, header, { fs: disk, segmentBytes, pace })
      told.contents = survivorOf(await log.load(), candidates, told.snapshot, `seed ${seed}, life ${life}`)
      for (;;) {
        const compacted = compactAt(random, told)
        told.snapshot = Math.max(told.snapshot, compacted ?? 0)
        const writes = randomWrites(random, told)
        candidates = statesAlong(told.contents, writes)
        await Promise.all([log.append(writes), compacted === undefined ? undefined : log.compact(compacted)])
        told.contents = candidates.at(-1)!
        candidates = [told.contents]
      }
    })
  }
}

/** The state that was found; it must be one that the log can have been in. */
function survivorOf(
  found: LoadedLog,
  candidates: readonly LogContents[],
  snapshot: number,
  context: string,
): LogContents {
  const fits = candidates.findLast((candidate) => isSame(found, candidate, snapshot))
  if (fits !== undefined) return fits
  const ends = candidates.map(({ base, last, hardState }) => ({ base, last, hardState }))
  const { base, hardState, entries } = found
  assert.fail(`${context}: found ${JSON.stringify({ base, hardState, last: entries.at(-1)?.index, snapshot, ends })}`)
}

function isSame({ hardState, base, entries }: LoadedLog, candidate: LogContents, snapshot: number): boolean {
  if (base.index < candidate.base.index || base.index > Math.max(candidate.base.index, snapshot)) return false
  const expected = copyOf(candidate)
  expected.compact(base.index)
  const text = (state: Pick<LogContents, 'hardState' | 'base' | 'entries'>): string =>
    JSON.stringify([state.hardState, state.base, state.entries])
  return text({ hardState, base, entries: [...entries] }) === text(expected)
}

function copyOf({ hardState, base, entries }: LogContents): LogContents {
  const copy = new LogContents()
  copy.apply([{ hardState, reset: base, entries }])
  return copy
}

/** What the log goes through: nothing yet, then what each reset divides. */
function statesAlong(from: LogContents, writes: readonly LogWrite[]): LogContents[] {
  const states = [from]
  const now = copyOf(from)
  for (const { hardState, reset, entries } of writes) {
    if (reset !== undefined) states.push(copyOf(now))
    now.apply([{ hardState, reset, entries: [] }])
    if (reset !== undefined) states.push(copyOf(now))
    now.apply([{ hardState: undefined, entries }])
  }
  return [...states, now]
}

function randomWrites(random: () => number, { contents, snapshot }: Told): LogWrite[] {
  let { index: last } = contents.last
  let floor = Math.max(contents.base.index, snapshot)
  return Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
    const term = contents.hardState.term + Math.floor(random() * 3)
    const hardState = random() < 0.3 ? { term, votedFor: 'a' } : undefined
    const reset = random() < 0.05 ? { index: last + 1 + Math.floor(random() * 9), term } : undefined
    if (reset !== undefined) floor = reset.index
    if (reset !== undefined) last = reset.index
    const first = Math.max(floor + 1, last + 1 - Math.floor(random() * 3))
    const entries = Array.from({ length: Math.floor(random() * 4) }, (_, at): StoredEntry => {
      return { index: first + at, term, command: new Uint8Array(Math.floor(random() * 1500)).fill(random() * 256) }
    })
    if (entries.length > 0) last = entries.at(-1)!.index
    return { hardState, reset, entries }
  })
}

/** An index up to which a snapshot holds everything: nothing at or before it is written any more. */
function compactAt(random: () => number, { contents }: Told): number | undefined {
  if (random() < 0.7 || contents.entries.length < 4) return undefined
  return contents.base.index + Math.floor(random() * (contents.entries.length - 3))
}

async function untilPowerLoss(work: () => Promise<void>): Promise<void> {
  await assert.rejects(work, (error) => {
    if (error instanceof PowerLoss) return true
    throw error
  })
}

const oneEntry = (index: number): LogWrite[] => {
  return [{ hardState: undefined, entries: [{ index, term: 1, command: new Uint8Array(600).fill(index) }] }]
}

/**
 * The first process dies while it begins a segment; the next one appends to what it finds, and then there is no power.
 */
async function killThenPowerLoss(lastCall: number, seed: number): Promise<void> {
  const random = seededRandom(lastCall * 1000 + seed)
  const fresh = new SimulatedDisk(random)
  await (await FileLog.create(path, header, { fs: fresh })).close()
  const killed = fresh.afterKill(lastCall)
  await untilPowerLoss(async () => {
    const log = await FileLog.open(path, header, { fs: killed, segmentBytes: 600 })
    await log.load()
    for (let index = 1; ; index++) await log.append(oneEntry(index))
  })
  const disk = killed.afterKill()
  const next = await FileLog.open(path, header, { fs: disk })
  const { entries } = await next.load()
  await next.append(oneEntry(entries.length + 1))
  const last = await FileLog.open(path, header, { fs: disk.afterPowerLoss() })
  assert.equal((await last.load()).entries.length, entries.length + 1, `killed at call ${lastCall}, seed ${seed}`)
}

async function upgradeAndDie(lastCall: number, seed: number): Promise<void> {
  const random = seededRandom(lastCall * 1000 + seed)
  const before = new SimulatedDisk(random)
  const entries = [1, 2, 3].map((index): StoredEntry => ({ index, term: index, command: Buffer.alloc(700, index) }))
  const hardState = { term: 3, votedFor: 'a' }
  await writeFormerLog(
    before,
    path,
    header,
    entries.map((entry) => [{ hardState, entries: [entry] }]),
  )
  const disk = before.afterCrash(lastCall)
  await FileLog.open(path, header, { fs: disk }).then(
    (log) => log.load().catch(() => undefined),
    (error: unknown) => assert(error instanceof PowerLoss),
  )
  const after = disk.afterCrash()
  const file = await after.open(path, 'read')
  const bytes = Buffer.alloc(await file.size())
  await file.read(bytes, 0)
  // What an older release sees: its own log, whole, or one that is too new for it.
  const { format } = decodeLogHeader(bytes, path)
  assert(format === 2 || bytes.includes(Buffer.alloc(700, 3)), `format ${format} and ${bytes.length} bytes`)
  const log = await FileLog.open(path, header, { fs: after })
  const found = await log.load()
  assert.deepEqual(found.hardState, hardState)
  assert.equal(
    JSON.stringify(found.entries),
    JSON.stringify(entries.map((entry) => ({ ...entry, command: new Uint8Array(entry.command!) }))),
  )
}
