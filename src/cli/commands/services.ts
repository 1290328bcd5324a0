// `trellis services`: who offers what, what depends on it, and who calls whom. With `--json` exactly the answer of
// `GET /v1/services`, of `GET /v1/services/NAME/impact`, or of `GET /v1/calls`.

import type { Command } from 'commander'
import type { CallGraph, ServiceImpact, ServiceInstance } from '../../services/service-interface.ts'
import { askFor } from '../admin-client.ts'
import { addClientFlags, type ClientFlags, clientOptions } from '../client-flags.ts'
import type { CommandContext } from '../context.ts'
import { usageError } from '../failure.ts'
import { table } from '../output.ts'
import { notEmpty } from './argument-values.ts'

const examples = `
Examples:
  trellis services
  trellis services billing --capability eur
  trellis services --impact billing
  trellis services --calls`

interface Listed {
  readonly instances: readonly ServiceInstance[]
}

interface Flags extends ClientFlags {
  readonly capability?: string
  readonly namespace?: string
  readonly range?: string
  readonly impact?: string
  readonly calls?: boolean
}

export function addServices(program: Command, context: CommandContext): void {
  addClientFlags(program.command('services').description('list who offers what'))
    .argument('[NAME]', 'only this service', notEmpty)
    .option('--capability <NAME,...>', 'only with all of these')
    .option('--namespace <NAME>', 'in this namespace')
    .option('--range <RANGE>', 'only versions in this range, such as ^2.1.0')
    .option('--impact <NAME>', 'who would feel it if this service were gone', notEmpty)
    .option('--calls', 'who calls whom, how often, how fast, how many fail')
    .addHelpText('after', examples)
    .action(async (name: string | undefined, flags: Flags) => {
      refuseTwoQuestions(name, flags)
      const options = clientOptions(flags, context)
      const say = <Answer>(answer: Answer, describe: (answer: Answer) => string): void =>
        context.out(flags.json ? `${JSON.stringify(answer)}\n` : describe(answer))
      if (flags.calls) say(await askFor<CallGraph>(['edges', 'missing'], '/v1/calls', options), describeCalls)
      else if (flags.impact !== undefined) {
        const path = `/v1/services/${encodeURIComponent(flags.impact)}/impact`
        say(await askFor<ServiceImpact>(['dependants'], path, options), describeImpact)
      } else say(await askFor<Listed>(['instances'], listPath(name, flags), options), describe)
    })
}

/** `--calls` and `--impact` ask something of their own, to which nothing else belongs. */
function refuseTwoQuestions(name: string | undefined, flags: Flags): void {
  const { capability, namespace, range, impact, calls } = flags
  const filters = { NAME: name, '--capability': capability, '--namespace': namespace, '--range': range }
  const asked = { '--calls': calls, '--impact': impact }
  const said = Object.entries({ ...asked, ...filters }).flatMap(([what, value]) => (value === undefined ? [] : [what]))
  if (said.length > 1 && (calls || impact !== undefined)) throw usageError(`${said.join(' and ')} exclude each other`)
}

function listPath(name: string | undefined, { capability, namespace, range }: Flags): string {
  const asked = { name, capability, namespace, version: range }
  const pairs = Object.entries(asked).filter((pair): pair is [string, string] => pair[1] !== undefined)
  return `/v1/services?${new URLSearchParams(pairs)}`
}

function describe({ instances }: Listed): string {
  if (instances.length === 0) return 'nobody offers that\n'
  const rows = instances.map(
    ({ name, version, member, cluster, health, state, condition, capabilities, address, id }) => [
      name,
      version,
      cluster === '' ? member : `${member} (${cluster})`,
      health,
      condition === 'ok' ? state : `${state}, ${condition}`,
      capabilities.join(',') || '-',
      address || '-',
      id,
    ],
  )
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

function describeCalls({ edges, missing }: CallGraph): string {
  const absent = missing.length > 0 ? `not answered: ${missing.join(', ')}\n` : ''
  if (edges.length === 0) return `${absent}nobody has called anybody in the last five minutes\n`
  const rows = edges.map(({ from, member, to, rate, latencyMs, errorShare, calls, errors }) => [
    from || '-',
    member,
    to,
    `${rate.toFixed(1)}/s`,
    `${latencyMs.toFixed(latencyMs < 10 ? 2 : 0)} ms`,
    `${(errorShare * 100).toFixed(1)} %`,
    String(calls),
    String(errors),
  ])
  return absent + table(['FROM', 'ON', 'TO', 'RATE', 'LATENCY', 'FAILING', 'CALLS', 'ERRORS'], rows)
}
