import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { inGroups } from '../../scripts/test-groups.ts'
import { temporaryDirectory } from '../src/cli/run-process.ts'

describe('groups of test files', () => {
  it('leave no file out, and long ones come first', () => {
    using root = temporaryDirectory()
    const small = Array.from({ length: 40 }, (_, at) => `test/src/wire/small-${at}.test.ts`)
    mkdirSync(join(root.path, 'test/src/wire'), { recursive: true })
    for (const file of small) writeFileSync(join(root.path, file), '')
    const all = ['test/client.test.ts', 'test/browser/dashboard.test.ts', 'test/src/cli/up.test.ts', ...small]
    const [first, second, third, ...groups] = inGroups(all, root.path, join(root.path, 'groups'))
    assert.deepEqual([first, second, third], ['test/browser/dashboard.test.ts', 'test/src/cli/up.test.ts', all[0]])
    assert.equal(groups.length, 4)
  })

  it('keep what files set up apart, fail where one fails, and where one cannot be loaded', () => {
    using root = temporaryDirectory()
    const files = ['one', 'two', 'broken'].map((name) => `test/src/${name}.test.mjs`)
    mkdirSync(join(root.path, 'test/src'), { recursive: true })
    const [one, two, broken] = files.map((file) => join(root.path, file))
    const begin = "import { beforeEach, it } from 'node:test'\nimport { name } from './shared.mjs'\n"
    writeFileSync(
      one!,
      `${begin}let n = 0\nbeforeEach(() => { n += 1; console.log('before one', n) })\nit('is one', () => {})`,
    )
    writeFileSync(
      two!,
      `${begin}it('is two', () => {})\nit('fails', () => { console.log('runs two'); throw new Error('as told') })`,
    )
    writeFileSync(broken!, "import './none.mjs'")
    const shared =
      "export const name = 'shared'\nimport { after } from 'node:test'\nafter(() => console.log('after all'))\n"
    writeFileSync(join(root.path, 'test/src/shared.mjs'), shared)
    const [group] = inGroups(files, root.path, join(root.path, 'groups'))
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined }
    const { stdout, status } = spawnSync(process.execPath, [group!], { env, encoding: 'utf8' })
    assert.equal(status, 1)
    assert.equal(stdout.match(/before one/g)?.length, 1, stdout)
    assert.equal(stdout.match(/after all/g)?.length, 1, stdout)
    assert.ok(stdout.indexOf('after all') > stdout.indexOf('runs two'), 'a hook of a shared module is for all')
    for (const line of [
      /✔ is one/,
      /✔ is two/,
      /✖ fails/,
      /✖ test\/src\/broken/,
      /✔ test\/src\/one/,
      /✖ test\/src\/two/,
    ])
      assert.match(stdout, line)
  })
})
