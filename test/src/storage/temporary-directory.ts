// A folder that is gone when the tests of the file are done.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

const made: string[] = []
after(() => {
  for (const path of made) rmSync(path, { recursive: true, force: true })
})

export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'trellis-storage-'))
  made.push(path)
  return path
}
