// `trellis leader`: who leads, as one node knows it. Not to know one is an answer, not a failure.
// `trellis leader transfer` makes another one lead.

import type { Command } from 'commander'
import type { TransferView } from '../../coordination/leadership.ts'
import type { NodeStatus } from '../../node-interface.ts'
import { askFor } from '../admin-client.ts'
import { addClientFlags, type ClientFlags, clientOptions } from '../client-flags.ts'
import type { CommandContext } from '../context.ts'
import { printable } from '../output.ts'
import { notEmpty } from './argument-values.ts'

/** A hand-over takes an election timeout at most; this is for the answer on top. */
const transferTimeoutMs = 10_000

const examples = `
With --json: {"leader":"node-2","term":3,"quorum":true,"s5":"node-2","fencingToken":7}; leader and s5 are null while none is
known.

Examples:
  trellis leader
  trellis leader --json
  trellis leader transfer
  trellis leader transfer node-3`

export function addLeader(program: Command, context: CommandContext): void {
  const command = addClientFlags(program.command('leader').description('say who leads'))
    .addHelpText('after', examples)
    .action(async (flags: ClientFlags) => {
      const { node, consensus, s5 } = await askFor<NodeStatus>(
        ['node', 'consensus', 's5'],
        '/v1/status',
        clientOptions(flags, context),
      )
      const { leader, term, quorum } = consensus
      if (flags.json)
        context.out(`${JSON.stringify({ leader, term, quorum, s5: s5.host, fencingToken: s5.fencingToken })}\n`)
      else context.out(printable(leader ?? `${node.name} knows no leader (term ${term})`).concat('\n'))
    })
  addClientFlags(command.command('transfer').description('make another voter lead; S5 goes with it'))
    .argument('[name]', 'who is to lead', notEmpty)
    .action(async (name: string | undefined, flags: ClientFlags) => {
      const options = { ...clientOptions(flags, context), timeoutMs: transferTimeoutMs }
      const call = { method: 'POST', body: name === undefined ? {} : { to: name } } as const
      const report = await askFor<TransferView>(['to'], '/v1/leader/transfer', options, call)
      const { from, to, durationMs } = report
      context.out(
        flags.json
          ? `${JSON.stringify(report)}\n`
          : `${printable(to)} leads after ${printable(from)}, in ${durationMs} ms\n`,
      )
    })
}
