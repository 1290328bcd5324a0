// A log in a directory of its own, and the entries that benchmarks write into it.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileLog } from '../../storage/file-log.ts'
import { type FileSystem, nodeFileSystem } from '../../storage/file-system.ts'
import type { LogWrite } from '../../storage/log-store.ts'

export interface TemporaryLog extends AsyncDisposable {
  readonly directory: string
  readonly log: FileLog
  /** What one `append` writes: the next `count` entries of {@link entryBytes} each. */
  next(count: number): readonly LogWrite[]
}

export const entryBytes = 256

export async function openTemporaryLog(fs: FileSystem = nodeFileSystem): Promise<TemporaryLog> {
  const directory = mkdtempSync(join(tmpdir(), 'trellis-bench-'))
  const header = { clusterId: 'bench', nodeId: 'bench', storeId: '0'.repeat(32), voters: [] }
  const command = new Uint8Array(entryBytes).fill(7)
  let index = 0
  try {
    const log = await FileLog.create(join(directory, 'raft.log'), header, { fs })
    await log.load()
    return {
      directory,
      log,
      next: (count) => {
        const entries = Array.from({ length: count }, () => ({ index: ++index, term: 1, command }))
        return [{ hardState: undefined, entries }]
      },
      async [Symbol.asyncDispose]() {
        await log.close()
        rmSync(directory, { recursive: true, force: true })
      },
    }
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    throw error
  }
}
