// `trellis simulate switch`: whole nodes in virtual time that switch their topology while they send each other
// messages, struck at the moment at which a switch enters a phase. Stops at the first seed in which something that must
// hold does not.

import type { Command } from 'commander'
import type { CommandContext, JsonFlag } from '../context.ts'
import { AnsweredNo, usageError } from '../failure.ts'
import { rewritten } from '../output.ts'
import { aborted, watchSignals } from '../signals.ts'
import { wholeNumber } from './argument-values.ts'

interface SimulateSwitchFlags extends JsonFlag {
  readonly seeds?: number
  readonly seed: number
  readonly bug?: string
}

const defaultSeeds = 100

const examples = `
A seed takes about a second. Exit code 1 when something that must hold did not.

Examples:
  trellis simulate switch --seeds 500
  trellis simulate switch --seeds 1 --seed 4711`

export function addSimulateSwitch(simulate: Command, context: CommandContext): void {
  simulate
    .command('switch')
    .description('switch the topology of whole nodes in virtual time, struck in every phase')
    .option('--seeds <N>', `how many seeds (default: ${defaultSeeds})`, wholeNumber(1))
    .option('--seed <S>', 'the first seed', wholeNumber(0), 1)
    .option('--bug <NAME>', 'plant a known bug, to see it caught')
    .option('--json', 'answer as one line of JSON')
    .addHelpText('after', examples)
    .action((_flags: object, command: Command) => run(command.optsWithGlobals(), context))
}

async function run(flags: SimulateSwitchFlags, context: CommandContext): Promise<void> {
  const { SwitchingFailure } = await import('../../testing/simulator/switching/failure.ts')
  const { isWholeSwitchBug, runWholeSwitching, wholeSwitchBugs } = await import(
    '../../testing/simulator/switching/whole.ts'
  )
  const { bug, seed, seeds = defaultSeeds, json } = flags
  if (bug !== undefined && !isWholeSwitchBug(bug))
    throw usageError(`no known bug is called '${bug}', only ${wholeSwitchBugs.join(', ')}`)
  using signals = watchSignals()
  void aborted(signals.force).then(() => process.exit(1))
  const signal = AbortSignal.any([signals.stop, context.parentGone].filter((each) => each !== undefined))
  const sum = { committed: 0, aborted: 0, acknowledged: 0, blows: 0 }
  let done = 0
  for (; done < seeds && !signal.aborted; done++) {
    try {
      const outcome = await runWholeSwitching(seed + done, bug)
      sum.committed += outcome.committed
      sum.aborted += outcome.aborted
      sum.acknowledged += outcome.acknowledged
      sum.blows += Object.values(outcome.blows).reduce((all, count) => all + count, 0)
    } catch (error) {
      if (!(error instanceof SwitchingFailure)) throw error
      const replay = `trellis simulate switch --seeds 1 --seed ${seed + done}${bug === undefined ? '' : ` --bug ${bug}`}`
      if (json) context.out(`${JSON.stringify({ seeds: done, ...sum, failure: { problem: error.message, replay } })}\n`)
      else context.err(`${error.message}\nreplay: ${replay}\n`)
      throw new AnsweredNo()
    }
    if (context.isTerminal && !json) context.err(rewritten(`${done + 1} of ${seeds} seeds`))
  }
  if (context.isTerminal && !json) context.err(rewritten())
  if (json) context.out(`${JSON.stringify({ seeds: done, ...sum, failure: null })}\n`)
  else {
    const { committed, aborted: given, acknowledged, blows } = sum
    const what = `${committed} switches committed, ${given} given up, struck ${blows} times in a phase`
    context.out(
      `${done} ${done === 1 ? 'seed' : 'seeds'}, clean: ${what}; ${acknowledged} messages acknowledged, none lost, doubled or out of order\n`,
    )
  }
}
