import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Spending } from '../../../src/cli/sparing.ts'
import { start, temporaryDirectory, trellis } from './run-process.ts'
import { until } from './wait-until.ts'

/** Says of V8 whether it is as it was at the start; its tag of compiled code is of its flags, too. */
const witness = `
  const { cachedDataVersionTag } = require('node:v8')
  const { isMainThread } = require('node:worker_threads')
  const atStart = cachedDataVersionTag()
  const isUsual = () => cachedDataVersionTag() === atStart
  if (isMainThread) process.on('exit', () => process.stderr.write(isUsual() ? 'V8 is as usual' : 'V8 is sparing'))`

describe('a process that spares memory', () => {
  it('calls neither a start nor an idle hour work', () => {
    const spending = new Spending()
    assert.equal(spending.isWork(900, 1_000), false)
    for (let second = 0; second < 3_600; second += 1) assert.equal(spending.isWork(40, 1_000), false)
  })

  it('calls two seconds of a whole core work, and half a minute of a tenth of one', () => {
    const busy = new Spending()
    assert.deepEqual([busy.isWork(1_000, 1_000), busy.isWork(1_000, 1_000)], [false, true])
    const moderate = new Spending()
    let seconds = 1
    while (!moderate.isWork(100, 1_000)) seconds += 1
    assert.equal(seconds, 31)
  })

  it('has all of V8 again once it has had work', async () => {
    const sparing = new URL('../../../src/cli/sparing.ts', import.meta.url)
    const program = `${witness}
      let user = 0
      process.cpuUsage = () => ({ user, system: 0 })
      import(${JSON.stringify(sparing)}).then(({ spareUntilBusy }) => {
        spareUntilBusy()
        process.stdout.write(isUsual() ? 'usual\\n' : 'sparing\\n')
        user = 5e6
        const waiting = setInterval(() => isUsual() && clearInterval(waiting), 10)
      })`
    using child = start(process.execPath, ['-e', program])
    assert.equal(await child.lines(1), 'sparing\n')
    await until(() => child.err.includes('V8 is as usual'))
  })

  for (const [what, flags, state] of [
    ['is one of `trellis node`', [], /V8 is sparing/],
    ['is none with flags of its own', ['--no-deprecation'], /V8 is as usual/],
  ] as const)
    it(what, async () => {
      using directory = temporaryDirectory()
      const path = join(directory.path, 'witness.cjs')
      writeFileSync(path, witness)
      using node = trellis(['node', '--help'], { env: { NODE_OPTIONS: `--require=${path}` } }, flags)
      assert.deepEqual(await node.exited, { code: 0, signal: null })
      assert.match(node.err, state)
    })
})
