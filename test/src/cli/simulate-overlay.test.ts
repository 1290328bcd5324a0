import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runInProcess } from './run-in-process.ts'

describe('trellis simulate overlay', () => {
  it('runs worlds with faults and says that they are clean', async () => {
    const { code, out } = await runInProcess(['simulate', 'overlay', '--seeds', '2', '--json'])
    assert.equal(code, 0)
    assert.deepEqual(JSON.parse(out), { seeds: 2, failure: null })
  })

  it('prints the command that shows a broken property again, and exits with 1', async () => {
    const { code, out, err } = await runInProcess(['simulate', 'overlay', '--seeds', '9', '--bug', 'no-prune'])
    assert.equal(code, 1)
    assert.match(out, /^\d seeds?, broken$/m)
    assert.match(err, /^replay: trellis simulate overlay --seeds 1 --seed \d+ --bug no-prune$/m)
  })

  it('refuses what it cannot run', async () => {
    const unknown = await runInProcess(['simulate', 'overlay', '--bug', 'none-such'])
    assert.equal(unknown.code, 2)
    assert.match(unknown.err, /no bug is called none-such/)
    assert.equal((await runInProcess(['simulate', 'overlay', '--members', '3'])).code, 2)
  })

  it('prints the figures of the papers beside those found', async () => {
    const { code, out } = await runInProcess(['simulate', 'overlay', '--table', '--members', '20', '--json'])
    assert.equal(code, 0)
    const { members, rows } = JSON.parse(out)
    assert.equal(members, 20)
    assert.ok(rows.length > 30)
    for (const { measure, here } of rows) assert.ok(measure && here)
  })
})
