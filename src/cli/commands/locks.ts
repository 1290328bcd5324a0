// `trellis locks`: who holds what in the cluster, and who waits for it; and locks for scripts.

import type { Command } from 'commander'
import type { ClaimView, Grant } from '../../coordination/lease-interface.ts'
import { askAdmin, askFor } from '../admin-client.ts'
import { addClientFlags, type ClientFlags, clientOptions } from '../client-flags.ts'
import type { CommandContext } from '../context.ts'
import { printable, table } from '../output.ts'
import { notEmpty, wholeNumber as wholeNumberFrom } from './argument-values.ts'

interface AcquireFlags extends ClientFlags {
  readonly owner: string
  readonly leaseMs: number
  readonly waitMs: number
}

const wholeNumber = wholeNumberFrom(0)
/** Beside the time that the lock itself may take. */
const answerMs = 5_000

const examples = `
A lock that a script acquires ends by itself after its lease; renew it in time with its token, and give the token to whatever the
script changes.

Examples:
  trellis locks
  token=$(trellis locks acquire backup --owner $HOSTNAME --lease-ms 60000)
  trellis locks renew backup $token
  trellis locks release backup $token`

export function addLocks(program: Command, context: CommandContext): void {
  const locks = addClientFlags(program.command('locks').description('list who holds and who waits; lock from scripts'))
    .addHelpText('after', examples)
    .action((flags: ClientFlags) => list(flags, context))
  const verb = (name: string, description: string): Command =>
    addClientFlags(locks.command(name).description(description)).argument('<name>', 'of the lock', notEmpty)
  verb('acquire', 'print the token of the lock, exit with 1 when it is held')
    .requiredOption('--owner <NAME>', 'who acquires it', notEmpty)
    .option('--lease-ms <MS>', 'it ends by itself after so long', wholeNumberFrom(1), 30_000)
    .option('--wait-ms <MS>', 'wait for its turn so long', wholeNumber, 0)
    .action((name: string, flags: AcquireFlags) => acquire(name, flags, context))
  const token = ['<token>', 'the one that it was acquired with', wholeNumber] as const
  verb('renew', 'begin its lease anew')
    .argument(...token)
    .action((name: string, given: number, flags: ClientFlags) => renew(name, given, flags, context))
  verb('release', 'give it back')
    .argument(...token)
    .action((name: string, given: number, flags: ClientFlags) => release(name, given, flags, context))
}

async function list(flags: ClientFlags, context: CommandContext): Promise<void> {
  const answer = await askFor<{ locks: readonly ClaimView[] }>(['locks'], '/v1/locks', clientOptions(flags, context))
  if (flags.json) return context.out(`${JSON.stringify(answer)}\n`)
  const rows = answer.locks.flatMap(({ kind, name, holders, waiting }) => {
    const held = holders.map(({ owner, token, leaseMs }) => [kind, name, owner, String(token), `${leaseMs} ms`])
    return waiting.length === 0 ? held : [...held, [kind, name, `(${waiting.length} waiting)`, '-', '-']]
  })
  context.out(table(['KIND', 'NAME', 'OWNER', 'TOKEN', 'LEASE'], rows))
}

async function acquire(name: string, flags: AcquireFlags, context: CommandContext): Promise<void> {
  const { owner, leaseMs, waitMs } = flags
  const options = { ...clientOptions(flags, context), timeoutMs: waitMs + answerMs }
  const grant = await askFor<Grant>(['token'], pathOf(name), options, {
    method: 'POST',
    body: { owner, leaseMs, waitMs },
  })
  context.out(flags.json ? `${JSON.stringify(grant)}\n` : `${grant.token}\n`)
}

async function renew(name: string, token: number, flags: ClientFlags, context: CommandContext): Promise<void> {
  const call = { method: 'PUT', body: {} } as const
  const grant = await askFor<Grant>(
    ['expiresInMs'],
    `${pathOf(name)}?token=${token}`,
    clientOptions(flags, context),
    call,
  )
  context.out(flags.json ? `${JSON.stringify(grant)}\n` : `held for another ${grant.expiresInMs} ms\n`)
}

async function release(name: string, token: number, flags: ClientFlags, context: CommandContext): Promise<void> {
  const call = { method: 'DELETE' } as const
  const answer = await askAdmin(`${pathOf(name)}?token=${token}`, clientOptions(flags, context), call)
  context.out(flags.json ? `${JSON.stringify(answer)}\n` : `${printable(name)} is free\n`)
}

function pathOf(name: string): string {
  return `/v1/locks/${encodeURIComponent(name)}`
}
