// A process of its own that appends to a log without end and prints each index once it is acknowledged. Not a test:
// `kill.test.ts` starts and kills it.

import { writeSync } from 'node:fs'
import { FileLog } from '../../../src/storage/file-log.ts'

const log = await FileLog.open(process.argv[2]!)
const { entries } = await log.load()
for (let index = entries.length + 1; ; index += 2) {
  const command = Buffer.alloc(3000 + (index % 7) * 1000, index)
  const first = { hardState: { term: index, votedFor: 'a' }, entries: [{ index, term: index, command }] }
  const second = { hardState: undefined, entries: [{ index: index + 1, term: index, command: undefined }] }
  await log.append([first, second])
  writeSync(1, `${index + 1}\n`)
}
