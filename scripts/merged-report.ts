// Several runs of node's test runner, one after another, as one stream of events with one summary at the end, so that a
// reporter shows them as a single run. What the summary does not say is collected on the way and put before it.

import { Readable } from 'node:stream'
import type { TestEvent } from 'node:test/reporters'

/** Filled while the stream is read. */
export interface Outcome {
  failed: number
  tests: number
  readonly skipped: { readonly file: string | undefined; readonly name: string; readonly reason: string }[]
  readonly files: { readonly file: string; readonly ms: number }[]
  readonly failedFiles: Set<string>
}

const counters = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo', 'duration_ms'] as const
const counterLine = new RegExp(`^(${counters.join('|')}) ([\\d.]+)$`)

/**
 * The events of several runs, told one after another, as those of one that took as long as they are read for. `remarks`
 * go before the summary.
 */
export function mergeReports(
  runs: AsyncIterable<TestEvent>,
  outcome: Outcome,
  remarks: (outcome: Outcome) => string[],
): Readable {
  return Readable.from(events(runs, outcome, remarks))
}

async function* events(
  runs: AsyncIterable<TestEvent>,
  outcome: Outcome,
  remarks: (outcome: Outcome) => string[],
): AsyncGenerator<TestEvent> {
  const begun = performance.now()
  const totals = new Map<string, number>(counters.map((counter) => [counter, 0]))
  let last: TestEvent | undefined
  for await (const event of runs) {
    collect(event, outcome)
    if (event.type === 'test:summary' && event.data.file === undefined) {
      last = event
      continue
    }
    const count = event.type === 'test:diagnostic' && event.data.nesting === 0 && counterLine.exec(event.data.message)
    if (count) totals.set(count[1]!, totals.get(count[1]!)! + Number(count[2]))
    else yield event
  }
  totals.set('duration_ms', performance.now() - begun)
  outcome.failed = totals.get('fail')! + totals.get('cancelled')!
  outcome.tests = totals.get('tests')!
  for (const line of remarks(outcome)) yield diagnostic(line)
  for (const [counter, total] of totals) yield diagnostic(`${counter} ${Math.round(total * 1000) / 1000}`)
  // The reporter takes it as the sign to list what failed.
  if (last !== undefined) yield last
}

function diagnostic(message: string): TestEvent {
  return { type: 'test:diagnostic', data: { message, nesting: 0, level: 'info' } } as TestEvent
}

function collect(event: TestEvent, outcome: Outcome): void {
  if (event.type === 'test:pass' && event.data.skip !== undefined) {
    const reason = typeof event.data.skip === 'string' && event.data.skip !== '' ? event.data.skip : 'no reason given'
    outcome.skipped.push({ file: event.data.file, name: event.data.name, reason })
  }
  // The suite of a file in a group has its name. What is in it may have been called from a shared file, which is none
  // of tests.
  const isFile = (event.type === 'test:pass' || event.type === 'test:fail') && isTestFile(event.data.name)
  if (isFile) outcome.files.push({ file: event.data.name, ms: event.data.details.duration_ms })
  if (event.type === 'test:fail' && event.data.todo === undefined) {
    // A file that dies has no summary of its own.
    if (isFile) outcome.failedFiles.add(event.data.name)
    else if (isTestFile(event.data.file)) outcome.failedFiles.add(event.data.file)
  }
  if (event.type === 'test:summary' && isTestFile(event.data.file)) {
    outcome.files.push({ file: event.data.file, ms: event.data.duration_ms })
    if (!event.data.success) outcome.failedFiles.add(event.data.file)
  }
}

function isTestFile(path: string | undefined): path is string {
  return path?.endsWith('.test.ts') === true
}
