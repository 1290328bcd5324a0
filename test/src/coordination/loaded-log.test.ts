// What a voter starts with, of a disk that has more than it needs.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterMachine, featureLevels } from '../../../consensus/index.ts'
import { loadLog } from '../../../src/coordination/loaded-log.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { MemoryLog } from '../../../src/storage/memory.ts'
import { encodeState } from '../../../src/wire/machine-state.ts'

const header = { clusterId: 'c', nodeId: 'a', storeId: 'store-a', voters: [] }
const configuration = { voters: [], learners: [], outgoing: [] }
const term = 3
const lastIndex = 60

async function logWith(snapshot?: { index: number; term: number }): Promise<MemoryLog> {
  const log = new MemoryLog(header)
  const entries = Array.from({ length: lastIndex }, (_, at) => ({ index: at + 1, term, command: undefined }))
  await log.append([{ hardState: { term, votedFor: undefined }, entries }])
  if (snapshot) await log.snapshots.store({ ...snapshot, configuration }, encodeState(new ClusterMachine().snapshot()))
  return log
}

async function loaded(log: MemoryLog, trailing: number): Promise<{ base: unknown; indexes: number[] }> {
  const { base, entries } = await loadLog(log, new ClusterMachine(), featureLevels, silentLogger, trailing)
  return { base, indexes: entries.map(({ index }) => index) }
}

const from = (first: number): number[] => Array.from({ length: lastIndex - first + 1 }, (_, at) => first + at)

describe('a log that is loaded', () => {
  it('is all there is where no snapshot covers any of it', async () => {
    assert.deepEqual(await loaded(await logWith(), 5), { base: { index: 0, term: 0 }, indexes: from(1) })
  })

  it('begins as far before the end of its snapshot as a running voter keeps', async () => {
    const log = await logWith({ index: 40, term })
    assert.deepEqual(await loaded(log, 5), { base: { index: 35, term }, indexes: from(36) })
    assert.deepEqual(await loaded(log, 0), { base: { index: 40, term }, indexes: from(41) })
    assert.deepEqual(await loaded(log, 40), { base: { index: 0, term: 0 }, indexes: from(1) })
  })

  it('is left to the core where it lacks what the snapshot ends with', async () => {
    for (const snapshot of [
      { index: 40, term: 2 },
      { index: 61, term },
    ])
      assert.deepEqual((await loaded(await logWith(snapshot), 5)).indexes, from(1))
  })
})
