// What `npm test` runs: build, types of the tests, then node's own runner with its own report. Files run three at a
// time, small ones in groups (`test-groups.ts`); those of `test/multinode/` start processes of their own, so they come
// last, two at a time or by themselves. Simulations, which compute and wait for nothing, begin first and have what the
// others leave. A skipped test says why, and under TRELLIS_REQUIRE_ALL=1 it is a failure.
//
//   npm test                             everything, but for slow files whose turn it is not (`rotation.ts`)
//   npm run test:all                     everything; so does TRELLIS_REQUIRE_ALL=1
//   npm test -- topology/swim tidy       only files whose path contains one of these words
//   npm test -- --failed                 only the files that failed the last time

import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, relative, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { run } from 'node:test'
import { spec, type TestEvent } from 'node:test/reporters'
import { mergeReports, type Outcome } from './merged-report.ts'
import { notInTurn } from './rotation.ts'
import { inGroups, longestFirst } from './test-groups.ts'

const root = resolve(import.meta.dirname, '..')
/** A test that takes longer has failed. */
const testTimeoutMs = 180_000
/** After so long without any news, a file is kept alive by something that its tests left behind. */
const silenceMs = 240_000
const slowestShown = 5
/** Tests wait more than they work: one more than there are cores keeps two of them busy. */
const filesAtOnce = Math.min(3, availableParallelism() + 1)
/** Each starts up to eight processes, which wait for each other most of the time. */
const storiesAtOnce = 2
/** These count what is done in a time, or stop processes for a time that matters: nothing runs beside them. */
const byThemselves = /^test\/multinode\/(data|lock|pause|stall|switch)\./
/** Of low priority, they may get little on a machine that has other work, too. */
const simulations = { atOnce: 2, testTimeoutMs: 900_000, silenceMs: 900_000 }
const lowPriority = new URL('low-priority.ts', import.meta.url).href

/** What failed the last time, a line each. */
const failedList = resolve(root, 'node_modules/.cache/failed-tests')
const groups = resolve(root, 'node_modules/.cache/test-groups')

