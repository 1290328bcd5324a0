import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createNode, type TrellisNode } from '../../../src/index.ts'
import { runInProcess } from './run-in-process.ts'
import { temporaryDirectory, trellis } from './run-process.ts'

describe('trellis config', () => {
  let node: TrellisNode
  before(async () => {
    node = await createNode({ listen: '127.0.0.1:0', admin: '127.0.0.1:0' })
    await node.ready()
  })
  after(() => node.stop())

  const config = (...argv: string[]) => runInProcess(['config', ...argv, '--admin', node.admin!])
  const json = async (...argv: string[]) => JSON.parse((await config(...argv, '--json')).out)

  it('sets JSON, or else a text, and prints it', async () => {
    assert.deepEqual(await config('set', 'n', '100'), {
      code: 0,
      out: `n has revision ${(await json('get', 'n')).revision}\n`,
      err: '',
    })
    assert.equal((await config('get', 'n')).out, '100\n')
    await config('set', 't', 'on call')
    assert.equal((await config('get', 't')).out, '"on call"\n')
    assert.equal((await json('get', 't')).value, 'on call')
  })

  it('sets only what the conditions allow, and exits with 1 where not', async () => {
    const { revision } = await json('set', 'cond', '1', '--if-absent')
    assert.equal((await config('set', 'cond', '2', '--if-absent')).code, 1)
    assert.match((await config('set', 'cond', '2', '--if-revision', '1')).err, /^trellis: ERR_REVISION_MISMATCH: /)
    assert.equal((await config('set', 'cond', '2', '--if-revision', String(revision))).code, 0)
    assert.equal((await config('set', 'cond', '2', '--if-revision', '1', '--if-absent')).code, 2)
  })

  it('deletes; what is not there is refused with exit code 1', async () => {
    await config('set', 'gone', '1')
    assert.equal((await config('delete', 'gone')).out, 'gone is deleted\n')
    const { code, err } = await config('get', 'gone', '--json')
    assert.deepEqual([code, JSON.parse(err).code], [1, 'ERR_KEY_NOT_FOUND'])
  })

  it('lists by prefix', async () => {
    await config('set', 'list/b', '{"x":1}')
    await config('set', 'list/a', 'true')
    assert.match(
      (await config('list', 'list/')).out,
      /^KEY +REVISION +VALUE\nlist\/a +\d+ +true\nlist\/b +\d+ +\{"x":1\}\n$/,
    )
    const keys = (await json('get', '--prefix', 'list/')).entries.map(({ key }: { key: string }) => key)
    assert.deepEqual(keys, ['list/a', 'list/b'])
    assert.match((await config()).out, /list\/a/)
  })

  it('prints the history and rolls back', async () => {
    const { revision } = await json('set', 'back', '1')
    await config('set', 'back', '2')
    assert.match((await config('history', 'back')).out, /^REVISION +VALUE\n\d+ +1\n\d+ +2\n$/)
    assert.match((await config('rollback', 'back', String(revision))).out, /^back is 1, with revision \d+\n$/)
    const { code, err } = await config('rollback', 'back', 'one')
    assert.equal(code, 2)
    assert.match(err, /^trellis: ERR_USAGE: [^\n]*'one' is invalid for argument 'revision'[^\n]*\n$/)
  })

  it('tells a rollback that deletes, and goes back to nothing before the first revision', async () => {
    const { revision } = await json('set', 'early', '1')
    await config('set', 'late', '1')
    assert.match((await config('rollback', 'late', '0')).err, /'0' is invalid for argument 'revision'.* 1 or more/)
    const back = { key: 'late', value: null, revision: 0, createRevision: 0, deleted: true }
    assert.deepEqual(await json('rollback', 'late', String(revision)), back)
    assert.equal((await json('rollback', 'early', String(revision))).deleted, false)
  })

  it('says how old a stale answer may be, beside it', async () => {
    await config('set', 'aged', '1')
    const stale = async (...argv: string[]) => (await config(...argv, '--stale')).err
    for (const argv of [
      ['get', 'aged'],
      ['list', 'aged'],
      ['get', 'aged', '--prefix'],
      ['history', 'aged'],
    ]) {
      assert.match(await stale(...argv), /^this is up to \d+ ms old\n$/, argv.join(' '))
      assert.equal((await config(...argv)).err, '')
      assert.equal(await stale(...argv, '--json'), '')
      assert.equal(typeof (await json(...argv, '--stale')).ageMs, 'number')
    }
  })

  it('exports what it can import', async () => {
    using directory = temporaryDirectory()
    await config('set', 'out.a', '{"deep":[1,null]}')
    await config('set', 'out.b', 'text')
    const file = join(directory.path, 'config.json')
    writeFileSync(file, (await config('export', 'out.')).out)
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { 'out.a': { deep: [1, null] }, 'out.b': 'text' })
    await config('delete', 'out.a')
    assert.deepEqual(await json('import', file), { imported: 2 })
    assert.equal((await config('get', 'out.a')).out, '{"deep":[1,null]}\n')
    writeFileSync(file, '[]')
    assert.equal((await config('import', file)).code, 2)
  })

  it('watches until it is stopped, and misses nothing', async () => {
    const { revision } = await json('set', 'seen.a', '1')
    const flags = ['--json', '--from', String(revision), '--admin', node.admin!]
    using watcher = trellis(['config', 'watch', 'seen.', ...flags])
    await watcher.lines(1)
    await config('set', 'seen.b', '2')
    const seen = (await watcher.lines(2)).trimEnd().split('\n')
    assert.deepEqual(
      seen.map((line) => JSON.parse(line).key),
      ['seen.a', 'seen.b'],
    )
    watcher.child.kill('SIGINT')
    assert.deepEqual(await watcher.exited, { code: 0, signal: null })
  })

  it('is used wrongly with exit code 2, and reaches nobody with 3', async () => {
    assert.equal((await config('frob')).code, 2)
    assert.equal((await config('get')).code, 2)
    assert.equal((await runInProcess(['config', 'get', 'x', '--admin', 'http://127.0.0.1:1'])).code, 3)
  })
})
