// `trellis leader`: who leads, as one node knows it. Not to know one is an answer, not a failure.

import type { Command } from 'commander'
import type { NodeStatus } from '../../node-interface.ts'
import { askAdmin } from '../admin-client.ts'
import { addClientFlags, type ClientFlags, clientOptions } from '../client-flags.ts'
import type { CommandContext } from '../context.ts'
import { printable } from '../output.ts'

const examples = `
With --json: {"leader":"node-2","term":3,"quorum":true,"s5":"node-2","fencingToken":7}; leader and s5 are null while none is
known.

Examples:
  trellis leader
  trellis leader --json`

export function addLeader(program: Command, context: CommandContext): void {
  addClientFlags(program.command('leader').description('say who leads'))
    .addHelpText('after', examples)
    .action(async (flags: ClientFlags) => {
      const { node, consensus, s5 } = (await askAdmin('/v1/status', clientOptions(flags, context))) as NodeStatus
      const { leader, term, quorum } = consensus
      if (flags.json)
        context.out(`${JSON.stringify({ leader, term, quorum, s5: s5.host, fencingToken: s5.fencingToken })}\n`)
      else context.out(printable(leader ?? `${node.name} knows no leader (term ${term})`).concat('\n'))
    })
}
