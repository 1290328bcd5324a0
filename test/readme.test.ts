import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { exampleProblem, readmeExample } from '../scripts/readme-example.ts'

const root = resolve(import.meta.dirname, '..')

describe('the README', () => {
  it('has an example that runs as it stands, against the built package', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'trellis-readme-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    await mkdir(join(folder, 'node_modules/@viable-systems'), { recursive: true })
    await symlink(root, join(folder, 'node_modules/@viable-systems/trellis'))
    await writeFile(join(folder, 'example.mjs'), readmeExample())
    const run = promisify(execFile)
    const { stdout } = await run(process.execPath, ['example.mjs'], { cwd: folder, timeout: 60_000 })
    assert.equal(exampleProblem(stdout), undefined)
  })

  it('is short', () => {
    assert.ok(readmeExample().split('\n').length <= 30)
  })
})
