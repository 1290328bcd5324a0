// The flags of every command that asks an admin, and what they mean together with the variables.

import type { Command } from 'commander'
import type { AdminClientOptions } from './admin-client.ts'
import type { CommandContext, JsonFlag } from './context.ts'
import { readLines } from './files.ts'

export interface ClientFlags extends JsonFlag {
  readonly admin: string
  readonly adminTokenFile?: string
}

export const defaultAdminUrl = 'http://127.0.0.1:7501'

export function addClientFlags(command: Command): Command {
  return command
    .option('--admin <URL>', 'admin API to ask', defaultAdminUrl)
    .option('--admin-token-file <FILE>', 'file with its token (or the variable TRELLIS_ADMIN_TOKEN)')
    .option('--json', 'answer as one line of JSON')
}

export function clientOptions(flags: ClientFlags, { env }: Pick<CommandContext, 'env'>): AdminClientOptions {
  return { url: flags.admin, token: adminToken(flags.adminTokenFile, env) }
}

/** The flag's file, else the variable, else the variable's file. */
export function adminToken(file: string | undefined, env: CommandContext['env']): string | undefined {
  if (file !== undefined) return readLines(file, '--admin-token-file')[0]
  if (env.TRELLIS_ADMIN_TOKEN) return env.TRELLIS_ADMIN_TOKEN
  const named = env.TRELLIS_ADMIN_TOKEN_FILE
  return named ? readLines(named, 'TRELLIS_ADMIN_TOKEN_FILE')[0] : undefined
}
