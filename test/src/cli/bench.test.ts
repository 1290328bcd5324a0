import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runInProcess } from './run-in-process.ts'
import { trellis } from './run-process.ts'

describe('trellis bench', () => {
  it('lists what there is', async () => {
    const { code, out } = await runInProcess(['bench', '--list'])
    assert.equal(code, 0)
    const names = out.match(/^\S+/gm)!
    for (const name of ['log', 'loop', 'simulator', 'footprint', 'up', 'crash', 'silence', 'planned', 'formation'])
      assert.ok(names.includes(name), name)
  })

  it('knows what was probably meant', async () => {
    const { code, err } = await runInProcess(['bench', 'crsh'])
    assert.equal(code, 2)
    assert.match(err, /^trellis: ERR_USAGE: there is no benchmark 'crsh', did you mean 'crash'\?\n$/)
  })

  it('refuses numbers of runs that are none', async () => {
    for (const runs of ['0', '1.5', 'many', '1001']) {
      const { code, err } = await runInProcess(['bench', 'log', '--runs', runs])
      assert.equal(code, 2)
      assert.match(err, /whole number from 1 to 1000/)
    }
  })

  it('measures the log beside its baseline, in one line of JSON with the facts of the machine', async () => {
    using running = trellis(['bench', 'log', '--runs', '1', '--json'])
    assert.deepEqual(await running.exited, { code: 0, signal: null }, running.err)
    assert.equal(running.out.split('\n').length, 2)
    const { machine, runs, benches } = JSON.parse(running.out)
    assert.equal(runs, 1)
    assert.equal(machine.node, process.versions.node)
    assert.deepEqual([benches.length, benches[0].name, benches[0].problem], [1, 'log', null])
    const { figures } = benches[0] as { figures: { name: string; baseline?: string; samples: number[]; max: number }[] }
    for (const { baseline, samples, max } of figures) {
      assert.equal(samples.length, 1)
      assert.ok(max > 0)
      if (baseline !== undefined) assert.ok(figures.some(({ name }) => name === baseline))
    }
  })

  it('shows the delay of the event loop as a table', async () => {
    using running = trellis(['bench', 'loop', '--runs', '1'])
    assert.deepEqual(await running.exited, { code: 0, signal: null }, running.err)
    assert.match(running.out, /^\d+ cores of .*\n\nloop\nFIGURE +UNIT +RUNS +MIN +MEDIAN +P99 +MAX/)
    assert.match(running.out, /^p99 of the loop delay, appending +ms +1 /m)
  })

  it('ends in order when it is told to, and leaves no process behind', async () => {
    using running = trellis(['bench', 'loop', '--runs', '1000'])
    await running.lines(1)
    running.child.kill('SIGTERM')
    assert.deepEqual(await running.exited, { code: 1, signal: null })
    assert.match(running.err, /^trellis: ERR_ABORTED: /)
  })
})