function step(program: string, ...args: string[]): void {
  const { status } = spawnSync(process.execPath, [resolve(root, program), ...args], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

function testFiles(words: readonly string[]): { parallel: string[]; serial: string[]; computing: string[] } {
  const all = globSync('test/**/*.test.ts', { cwd: root }).sort()
  const unknown = words.filter((word) => !all.some((file) => file.includes(word)))
  const files = words.length === 0 ? all : all.filter((file) => words.some((word) => file.includes(word)))
  if (unknown.length > 0 || files.length === 0) {
    console.error(`no test file matches ${unknown.join(', ') || 'test/**/*.test.ts'}`)
    process.exit(2)
  }
  const {
    parallel = [],
    serial = [],
    computing = [],
  } = Object.groupBy(files, (file) =>
    file.startsWith('test/multinode/') ? 'serial' : file.startsWith('test/simulation/') ? 'computing' : 'parallel',
  )
  return { parallel, serial, computing }
}

function lastFailed(): string[] {
  const failed = existsSync(failedList) ? readFileSync(failedList, 'utf8').split('\n').filter(Boolean) : []
  if (failed.length > 0) return failed
  console.error('nothing failed the last time')
  process.exit(2)
}

interface Pace {
  readonly atOnce: number
  /** Default: {@link testTimeoutMs}. */
  readonly testTimeoutMs?: number
  /** Default: {@link silenceMs}. */
  readonly silenceMs?: number
  readonly imports?: readonly string[]
}

/** The events of one run; whatever is still running when nothing has been heard for too long is cancelled, by name. */
async function* start(files: readonly string[], pace: Pace): AsyncGenerator<TestEvent> {
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(), pace.silenceMs ?? silenceMs)
  const events = run({
    cwd: root,
    files: files.map((file) => resolve(root, file)),
    concurrency: pace.atOnce,
    timeout: pace.testTimeoutMs ?? testTimeoutMs,
    signal: silence.signal,
    execArgv: ['--disable-warning=ExperimentalWarning', ...(pace.imports ?? []).map((url) => `--import=${url}`)],
  })
  for await (const event of events) {
    timer.refresh()
    yield event as TestEvent
  }
  clearTimeout(timer)
}

/** A run that goes on by itself from now on, to be told when its turn comes. */
function startAhead(files: readonly string[], pace: Pace): () => AsyncIterable<TestEvent> {
  const events = Readable.from(start(files, pace)).toArray()
  // Whoever reads it is told.
  events.catch(() => {})
  return async function* () {
    yield* await events
  }
}

/** What node's report does not say: where the time went, and why tests were skipped. */
function remarks({ skipped, files }: Outcome): string[] {
  const short = (file: string | undefined) => relative(root, resolve(root, file ?? ''))
  const slowest = [...files].sort((a, b) => b.ms - a.ms).slice(0, slowestShown)
  return [
    `slowest files: ${slowest.map(({ file, ms }) => `${short(file)} ${(ms / 1000).toFixed(1)} s`).join(', ')}`,
    ...skipped.map(({ file, name, reason }) => `not run: ${short(file)}: ${name}: ${reason}`),
    ...(left.length === 0
      ? []
      : [`not this time, by the commit's hash: ${left.join(', ')}; npm run test:all runs all`]),
  ]
}

// Every file is a process of its own: what one of them compiled, the next need not.
process.env.NODE_COMPILE_CACHE ??= resolve(root, 'node_modules/.cache/compiled')
// Built below: tests that start the command start it as it is packed, in half the time.
process.env.TRELLIS_TEST_BUILT = '1'

const tsc = 'node_modules/typescript/bin/tsc'
step(tsc, '--build')
step('scripts/build-dashboard.ts')
step('scripts/build-bundle.ts')
step(tsc, '--project', 'test', '--noEmit')
const words = process.argv.slice(2).filter((word) => word !== '--all' && word !== '--failed')
if (process.argv.includes('--failed')) words.push(...lastFailed())
if (process.argv.includes('--all')) process.env.TRELLIS_ALL_STORIES = '1'
const isWhole = words.length > 0 || process.argv.includes('--all') || process.env.TRELLIS_REQUIRE_ALL === '1'
if (isWhole && words.length === 0) process.env.TRELLIS_ALL_STORIES = '1'
const files = testFiles(words)
const left = isWhole ? [] : notInTurn([...files.parallel, ...files.serial])
const taken = (all: readonly string[]): string[] => all.filter((file) => !left.includes(file))
const [parallel, serial] = [taken(files.parallel), taken(files.serial)]
// What was asked for by name runs by itself.
const begun = words.length === 0 ? inGroups(parallel, root, groups) : parallel
async function* phases(): AsyncGenerator<TestEvent> {
  const simulated =
    files.computing.length === 0
      ? undefined
      : startAhead(longestFirst(files.computing), { ...simulations, imports: [lowPriority] })
  if (begun.length > 0) yield* start(begun, { atOnce: filesAtOnce })
  const single = serial.filter((file) => byThemselves.test(file))
  const others = serial.filter((file) => !single.includes(file))
  if (single.length > 0) yield* start(single, { atOnce: 1 })
  if (others.length > 0) yield* start(longestFirst(others), { atOnce: storiesAtOnce })
  if (simulated !== undefined) yield* simulated()
}
const outcome: Outcome = { failed: 0, tests: 0, skipped: [], files: [], failedFiles: new Set() }
const report = mergeReports(phases(), outcome, remarks).compose(spec)
for await (const text of report) process.stdout.write(text)
const failed = [...new Set([...outcome.failedFiles].map((file) => relative(root, resolve(root, file))))]
mkdirSync(dirname(failedList), { recursive: true })
writeFileSync(failedList, failed.map((file) => `${file}\n`).join(''))
if (process.env.TRELLIS_REQUIRE_ALL === '1' && outcome.skipped.length > 0) {
  console.error(`${outcome.skipped.length} tests were skipped, and TRELLIS_REQUIRE_ALL=1 makes that a failure`)
  outcome.failed += outcome.skipped.length
}
process.exitCode = outcome.failed === 0 && outcome.tests > 0 ? 0 : 1
