// What a voter starts with, of a disk that has more than it needs.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ClusterMachine, featureLevels } from '../../../consensus/index.ts'
import { loadLog } from '../../../src/coordination/loaded-log.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { FileLog } from '../../../src/storage/file-log.ts'
import { FileSnapshots } from '../../../src/storage/file-snapshots.ts'
import { RecoveredFileLog } from '../../../src/storage/recovered-log.ts'
import { encodeState } from '../../../src/wire/machine-state.ts'
import { temporaryDirectory } from '../storage/temporary-directory.ts'

const header = { clusterId: 'c', nodeId: 'a', storeId: 'store-a', voters: [] }
const configuration = { voters: [], learners: [], outgoing: [] }
const term = 3
const lastIndex = 60

type Place = { readonly index: number; readonly term: number }

/** What is loaded of a log that is written, with a snapshot beside it, and opened again. */
async function loaded(trailing: number, snapshot?: Place): Promise<{ base: Place | undefined; indexes: number[] }> {
  const folder = temporaryDirectory()
  const path = join(folder, 'raft.log')
  const snapshots = new FileSnapshots(join(folder, 'raft.snapshot'), header.storeId)
  const written = await FileLog.create(path, header)
  await written.load()
  const entries = Array.from({ length: lastIndex }, (_, at) => ({ index: at + 1, term, command: undefined }))
  await written.append([{ hardState: { term, votedFor: undefined }, entries }])
  await written.close()
  if (snapshot) await snapshots.store({ ...snapshot, configuration }, encodeState(new ClusterMachine().snapshot()))
  const log = new RecoveredFileLog(await FileLog.open(path), snapshots)
  const found = await loadLog(log, new ClusterMachine(), featureLevels, silentLogger, trailing)
  await log.close()
  return { base: found.base, indexes: found.entries.map(({ index }) => index) }
}

const from = (first: number): number[] => Array.from({ length: lastIndex - first + 1 }, (_, at) => first + at)

describe('a log that is loaded', () => {
  it('is all there is where no snapshot covers any of it', async () => {
    assert.deepEqual(await loaded(5), { base: { index: 0, term: 0 }, indexes: from(1) })
  })

  it('begins as far before the end of its snapshot as a running voter keeps', async () => {
    const snapshot = { index: 40, term }
    assert.deepEqual(await loaded(5, snapshot), { base: { index: 35, term }, indexes: from(36) })
    assert.deepEqual(await loaded(0, snapshot), { base: { index: 40, term }, indexes: from(41) })
    assert.deepEqual(await loaded(40, snapshot), { base: { index: 0, term: 0 }, indexes: from(1) })
  })

  it('is left to the core where it lacks what the snapshot ends with', async () => {
    assert.deepEqual((await loaded(5, { index: 40, term: 2 })).indexes, from(36))
    assert.deepEqual((await loaded(5, { index: 61, term })).indexes, from(57))
    assert.deepEqual(await loaded(5, { index: 99, term }), { base: { index: lastIndex, term }, indexes: [] })
  })
})
