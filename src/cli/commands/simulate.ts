// `trellis simulate`: the real cores under virtual time and every fault, one world per seed. Stops at the first
// property that does not hold and prints the command that shows it again.

import type { Command } from 'commander'
import type { SimulationFailure } from '../../testing/simulator/failure.ts'
import type { SimulationProgress } from '../../testing/simulator/run.ts'
import type { CommandContext, JsonFlag } from '../context.ts'
import { AnsweredNo, usageError } from '../failure.ts'
import { rewritten } from '../output.ts'
import { aborted, watchSignals } from '../signals.ts'
import { wholeNumber } from './argument-values.ts'
import { addSimulateOverlay } from './simulate-overlay.ts'
import { addSimulateSwitch } from './simulate-switch.ts'

interface SimulateFlags extends JsonFlag {
  readonly seeds?: number
  readonly seed?: number
  readonly bug?: string
  readonly trace?: boolean
}

/** How often the one line with the progress is renewed on a terminal, and how often a line is added elsewhere. */
const terminalIntervalMs = 200
const lineIntervalMs = 5_000
const defaultSeeds = 100

const examples = `
With --seed alone that one seed is run. Exit code 1 when a property was broken.

Examples:
  trellis simulate --seeds 500
  trellis simulate --seed 4711 --trace
  trellis simulate --seeds 50 --bug vote-not-persisted`

export function addSimulate(program: Command, context: CommandContext): void {
  const simulateCommand = program
    .command('simulate')
    .description('run the cores under virtual time and every fault')
    .option('--seeds <N>', `how many seeds (default: ${defaultSeeds}, or 1 with --seed)`, wholeNumber(1))
    .option('--seed <S>', 'the first seed (default: 1)', wholeNumber(0))
    .option('--bug <NAME>', 'plant a known bug, to see it caught')
    .option('--trace', 'print every event (with --json on stderr)')
    .option('--json', 'answer as one line of JSON')
    .addHelpText('after', examples)
    .action((flags: SimulateFlags) => run(flags, context))
  addSimulateOverlay(simulateCommand, context)
  addSimulateSwitch(simulateCommand, context)
}

async function run(flags: SimulateFlags, context: CommandContext): Promise<void> {
  const { simulate } = await import('../../testing/simulator/run.ts')
  using signals = watchSignals()
  void aborted(signals.force).then(() => process.exit(1))
  const trace = flags.json ? context.err : context.out
  const result = await simulate({
    seeds: flags.seeds ?? (flags.seed === undefined ? defaultSeeds : 1),
    seed: flags.seed,
    bug: flags.bug,
    signal: AbortSignal.any([signals.stop, context.parentGone].filter((signal) => signal !== undefined)),
    onTrace: flags.trace ? (line) => trace(`${line}\n`) : undefined,
    onProgress: flags.json ? undefined : progress(context),
  }).catch((error: unknown) => {
    throw error instanceof RangeError ? usageError(error.message) : error
  })
  if (context.isTerminal && !flags.json) context.err(rewritten())
  const { done, events, eventsPerSecond, failure } = result
  const elapsedMs = Math.round(result.elapsedMs)
  if (flags.json) {
    context.out(`${JSON.stringify({ seeds: done, events, elapsedMs, eventsPerSecond, failure: summary(failure) })}\n`)
  } else {
    const verdict = failure === undefined ? 'clean' : 'broken'
    context.out(`${done} ${done === 1 ? 'seed' : 'seeds'}, ${verdict}: ${events} events, ${eventsPerSecond} events/s\n`)
    if (failure !== undefined) context.err(`${failure.message}\n`)
  }
  if (failure !== undefined) throw new AnsweredNo()
}

function progress({ isTerminal, err }: CommandContext): (progress: SimulationProgress) => void {
  const intervalMs = isTerminal ? terminalIntervalMs : lineIntervalMs
  let shownAt = performance.now()
  return ({ done, seeds, eventsPerSecond }) => {
    if (performance.now() - shownAt < intervalMs) return
    shownAt = performance.now()
    const text = `${done} of ${seeds} seeds, ${eventsPerSecond} events/s`
    err(isTerminal ? rewritten(text) : `${text}\n`)
  }
}

function summary(failure: SimulationFailure | undefined): object | null {
  if (failure === undefined) return null
  const { seed, property, violation, at, replay } = failure
  return { seed, property, violation, at, replay }
}
