// The page about testing keeps its word: each of its examples runs as it stands, against the built package.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'

const root = resolve(import.meta.dirname, '..')

describe('docs/testing.md', () => {
  it('has examples that pass as they stand', async (t) => {
    const page = await readFile(join(root, 'docs/testing.md'), 'utf8')
    const examples = [...page.matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1]!)
    assert.ok(examples.length >= 3)
    const folder = await mkdtemp(join(tmpdir(), 'trellis-testing-page-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    await mkdir(join(folder, 'node_modules/@viable-systems'), { recursive: true })
    await symlink(root, join(folder, 'node_modules/@viable-systems/trellis'))
    for (const [index, example] of examples.entries()) await writeFile(join(folder, `${index}.test.mjs`), example)
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const run = promisify(execFile)
    const { stdout } = await run(process.execPath, ['--test'], { cwd: folder, env, timeout: 150_000 })
    assert.match(stdout, /fail 0\n/)
  })
})
