// kill -9 at any moment of appending, again and again: what the process said it had is there.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { it } from 'node:test'
import { FileLog } from '../../../src/storage/file-log.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const header = { clusterId: 'c', nodeId: 'a', storeId: 's', voters: [{ id: 'a', storeId: 's' }] }

/**
 * Lets a process append until it has acknowledged `count` times, kills it, and answers the last index that it
 * acknowledged.
 */
async function appendAndKill(path: string, count: number): Promise<number> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'appender.ts'), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  let last = 0
  let lines = 0
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line)
    if (++lines === count) child.kill('SIGKILL')
  }
  assert.deepEqual(await exited, [null, 'SIGKILL'])
  return last
}

it('loses nothing acknowledged when its process is killed', { timeout: 30_000 }, async () => {
  const path = join(temporaryDirectory(), 'raft.log')
  await (await FileLog.create(path, header)).close()
  for (const count of [1, 7, 150, 30]) {
    const acknowledged = await appendAndKill(path, count)
    const log = await FileLog.open(path, header)
    const { hardState, entries } = await log.load()
    await log.close()
    assert(entries.length >= acknowledged && acknowledged >= 2 * count, `${entries.length} of ${acknowledged}`)
    assert.equal(entries.length % 2, 0, 'an append is there as a whole')
    assert.deepEqual(hardState, { term: entries.length - 1, votedFor: 'a' })
    assert(
      entries.every(({ index, command }, at) => index === at + 1 && (index % 2 === 0 || command?.[0] === index % 256)),
    )
  }
})
