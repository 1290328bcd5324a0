import assert from 'node:assert/strict'
import { it } from 'node:test'
import { isClusterError } from '../../../src/errors.ts'
import type { LogStore } from '../../../src/storage/log-store.ts'
import { MemoryLog } from '../../../src/storage/memory.ts'
import { testLogStore } from '../../../src/testing/compliance/log-store.ts'

testLogStore('memory', {
  create: async (header) => new MemoryLog(header),
  reopen: async (log: LogStore) => (log as MemoryLog).reopen(),
  createFailing: async (header) => {
    let flushes = 0
    const flush = async (): Promise<void> => {
      if (flushes++ === 0) throw new Error('planted')
    }
    return new MemoryLog(header, { flush })
  },
})

it('loses an append that was on its way when the process crashed', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const header = { clusterId: 'c', nodeId: 'a', storeId: 's', voters: [] }
  const log = new MemoryLog(header, { flush: () => promise })
  const appended = log.append([{ hardState: { term: 1, votedFor: 'a' }, entries: [] }])
  const reopened = log.reopen({})
  resolve()
  await assert.rejects(appended, (error) => isClusterError(error, 'ERR_DISK') && error.mayHaveHappened)
  assert.deepEqual((await reopened.load()).hardState, { term: 0, votedFor: undefined })
})
