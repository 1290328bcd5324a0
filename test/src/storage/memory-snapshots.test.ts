import { MemorySnapshots } from '../../../src/storage/memory-snapshots.ts'
import { testSnapshotStore } from '../../../src/testing/compliance/snapshot-store.ts'

testSnapshotStore('memory', {
  create: async () => new MemorySnapshots(),
  reopen: async (store) => (store as MemorySnapshots).reopen(),
})
