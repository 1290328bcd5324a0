// `trellis services`: who offers what, and what depends on it. With `--json` exactly the answer of `GET /v1/services`, or of
// `GET /v1/services/NAME/impact`.

import type { Command } from 'commander'
import type { ServiceImpact, ServiceInstance } from '../../services/service-interface.ts'
import { askAdmin } from '../admin-client.ts'
import { addClientFlags, type ClientFlags, clientOptions } from '../client-flags.ts'
import type { CommandContext } from '../context.ts'
import { table } from '../output.ts'

const examples = `
Examples:
  trellis services
  trellis services billing --capability eur
  trellis services --impact billing`

interface Flags extends ClientFlags {
  readonly capability?: string
  readonly namespace?: string
  readonly range?: string
  readonly impact?: string
}

export function addServices(program: Command, context: CommandContext): void {
  addClientFlags(program.command('services').description('list who offers what'))
    .argument('[NAME]', 'only this service')
    .option('--capability <NAME,...>', 'only with all of these')
    .option('--namespace <NAME>', 'in this namespace')
    .option('--range <RANGE>', 'only versions in this range, such as ^2.1.0')
    .option('--impact <NAME>', 'who would feel it if this service were gone')
    .addHelpText('after', examples)
    .action(async (name: string | undefined, flags: Flags) => {
      const options = clientOptions(flags, context)
      const path =
        flags.impact === undefined ? listPath(name, flags) : `/v1/services/${encodeURIComponent(flags.impact)}/impact`
      const answer = await askAdmin(path, options)
      if (flags.json) context.out(`${JSON.stringify(answer)}\n`)
      else if (flags.impact !== undefined) context.out(describeImpact(answer as ServiceImpact))
      else context.out(describe((answer as { instances: ServiceInstance[] }).instances))
    })
}

function listPath(name: string | undefined, { capability, namespace, range }: Flags): string {
  const asked = { name, capability, namespace, version: range }
  const pairs = Object.entries(asked).filter((pair): pair is [string, string] => pair[1] !== undefined)
  return `/v1/services?${new URLSearchParams(pairs)}`
}

function describe(instances: readonly ServiceInstance[]): string {
  if (instances.length === 0) return 'nobody offers that\n'
  const rows = instances.map(({ name, version, member, health, state, condition, capabilities, address, id }) => [
    name,
    version,
    member,
    health,
    condition === 'ok' ? state : `${state}, ${condition}`,
    capabilities.join(',') || '-',
    address || '-',
    id,
  ])
  return table(['SERVICE', 'VERSION', 'MEMBER', 'HEALTH', 'STATE', 'CAPABILITIES', 'ADDRESS', 'ID'], rows)
}

function describeImpact({ service, dependants }: ServiceImpact): string {
  if (dependants.length === 0) return `nothing depends on ${service}\n`
  const rows = dependants.map(({ name, through, instances }) => [
    name,
    String(instances),
    through.join(' > ') || 'directly',
  ])
  return table(['DEPENDANT', 'INSTANCES', 'THROUGH'], rows)
}
