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

/** The events of `runs` in turn; a run starts when the one before has ended. `remarks` go before the summary. */
export function mergeReports(
  runs: readonly (() => AsyncIterable<TestEvent>)[],
  outcome: Outcome,
  remarks: (outcome: Outcome) => string[],
): Readable {
  return Readable.from(events(runs, outcome, remarks))
}

async function* events(
  runs: readonly (() => AsyncIterable<TestEvent>)[],
  outcome: Outcome,
  remarks: (outcome: Outcome) => string[],
): AsyncGenerator<TestEvent> {
  const totals = new Map<string, number>(counters.map((counter) => [counter, 0]))
  let last: TestEvent | undefined
  for (const start of runs) {
    for await (const event of start()) {
      collect(event, outcome)
      if (event.type === 'test:summary' && event.data.file === undefined) {
        last = event
        continue
      }
      const count = event.type === 'test:diagnostic' && event.data.nesting === 0 && counterLine.exec(event.data.message)
      if (count) totals.set(count[1]!, totals.get(count[1]!)! + Number(count[2]))
      else yield event
    }
  }
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
  // The file that an event names is where the test stands: in a suite for several implementations that is no file of tests, and only the summary of the
  // file that called it tells. A file that dies has no summary.
  if (event.type === 'test:fail' && event.data.todo === undefined) {
    const file = event.data.file ?? event.data.name
    if (isTestFile(file)) outcome.failedFiles.add(file)
  }
  if (event.type === 'test:summary' && isTestFile(event.data.file)) {
    outcome.files.push({ file: event.data.file, ms: event.data.duration_ms })
    if (!event.data.success) outcome.failedFiles.add(event.data.file)
  }
}

function isTestFile(path: string | undefined): path is string {
  return path?.endsWith('.test.ts') === true
}
