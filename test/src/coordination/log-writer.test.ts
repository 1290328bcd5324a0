import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { LogWriter } from '../../../src/coordination/log-writer.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import type { LogStore, LogWrite } from '../../../src/storage/log-store.ts'

let appends: { writes: readonly LogWrite[]; done: () => void; fail: (error: Error) => void }[]
let persisted: number[]
let failures: unknown[]
let writer: LogWriter<string>

beforeEach(() => {
  appends = []
  persisted = []
  failures = []
  const append = (writes: readonly LogWrite[]): Promise<void> =>
    new Promise((resolve, reject) => appends.push({ writes, done: resolve, fail: reject }))
  writer = new LogWriter({
    clock: systemClock,
    store: { append } as Partial<LogStore> as LogStore,
    encode: ({ command }) => (command === undefined ? undefined : new TextEncoder().encode(command)),
    onPersisted: (ticket) => persisted.push(ticket),
    onFailure: (error) => failures.push(error),
  })
})

async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

function persist(ticket: number, command?: string): void {
  writer.persist({
    type: 'persist',
    ticket,
    hardState: { term: ticket, votedFor: undefined },
    base: undefined,
    entries: [{ index: ticket, term: 1, command }],
  })
}

const sizes = (): number[] => appends.map(({ writes }) => writes.length)

describe('a log writer', () => {
  it('begins a flush on a later turn, so that what this one sends leaves before', async () => {
    persist(1)
    for (let i = 0; i < 10; i++) await undefined
    await new Promise<void>((resolve) => process.nextTick(resolve))
    assert.deepEqual(sizes(), [])
    await settled()
    assert.deepEqual(sizes(), [1])
  })

  it('begins it in this turn when it is told that all that goes before has left', async () => {
    writer.begin()
    persist(1)
    persist(2)
    writer.begin()
    for (let i = 0; i < 10; i++) await undefined
    assert.deepEqual(sizes(), [2])
    persist(3)
    writer.begin()
    appends[0]?.done()
    await settled()
    assert.deepEqual([sizes(), persisted], [[2, 1], [2]], 'and never two at a time')
  })

  it('puts what one turn persists into one flush, in order', async () => {
    for (const ticket of [1, 2, 3]) persist(ticket)
    await settled()
    assert.deepEqual(sizes(), [3])
    assert.deepEqual(
      appends[0]?.writes.map(({ hardState }) => hardState?.term),
      [1, 2, 3],
    )
    assert.deepEqual(persisted, [])
    appends[0]?.done()
    await settled()
    assert.deepEqual(persisted, [3])
  })

  it('gathers what comes during a flush for the next one, and never runs two at a time', async () => {
    persist(1)
    await settled()
    for (const ticket of [2, 3]) persist(ticket)
    await settled()
    assert.deepEqual(sizes(), [1])
    appends[0]?.done()
    await settled()
    assert.deepEqual([sizes(), persisted], [[1, 2], [1]])
    appends[1]?.done()
    await settled()
    assert.deepEqual(persisted, [1, 3])
    persist(4)
    await settled()
    assert.deepEqual(sizes(), [1, 2, 1])
  })

  it('writes commands as bytes, and none for a leader’s own entry', async () => {
    persist(1, 'x')
    persist(2)
    await settled()
    const commands = appends[0]?.writes.map(({ entries }) => entries[0]?.command)
    assert.deepEqual(commands, [new TextEncoder().encode('x'), undefined])
  })

  it('reports a failed flush once, and persists nothing after it', async () => {
    persist(1)
    await settled()
    persist(2)
    const failure = new Error('no space left')
    appends[0]?.fail(failure)
    await settled()
    persist(3)
    await settled()
    assert.deepEqual([failures, persisted, sizes()], [[failure], [], [1]])
  })

  it('is idle when nothing is being written any more', async () => {
    await writer.idle()
    persist(1)
    let isIdle = false
    const idle = writer.idle().then(() => {
      isIdle = true
    })
    await settled()
    assert.equal(isIdle, false)
    appends[0]?.done()
    await idle
  })
})
