// What `npm test` runs: build, types of the tests, then node's own runner with its own report. Files run three at a time, small ones
// in groups (`test-groups.ts`); those of `test/multinode/` start processes of their own, so they come last and one by one, and simulations,
// which compute and wait for nothing, have the other core meanwhile. A skipped test says why, and under TRELLIS_REQUIRE_ALL=1 it is a failure.
//
// Stories of processes are slow, and so are pages in a browser: a third of those that rotate are run each time, chosen by the commit's hash.
//
//   npm test                             everything, but for the other stories
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
import { inGroups } from './test-groups.ts'

const root = resolve(import.meta.dirname, '..')
/** A test that takes longer has failed. */
const testTimeoutMs = 180_000
/** After so long without any news, a file is kept alive by something that its tests left behind. */
const silenceMs = 240_000
const slowestShown = 5
/** Tests wait more than they work: one more than there are cores keeps two of them busy. */
const filesAtOnce = Math.min(3, availableParallelism() + 1)

/** What failed the last time, a line each. */
const failedList = resolve(root, 'node_modules/.cache/failed-tests')
const groups = resolve(root, 'node_modules/.cache/test-groups')

/** Pages that take turns. The dashboard itself and the client are looked at every time. */
const pages = ['calls', 'panels', 'switch'].map((name) => `test/browser/${name}.test.ts`)
/** Told every time: without these nothing else matters. */
const always = ['exit', 'forming', 'kill', 'stories', 'up'].map((name) => `test/multinode/${name}.test.ts`)

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

/** Of the stories and pages that rotate, those whose turn it is not: two of three, by the commit's hash. */
function notInTurn(stories: readonly string[]): string[] {
  const commit = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).stdout?.trim() ?? ''
  const turn = Number.parseInt(commit.slice(-6) || '0', 16) % 3
  const rotating = stories.filter((file) => !always.includes(file))
  return [pages, rotating].flatMap((files) => files.filter((_, at) => at % 3 !== turn))
}

function lastFailed(): string[] {
  const failed = existsSync(failedList) ? readFileSync(failedList, 'utf8').split('\n').filter(Boolean) : []
  if (failed.length > 0) return failed
  console.error('nothing failed the last time')
  process.exit(2)
}

/** The events of one run; whatever is still running when nothing has been heard for `silenceMs` is cancelled, by name. */
async function* start(files: readonly string[], concurrency: number): AsyncGenerator<TestEvent> {
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(), silenceMs)
  const events = run({
    cwd: root,
    files: files.map((file) => resolve(root, file)),
    concurrency,
    timeout: testTimeoutMs,
    signal: silence.signal,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  for await (const event of events) {
    timer.refresh()
    yield event as TestEvent
  }
  clearTimeout(timer)
}

/** A run that goes on by itself from now on, to be told when its turn comes. */
function startAhead(files: readonly string[]): () => AsyncIterable<TestEvent> {
  const events = Readable.from(start(files, 1)).toArray()
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
const left = isWhole ? [] : notInTurn(files.serial)
const taken = (all: readonly string[]): string[] => all.filter((file) => !left.includes(file))
const [parallel, serial] = [taken(files.parallel), taken(files.serial)]
// What was asked for by name runs by itself.
const begun = words.length === 0 ? inGroups(parallel, root, groups) : parallel
async function* phases(): AsyncGenerator<TestEvent> {
  if (begun.length > 0) yield* start(begun, filesAtOnce)
  const simulations = files.computing.length === 0 ? undefined : startAhead(files.computing)
  if (serial.length > 0) yield* start(serial, 1)
  if (simulations !== undefined) yield* simulations()
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
