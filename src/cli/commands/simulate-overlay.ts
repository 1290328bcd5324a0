// `trellis simulate overlay`: HyParView and Plumtree alone, thousands of members under virtual time. Without `--table`
// seeded worlds with faults, as `trellis simulate` runs whole nodes; with it the experiments of the papers.

import type { Command } from 'commander'
import type { CommandContext, JsonFlag } from '../context.ts'
import { AnsweredNo, usageError } from '../failure.ts'
import { table } from '../output.ts'
import { aborted, watchSignals } from '../signals.ts'
import { wholeNumber } from './argument-values.ts'

interface SimulateOverlayFlags extends JsonFlag {
  readonly table?: boolean
  readonly members: number
  readonly seeds?: number
  readonly seed: number
  readonly bug?: string
}

const defaultSeeds = 100

const examples = `
The table of 10,000 members takes some minutes. Exit code 1 when a property was broken.

Examples:
  trellis simulate overlay --seeds 500
  trellis simulate overlay --seeds 30 --bug no-graft
  trellis simulate overlay --table --members 1000`

export function addSimulateOverlay(simulate: Command, context: CommandContext): void {
  simulate
    .command('overlay')
    .description('run HyParView and Plumtree alone, or the experiments of their papers')
    .option('--table', 'print the figures of the papers and those found here')
    .option('--members <N>', 'members for the table', wholeNumber(20), 10_000)
    .option('--seeds <N>', `how many worlds with faults (default: ${defaultSeeds})`, wholeNumber(1))
    .option('--seed <S>', 'the first seed', wholeNumber(0), 1)
    .option('--bug <NAME>', 'plant a known bug, to see it caught')
    .option('--json', 'answer as one line of JSON')
    .addHelpText('after', examples)
    .action((_flags: object, command: Command) => run(command.optsWithGlobals(), context))
}

async function run(flags: SimulateOverlayFlags, context: CommandContext): Promise<void> {
  using signals = watchSignals()
  void aborted(signals.force).then(() => process.exit(1))
  const signal = AbortSignal.any([signals.stop, context.parentGone].filter((each) => each !== undefined))
  if (flags.table) await printTable(flags, signal, context)
  else await runTrials(flags, signal, context)
}

async function printTable(flags: SimulateOverlayFlags, signal: AbortSignal, context: CommandContext): Promise<void> {
  const { overlayTable } = await import('../../testing/simulator/overlay/table.ts')
  const rows: { measure: string; published: string; here: string }[] = []
  for await (const row of overlayTable({ members: flags.members, seed: flags.seed }, signal)) {
    rows.push(row)
    if (!flags.json) context.err(`${row.measure}: ${row.here}\n`)
  }
  if (flags.json) context.out(`${JSON.stringify({ members: flags.members, seed: flags.seed, rows })}\n`)
  else
    context.out(
      table(
        [`${flags.members} members`, 'published', 'here'],
        rows.map(({ measure, published, here }) => [measure, published, here]),
      ),
    )
}

async function runTrials(flags: SimulateOverlayFlags, signal: AbortSignal, context: CommandContext): Promise<void> {
  const { simulateOverlay } = await import('../../testing/simulator/overlay/run.ts')
  const seeds = flags.seeds ?? defaultSeeds
  const { done, failure } = await simulateOverlay({ seeds, seed: flags.seed, bug: flags.bug, signal }).catch(
    (error: unknown) => {
      throw error instanceof RangeError ? usageError(error.message) : error
    },
  )
  const broken = failure && { seed: failure.seed, property: failure.property, replay: failure.replay }
  if (flags.json) context.out(`${JSON.stringify({ seeds: done, failure: broken ?? null })}\n`)
  else context.out(`${done} ${done === 1 ? 'seed' : 'seeds'}, ${failure ? 'broken' : 'clean'}\n`)
  if (!failure) return
  if (!flags.json) context.err(`${failure.message}\nreplay: ${failure.replay}\n`)
  throw new AnsweredNo()
}
