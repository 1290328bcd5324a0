// `trellis members`: every member that one node remembers. With `--json` exactly the answer of `GET /v1/members`.

import type { Command } from 'commander'
import type { MemberView } from '../../node-interface.ts'
import { askFor } from '../admin-client.ts'
import { addClientFlags, type ClientFlags, clientOptions } from '../client-flags.ts'
import type { CommandContext } from '../context.ts'
import { table } from '../output.ts'

const examples = `
Examples:
  trellis members
  trellis members --json | jq -r '.members[] | select(.state != "alive") | .name'`

export function addMembers(program: Command, context: CommandContext): void {
  addClientFlags(program.command('members').description('list the members and their state'))
    .addHelpText('after', examples)
    .action(async (flags: ClientFlags) => {
      const answer = await askFor<{ members: MemberView[] }>(['members'], '/v1/members', clientOptions(flags, context))
      context.out(flags.json ? `${JSON.stringify(answer)}\n` : describe(answer.members))
    })
}

function describe(members: readonly MemberView[]): string {
  const sorted = [...members].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
  const rows = sorted.map(({ name, state, condition, address, roles, zone, id }) => [
    name,
    state,
    // Of who is not here nobody knows it.
    state === 'alive' || state === 'suspect' ? condition : '-',
    address,
    roles.join(',') || '-',
    zone || '-',
    id,
  ])
  return table(['NAME', 'STATE', 'CONDITION', 'ADDRESS', 'ROLES', 'ZONE', 'ID'], rows)
}
