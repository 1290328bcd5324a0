// `trellis top`: the cluster as one node knows it, as it changes. On a terminal a screen; elsewhere one line for each
// change, or with `--json` one object. It stays when the node goes away, and says so, and comes back when the node
// does.

import type { Command } from 'commander'
import { addClientFlags, type ClientFlags, clientOptions } from '../client-flags.ts'
import type { CommandContext } from '../context.ts'
import { printable } from '../output.ts'
import { aborted, watchSignals } from '../signals.ts'

const notes = `
q or Ctrl-C quits. When stdout is no terminal: one line for each change. With --json one object for each thing heard:
{"event":"status","data":{…}}, also members, topology, member, leader, s5, link, and "lost" and "back" for the node itself.

Examples:
  trellis top
  trellis top --admin http://127.0.0.1:7503
  trellis top --json | jq -c 'select(.event == "leader")'`

export function addTop(program: Command, context: CommandContext): void {
  addClientFlags(program.command('top').description('watch the cluster as one node knows it'))
    .addHelpText('after', notes)
    .action((flags: ClientFlags) => top(flags, context))
}

async function top(flags: ClientFlags, context: CommandContext): Promise<void> {
  using signals = watchSignals()
  void aborted(signals.force).then(() => process.exit(1))
  const quit = new AbortController()
  const ends = [signals.stop, context.parentGone, context.outputGone, quit.signal].filter(
    (signal) => signal !== undefined,
  )
  const signal = AbortSignal.any(ends)
  const options = clientOptions(flags, context)
  const { follow } = await import('../top/follow.ts')
  if (flags.json || !context.isTerminal) {
    for await (const { line, heard } of follow(options, signal)) {
      if (flags.json) context.out(`${JSON.stringify(heard)}\n`)
      else if (line !== undefined) context.out(`${printable(line)}\n`)
    }
    return
  }
  const { openScreen } = await import('../top/screen.ts')
  const { draw } = await import('../top/view.ts')
  let redraw = (): void => {}
  using screen = openScreen({ resize: () => redraw(), quit: () => quit.abort() })
  for await (const { picture } of follow(options, signal)) {
    redraw = () => screen.show(draw(picture, screen.size))
    redraw()
  }
}
