import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createNode, type TrellisNode } from '../../../src/index.ts'
import { losing } from './odd-servers.ts'
import { runInProcess } from './run-in-process.ts'
import { temporaryDirectory } from './run-process.ts'

describe('trellis config import', () => {
  const directory = temporaryDirectory()
  let node: TrellisNode
  before(async () => {
    node = await createNode({ listen: '127.0.0.1:0', admin: '127.0.0.1:0' })
    await node.ready()
  })
  after(async () => {
    await node.stop()
    directory[Symbol.dispose]()
  })

  const importing = (text: string | Buffer, url = node.admin!) => {
    const file = join(directory.path, 'config.json')
    writeFileSync(file, text)
    return runInProcess(['config', 'import', file, '--json', '--admin', url])
  }
  const keys = (from: number, to: number, value: unknown = 1) =>
    Object.fromEntries(Array.from({ length: to - from }, (_, i) => [`k${String(from + i).padStart(4, '0')}`, value]))

  it('writes nothing of a file that holds what cannot be, and names all of it', async () => {
    const long = 'x'.repeat(600)
    const { code, err } = await importing(`{"good":1,"${long}":2,"big":"${'y'.repeat(70_000)}","huge":1e999,"":3}`)
    const { code: error, details, mayHaveHappened } = JSON.parse(err)
    assert.deepEqual([code, error, mayHaveHappened], [2, 'ERR_USAGE', false])
    assert.match(
      details.problem,
      /'x{64}…': the key has more than 512 bytes; 'big': the value has more than 65536 bytes/,
    )
    assert.match(details.problem, /'huge': the value is no JSON value: it is Infinity; '': a key is a text/)
    assert.equal(await node.config.get('good'), undefined)
  })

  it('writes many keys in few transactions, and large values, too', async () => {
    const { revision } = await node.config.list()
    assert.deepEqual(JSON.parse((await importing(JSON.stringify(keys(0, 1_500)))).out), { imported: 1_500 })
    const { entries, revision: later } = await node.config.list('k')
    assert.equal(entries.length, 1_500)
    assert.ok(later - revision <= 60, `${later - revision} transactions`)
    const large = { ...keys(0, 40, 'z'.repeat(3_000)), one: 'é'.repeat(32_700), two: '"'.repeat(32_000) }
    assert.deepEqual(JSON.parse((await importing(JSON.stringify(large))).out), { imported: 42 })
    assert.deepEqual((await node.config.get('two'))?.value, large.two)
    assert.deepEqual(JSON.parse((await importing('{}')).out), { imported: 0 })
  })

  it('refuses text that is no UTF-8, which it would write as something else, and reads over a mark of byte order', async () => {
    const { code, err } = await importing(Buffer.from('{"drink":"caf\xe9"}', 'latin1'))
    assert.deepEqual([code, JSON.parse(err).code], [2, 'ERR_USAGE'])
    assert.equal(await node.config.get('drink'), undefined)
    assert.deepEqual(JSON.parse((await importing('\ufeff{"drink":"café"}')).out), { imported: 1 })
    assert.equal((await node.config.get('drink'))?.value, 'café')
  })

  it('says how far it came when a part of it is refused', async () => {
    const refuse = (value: unknown) => (value === 'bad' ? { issues: [{ message: 'bad' }] } : { value })
    using _schema = node.config.schema('r', { '~standard': { version: 1, vendor: 'test', validate: refuse } })
    const { code, err } = await importing(JSON.stringify({ ...keys(0, 128, 2), ...keys(128, 130), r1: 'bad' }))
    const { code: error, message, details, mayHaveHappened } = JSON.parse(err)
    assert.deepEqual([code, error, mayHaveHappened], [1, 'ERR_INVALID_VALUE', true])
    assert.match(message, /^128 of 131 keys are set, not 'k0128' to 'r1': /)
    assert.deepEqual([details.imported, details.total, details.key], [128, 131, 'r1'])
  })

  it('does not know of the part whose answer was lost', async () => {
    using server = await losing()
    const { code, err } = await importing('{"a":1}', server.url)
    assert.deepEqual([code, JSON.parse(err).mayHaveHappened], [3, true])
    assert.match(JSON.parse(err).message, /^0 of 1 keys are set, not 'a', or those, too: /)
  })
})
