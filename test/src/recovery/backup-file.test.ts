import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterMachine, type ClusterState } from '../../../consensus/index.ts'
import { decodeBackup, encodeBackup } from '../../../src/recovery/backup-file.ts'

describe('the file of a backup', () => {
  it('holds a state of many pieces', () => {
    const names = Array.from({ length: 10_000 }, (_, i) => ({ name: `name-${i}`, id: `id-${i}` }))
    const state = { ...new ClusterMachine().snapshot(), names } as unknown as ClusterState
    const backup = { clusterId: 'c', index: 7, term: 2, state }
    assert.deepEqual(decodeBackup(encodeBackup(backup)), backup)
  })
})
