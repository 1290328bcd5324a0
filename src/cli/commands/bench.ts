// `trellis bench`: measures this installation on this machine. The benchmarks are in `src/bench/`; here is how they are
// chosen and shown. Nothing is judged: the exit code is 1 only when a benchmark could not be run.

import { type Command, InvalidArgumentError } from 'commander'
import type { Bench } from '../../bench/figure.ts'
import type { BenchResult } from '../../bench/run.ts'
import { closestWord } from '../../closest-word.ts'
import type { CommandContext, JsonFlag } from '../context.ts'
import { AnsweredNo, usageError } from '../failure.ts'
import { rewritten } from '../output.ts'
import { aborted, watchSignals } from '../signals.ts'

interface BenchFlags extends JsonFlag {
  readonly runs: number
  readonly list?: boolean
  readonly markdown?: boolean
}

const defaultRuns = 20
const maxRuns = 1_000

const examples = `
Without a name all are run, which takes some 15 minutes and starts up to 30 processes at a time. Baselines are measured in the same
run. Each thing is done 20 times; the start of 30 processes a quarter as often.

Examples:
  trellis bench log
  trellis bench crash --runs 100
  trellis bench --json > figures.json`

export function addBench(program: Command, context: CommandContext): void {
  program
    .command('bench')
    .description('measure this installation on this machine')
    .argument('[name]', 'the only one to run')
    .option('--runs <N>', 'how often each thing is done', wholeNumber, defaultRuns)
    .option('--list', 'print the names, run nothing')
    .option('--json', 'answer as one line of JSON, with every sample')
    .option('--markdown', 'answer as a table for docs/benchmarks.md')
    .addHelpText('after', examples)
    .action((name: string | undefined, flags: BenchFlags) => bench(name, flags, context))
}

async function bench(name: string | undefined, flags: BenchFlags, context: CommandContext): Promise<void> {
  const { benches, runBenches } = await import('../../bench/run.ts')
  const { machineFacts } = await import('../../bench/machine.ts')
  const { describeMachine, describeResult, resultsAsJson, resultsAsMarkdown } = await import('../../bench/report.ts')
  const wanted = name === undefined ? benches : [find(name, benches)]
  if (flags.list) {
    context.out(
      flags.json
        ? `${JSON.stringify({ benches: wanted.map(({ name, description }) => ({ name, description })) })}\n`
        : wanted.map((one) => `${one.name.padEnd(10)} ${one.description}\n`).join(''),
    )
    return
  }
  using signals = watchSignals()
  void aborted(signals.force).then(() => process.exit(1))
  const signal = AbortSignal.any([signals.stop, context.parentGone].filter((signal) => signal !== undefined))
  const machine = await machineFacts()
  const isForPeople = !flags.json && !flags.markdown
  if (isForPeople) context.out(describeMachine(machine))
  const results: BenchResult[] = []
  const say = context.isTerminal && isForPeople ? (text: string) => context.err(rewritten(text)) : () => {}
  await runBenches(wanted, { runs: flags.runs, signal, say }, (result) => {
    results.push(result)
    say('')
    if (isForPeople) context.out(`\n${describeResult(result)}`)
  })
  if (flags.markdown) context.out(resultsAsMarkdown(machine, results))
  if (flags.json) context.out(`${JSON.stringify(resultsAsJson(machine, flags.runs, results))}\n`)
  if (results.some(({ problem }) => problem !== undefined)) throw new AnsweredNo()
}

function find(name: string, benches: readonly Bench[]): Bench {
  const found = benches.find((bench) => bench.name === name)
  if (found !== undefined) return found
  const names = benches.map((bench) => bench.name)
  const meant = closestWord(name, names)
  throw usageError(`there is no benchmark '${name}'${meant ? `, did you mean '${meant}'?` : `: ${names.join(', ')}`}`)
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= 1 && value <= maxRuns) return value
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${maxRuns}.`)
}
