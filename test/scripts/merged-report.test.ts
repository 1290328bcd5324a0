import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TestEvent } from 'node:test/reporters'
import { mergeReports, type Outcome } from '../../scripts/merged-report.ts'

function event(type: string, data: object): TestEvent {
  return { type, data: { nesting: 0, ...data } } as unknown as TestEvent
}

const line = (message: string): TestEvent => event('test:diagnostic', { message })

async function* stream(...runs: TestEvent[][]): AsyncGenerator<TestEvent> {
  for (const events of runs) yield* events
}

async function merged(...runs: TestEvent[][]): Promise<{ outcome: Outcome; lines: string[]; types: string[] }> {
  const outcome: Outcome = { failed: 0, tests: 0, skipped: [], files: [], failedFiles: new Set() }
  const report = mergeReports(stream(...runs), outcome, ({ skipped }) =>
    skipped.map(({ reason }) => `not run: ${reason}`),
  )
  const events = (await report.toArray()) as TestEvent[]
  const lines = events.flatMap(({ type, data }) => (type === 'test:diagnostic' ? [data.message] : []))
  return { outcome, lines, types: events.map(({ type }) => type) }
}

describe('the merged report', () => {
  it('adds the summaries of all runs into one at the end', async () => {
    const { outcome, lines } = await merged(
      [line('tests 3'), line('pass 2'), line('fail 1'), line('duration_ms 99999999999')],
      [line('tests 2'), line('pass 1'), line('cancelled 1'), line('duration_ms 99999999999')],
    )
    const expected = ['tests 5', 'suites 0', 'pass 3', 'fail 1', 'cancelled 1', 'skipped 0', 'todo 0']
    assert.deepEqual(lines.slice(0, -1), expected)
    assert.match(lines.at(-1)!, /^duration_ms [\d.]{1,8}$/)
    assert.equal(outcome.tests, 5)
  })

  it('counts what failed and what was cancelled as failed', async () => {
    const { outcome } = await merged([line('fail 1')], [line('cancelled 2')])
    assert.equal(outcome.failed, 3)
  })

  it('leaves what tests say themselves where it was', async () => {
    const { lines } = await merged([event('test:diagnostic', { message: 'fail 7', nesting: 1 }), line('fail to see')])
    assert.deepEqual(lines.slice(0, 2), ['fail 7', 'fail to see'])
    assert.ok(lines.includes('fail 0'))
  })

  it('gives the reason of a skipped test before the summary, and says when there is none', async () => {
    const skipped = (skip: string | boolean) => event('test:pass', { name: 'needs root', file: 'a.test.ts', skip })
    const { outcome, lines } = await merged([skipped('no root'), skipped(true), event('test:pass', { name: 'runs' })])
    assert.deepEqual(lines.slice(0, 2), ['not run: no root', 'not run: no reason given'])
    assert.equal(outcome.skipped.length, 2)
  })

  it('names the files in which something failed, and one that died without a word of its own; not what is still to do', async () => {
    const fail = (data: object) => event('test:fail', data)
    const { outcome } = await merged(
      [
        fail({ name: 'x', file: 'a.test.ts' }),
        fail({ name: 'y', file: 'a.test.ts' }),
        fail({ name: 'died.test.ts', details: { duration_ms: 1 } }),
      ],
      [fail({ name: 'z', file: 'b.test.ts', todo: true }), event('test:pass', { name: 'fine', file: 'c.test.ts' })],
    )
    assert.deepEqual([...outcome.failedFiles], ['a.test.ts', 'died.test.ts'])
  })

  it('names the file of a group by its suite, and by its summary one that failed in what files share', async () => {
    const { outcome } = await merged([
      event('test:fail', { name: 'x', file: 'compliance.ts', nesting: 1 }),
      event('test:fail', { name: 'in-group.test.ts', file: 'group-1.mjs', details: { duration_ms: 2 } }),
      event('test:summary', { file: 'group-1.mjs', success: false, duration_ms: 3 }),
      event('test:fail', { name: 'y', file: 'compliance.ts' }),
      event('test:summary', { file: 'own.test.ts', success: false, duration_ms: 4 }),
    ])
    assert.deepEqual([...outcome.failedFiles], ['in-group.test.ts', 'own.test.ts'])
    assert.deepEqual(outcome.files, [
      { file: 'in-group.test.ts', ms: 2 },
      { file: 'own.test.ts', ms: 4 },
    ])
  })

  it('tells the reporter only once, at the very end, to list what failed', async () => {
    const summary = event('test:summary', { success: false })
    const { types } = await merged([summary, line('tests 1')], [summary])
    assert.equal(types.filter((type) => type === 'test:summary').length, 1)
    assert.equal(types.at(-1), 'test:summary')
  })
})
