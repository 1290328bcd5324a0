import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { resolveRaftOptions } from '../../../consensus/index.ts'
import {
  MAX_ENTRIES_PER_APPEND,
  MAX_FOUNDERS,
  MAX_RECORDS_PER_MESSAGE,
  MAX_UPDATES_PER_MESSAGE,
} from '../../../src/wire/limits.ts'
import { resolveFormingOptions, resolveSwimOptions } from '../../../topology/index.ts'

describe('the cores', () => {
  it('cannot be told to send more than a message carries', () => {
    resolveSwimOptions({ maxUpdatesPerMessage: MAX_UPDATES_PER_MESSAGE, maxRecordsPerMessage: MAX_RECORDS_PER_MESSAGE })
    resolveFormingOptions({ maxFound: MAX_FOUNDERS })
    resolveRaftOptions({ maxEntriesPerAppend: MAX_ENTRIES_PER_APPEND })
    for (const beyond of [
      () => resolveSwimOptions({ maxUpdatesPerMessage: MAX_UPDATES_PER_MESSAGE + 1 }),
      () => resolveSwimOptions({ maxRecordsPerMessage: MAX_RECORDS_PER_MESSAGE + 1 }),
      () => resolveFormingOptions({ maxFound: MAX_FOUNDERS + 1 }),
      () => resolveRaftOptions({ maxEntriesPerAppend: MAX_ENTRIES_PER_APPEND + 1 }),
    ]) {
      assert.throws(beyond, RangeError)
    }
  })
})
