// The log store's contract, as cases: each sentence of `storage/log-store.ts` is one. An implementation's test is a
// call: `testLogStore('file', { create, reopen, createFailing })`.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isClusterError } from '../../errors.ts'
import { beginning } from '../../storage/log-contents.ts'
import type { LogHeader, LogStore, LogWrite, StoredEntry } from '../../storage/log-store.ts'

/** How the suite gets stores. Cleaning up is the caller's. */
export interface LogStoreSubject {
  /** A fresh, empty store. */
  create(header: LogHeader): Promise<LogStore>
  /** What a new process finds after the old one was killed: `log` was not closed, or was, and is not used again. */
  reopen(log: LogStore): Promise<LogStore>
  /** A fresh store whose first flush fails, and whose disk is well again after that. */
  createFailing(header: LogHeader): Promise<LogStore>
}

const header: LogHeader = {
  clusterId: 'cluster-1',
  nodeId: 'node-1',
  storeId: 'store-1',
  voters: [
    { id: 'node-1', storeId: 'store-1' },
    { id: 'node-2', storeId: 'store-2' },
  ],
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function entry(index: number, term: number, text = `command ${index} of term ${term}`): StoredEntry {
  return { index, term, command: bytes(text) }
}

function write(...entries: StoredEntry[]): LogWrite {
  return { hardState: undefined, entries }
}

async function fresh(subject: LogStoreSubject): Promise<LogStore> {
  const log = await subject.create(header)
  await log.load()
  return log
}

/** Appends, one flush per item, and answers what the next process finds. */
async function survivors(subject: LogStoreSubject, ...appends: LogWrite[][]) {
  const log = await fresh(subject)
  for (const writes of appends) await log.append(writes)
  const reopened = await subject.reopen(log)
  const { hardState, base, entries } = await reopened.load()
  await reopened.close()
  await log.close()
  return { hardState, base, entries }
}

export function testLogStore(name: string, subject: LogStoreSubject): void {
  describe(`log store: ${name}`, () => {
    describe('header', () => testHeader(subject))
    describe('append', () => testAppend(subject))
    describe('reset', () => testReset(subject))
    describe('compact', () => testCompact(subject))
    describe('failure and close', () => testEnds(subject))
  })
}

function testHeader(subject: LogStoreSubject): void {
  it('keeps the header it was made with', async () => {
    const log = await fresh(subject)
    assert.deepEqual(log.header, header)
    const reopened = await subject.reopen(log)
    assert.deepEqual(reopened.header, header)
    await reopened.close()
    await log.close()
  })

  it('is empty at first: term 0, no vote, no entries', async () => {
    const empty = { hardState: { term: 0, votedFor: undefined }, base: beginning, entries: [] }
    assert.deepEqual(await survivors(subject), empty)
  })
}

function testAppend(subject: LogStoreSubject): void {
  it('has what it resolved for after the process is killed', async () => {
    const vote = { term: 3, votedFor: 'node-2' }
    const found = await survivors(
      subject,
      [{ hardState: vote, entries: [entry(1, 3), entry(2, 3)] }],
      [write(entry(3, 3))],
    )
    assert.deepEqual(found, { hardState: vote, base: beginning, entries: [entry(1, 3), entry(2, 3), entry(3, 3)] })
  })

  it('applies the writes of one flush in order', async () => {
    const first = { hardState: { term: 1, votedFor: 'node-1' }, entries: [entry(1, 1), entry(2, 1)] }
    const second = { hardState: { term: 2, votedFor: undefined }, entries: [entry(2, 2)] }
    const found = await survivors(subject, [first, second])
    assert.deepEqual(found.hardState, { term: 2, votedFor: undefined })
    assert.deepEqual(found.entries, [entry(1, 1), entry(2, 2)])
  })

  it('replaces everything from the first written index on', async () => {
    const { entries } = await survivors(subject, [write(entry(1, 1), entry(2, 1), entry(3, 1))], [write(entry(2, 2))])
    assert.deepEqual(entries, [entry(1, 1), entry(2, 2)])
  })

  it('replaces the whole log by an entry at index 1', async () => {
    const { entries } = await survivors(subject, [write(entry(1, 1), entry(2, 1))], [write(entry(1, 2))])
    assert.deepEqual(entries, [entry(1, 2)])
  })

  it('keeps a hard state without entries', async () => {
    const { hardState } = await survivors(subject, [{ hardState: { term: 7, votedFor: 'node-1' }, entries: [] }])
    assert.deepEqual(hardState, { term: 7, votedFor: 'node-1' })
  })

  it('tells no command from an empty one', async () => {
    const entries: StoredEntry[] = [{ index: 1, term: 1, command: undefined }, entry(2, 1, '')]
    assert.deepEqual((await survivors(subject, [write(...entries)])).entries, entries)
  })

  it('keeps large numbers, large commands and long zeros', async () => {
    const commands = [new Uint8Array(300_000).fill(0xa5), new Uint8Array(70_000), new Uint8Array(1)]
    const entries = commands.map((command, at) => ({ index: at + 1, term: Number.MAX_SAFE_INTEGER, command }))
    assert.deepEqual((await survivors(subject, [write(...entries)])).entries, entries)
  })

  it('has nothing to do for no writes and for empty ones', async () => {
    const found = await survivors(subject, [], [write()], [write(entry(1, 1))], [])
    assert.deepEqual(found.entries, [entry(1, 1)])
  })

  it('does not change with the bytes it was given', async () => {
    const log = await fresh(subject)
    const command = bytes('as it was')
    const appended = log.append([write({ index: 1, term: 1, command })])
    command.fill(0)
    await appended
    const reopened = await subject.reopen(log)
    assert.deepEqual((await reopened.load()).entries, [entry(1, 1, 'as it was')])
    await reopened.close()
    await log.close()
  })

  it('goes on where the last process ended', async () => {
    let log = await fresh(subject)
    for (let index = 1; index <= 5; index++) {
      await log.append([write(entry(index, index))])
      const next = await subject.reopen(log)
      await log.close()
      log = next
      assert.equal((await log.load()).entries.length, index)
    }
    await log.close()
  })

  it('refuses a hole before it is stored', async () => {
    const log = await fresh(subject)
    await log.append([write(entry(1, 1))])
    await assert.rejects(log.append([write(entry(3, 1))]), RangeError)
    await assert.rejects(log.append([write(entry(2, 1), entry(4, 1))]), RangeError)
    await assert.rejects(log.append([write(entry(0, 1))]), RangeError)
    await log.append([write(entry(2, 1))])
    const reopened = await subject.reopen(log)
    assert.deepEqual((await reopened.load()).entries, [entry(1, 1), entry(2, 1)])
    await reopened.close()
    await log.close()
  })
}

function testReset(subject: LogStoreSubject): void {
  it('begins anew behind the place it is told, with the vote that comes with it', async () => {
    const vote = { term: 4, votedFor: 'node-2' }
    const reset = { hardState: vote, reset: { index: 70, term: 4 }, entries: [] }
    const found = await survivors(subject, [write(entry(1, 1), entry(2, 1))], [reset])
    assert.deepEqual(found, { hardState: vote, base: { index: 70, term: 4 }, entries: [] })
  })

  it('keeps the vote it had when none comes with it', async () => {
    const vote = { term: 2, votedFor: 'node-1' }
    const reset = { hardState: undefined, reset: { index: 3, term: 2 }, entries: [] }
    assert.deepEqual((await survivors(subject, [{ hardState: vote, entries: [] }], [reset])).hardState, vote)
  })

  it('takes entries behind that place, in the same write and later, and none before it', async () => {
    const log = await fresh(subject)
    await log.append([write(entry(1, 1))])
    await log.append([
      write(entry(2, 1)),
      { hardState: undefined, reset: { index: 9, term: 2 }, entries: [entry(10, 2)] },
      write(entry(11, 3)),
    ])
    await log.append([write(entry(12, 3))])
    await assert.rejects(log.append([write(entry(9, 3))]), RangeError)
    await assert.rejects(log.append([write(entry(14, 3))]), RangeError)
    const reopened = await subject.reopen(log)
    const { base, entries } = await reopened.load()
    assert.deepEqual(base, { index: 9, term: 2 })
    assert.deepEqual(entries, [entry(10, 2), entry(11, 3), entry(12, 3)])
    await reopened.close()
    await log.close()
  })

  it('can be told a place before its end', async () => {
    const reset = { hardState: undefined, reset: { index: 1, term: 2 }, entries: [entry(2, 2)] }
    const found = await survivors(subject, [write(entry(1, 1), entry(2, 1), entry(3, 1))], [reset])
    assert.deepEqual(found.base, { index: 1, term: 2 })
    assert.deepEqual(found.entries, [entry(2, 2)])
  })
}

function testCompact(subject: LogStoreSubject): void {
  it('lets go nothing behind the index, and says where the rest begins', async () => {
    const log = await fresh(subject)
    const all: StoredEntry[] = []
    for (let index = 1; index <= 40; index++) {
      all.push(entry(index, 1 + Math.floor(index / 10)))
      await log.append([write(all.at(-1)!)])
    }
    await log.compact(25)
    await log.append([write(entry(40, 9), entry(41, 9))])
    const reopened = await subject.reopen(log)
    const { base, entries } = await reopened.load()
    assert(base.index <= 25, `it begins behind ${base.index}`)
    assert.equal(base.term, base.index === 0 ? 0 : all[base.index - 1]!.term)
    assert.deepEqual(entries, [...all.slice(base.index, 39), entry(40, 9), entry(41, 9)])
    await reopened.close()
    await log.close()
  })

  it('goes on after everything has gone, term and vote kept', async () => {
    const log = await fresh(subject)
    const vote = { term: 5, votedFor: 'node-1' }
    await log.append([{ hardState: vote, entries: [entry(1, 5), entry(2, 5)] }])
    await log.compact(2)
    await log.compact(2)
    await log.append([write(entry(3, 5))])
    const reopened = await subject.reopen(log)
    const { hardState, base, entries } = await reopened.load()
    assert.deepEqual(hardState, vote)
    assert.deepEqual(entries, [entry(1, 5), entry(2, 5), entry(3, 5)].slice(base.index))
    await reopened.close()
    await log.close()
  })

  it('need not keep what is needless, whatever was written over it', async () => {
    const writes = [
      write(entry(1, 1), entry(2, 1), entry(3, 1)),
      write(entry(2, 2), entry(3, 2), entry(4, 2), entry(5, 2)),
    ]
    for (const needless of [-1, 0, 1, 3, 4, 5, 9]) {
      const log = await fresh(subject)
      for (const one of writes) await log.append([one])
      const reopened = await subject.reopen(log)
      const { base, entries } = await reopened.load(needless)
      const all = [entry(1, 1), entry(2, 2), entry(3, 2), entry(4, 2), entry(5, 2)]
      assert(base.index <= Math.max(0, needless), `it begins behind ${base.index}`)
      assert.equal(base.term, all[base.index - 1]?.term ?? 0)
      assert.deepEqual(entries, all.slice(base.index))
      await reopened.append([write(entry(6, 2))])
      const last = await subject.reopen(reopened)
      assert.deepEqual((await last.load()).entries.at(-1), entry(6, 2))
      await last.close()
      await reopened.close()
      await log.close()
    }
  })

  it('runs beside an append', async () => {
    const log = await fresh(subject)
    for (let index = 1; index <= 10; index++) await log.append([write(entry(index, 1))])
    await Promise.all([log.append([write(entry(11, 1))]), log.compact(8), log.compact(9)])
    const reopened = await subject.reopen(log)
    const { base, entries } = await reopened.load()
    assert.equal(base.index + entries.length, 11)
    await reopened.close()
    await log.close()
  })
}

function testEnds(subject: LogStoreSubject): void {
  it('rejects with ERR_DISK when a flush fails, and for ever after', async () => {
    const log = await subject.createFailing(header)
    await log.load()
    const isDiskError = (error: unknown): boolean => isClusterError(error, 'ERR_DISK') && error.mayHaveHappened
    await assert.rejects(log.append([write(entry(1, 1))]), isDiskError)
    await assert.rejects(log.append([write(entry(1, 1))]), isDiskError)
    await assert.rejects(log.append([write()]), isDiskError)
    await assert.rejects(log.compact(1), isDiskError)
    await log.close()
  })

  it('closes twice, and while an append runs', async () => {
    const log = await fresh(subject)
    const appended = log.append([write(entry(1, 1))])
    await Promise.all([appended, log.close(), log.close()])
    await log.close()
    const reopened = await subject.reopen(log)
    assert.deepEqual((await reopened.load()).entries, [entry(1, 1)])
    await reopened.close()
  })

  it('refuses to append after close', async () => {
    const log = await fresh(subject)
    await log.close()
    await assert.rejects(log.append([write(entry(1, 1))]), (error) => isClusterError(error, 'ERR_SHUTTING_DOWN'))
  })
}
