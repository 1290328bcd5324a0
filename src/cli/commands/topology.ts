// `trellis topology`: the overlay and the links of one node; `switch` changes the overlay of the whole cluster.

import { type Command, InvalidArgumentError } from 'commander'
import type { Advice } from '../../../topology/index.ts'
import type { LinkMap } from '../../link-survey/link-map.ts'
import type { LinkView, TopologyView } from '../../node-interface.ts'
import type { SwitchReport } from '../../switching/report.ts'
import { askFor } from '../admin-client.ts'
import { addClientFlags, type ClientFlags, clientOptions } from '../client-flags.ts'
import type { CommandContext } from '../context.ts'
import { AnsweredNo } from '../failure.ts'
import { printable, table } from '../output.ts'
import { notEmpty } from './argument-values.ts'

interface SwitchFlags extends ClientFlags {
  readonly expectFrom?: string
  readonly timeoutMs: number
  readonly dryRun?: boolean
}

/** What the node may take beyond the time that the switch is given, until it answers. */
const AFTERMATH_MS = 20_000
const MAX_TIMEOUT_MS = 600_000

const examples = `
With --json exactly the answers of GET and PUT /v1/topology. A switch that is aborted exits with 1.

Examples:
  trellis topology
  trellis topology links
  trellis topology advise
  trellis topology switch hyparview --dry-run
  trellis topology switch hyparview --expect-from full-mesh --json`

export function addTopology(program: Command, context: CommandContext): void {
  const topology = addClientFlags(program.command('topology').description('show the overlay, or switch it'))
    .addHelpText('after', examples)
    .action(async (flags: ClientFlags) => {
      const view = await askFor<TopologyView>(['name', 'links'], '/v1/topology', clientOptions(flags, context))
      context.out(flags.json ? `${JSON.stringify(view)}\n` : describe(view))
    })
  addClientFlags(
    topology.command('advise').description('say which overlay would fit what was measured, and why'),
  ).action(async (flags: ClientFlags) => {
    const advice = await askFor<Advice>(
      ['current', 'recommended', 'conditions'],
      '/v1/topology/advice',
      clientOptions(flags, context),
    )
    context.out(flags.json ? `${JSON.stringify(advice)}\n` : explain(advice))
  })
  addClientFlags(topology.command('links').description('show the links between all members')).action(
    async (flags: ClientFlags) => {
      const map = await askFor<LinkMap>(['links'], '/v1/topology/links', clientOptions(flags, context))
      context.out(flags.json ? `${JSON.stringify(map)}\n` : drawMap(map))
    },
  )
  addClientFlags(topology.command('switch').description('switch the whole cluster while traffic flows'))
    .argument('<name>', 'overlay to go over to', notEmpty)
    .option('--expect-from <NAME>', 'only if this is the topology now')
    .option('--timeout-ms <MS>', 'give the switch up after this long', milliseconds, 30_000)
    .option('--dry-run', 'only say what it would mean')
    .action(async (name: string, flags: SwitchFlags) => {
      const { expectFrom, timeoutMs, dryRun = false } = flags
      const body = { name, timeoutMs, dryRun, ...(expectFrom === undefined ? {} : { expectFrom }) }
      const options = { ...clientOptions(flags, context), timeoutMs: timeoutMs + AFTERMATH_MS }
      const report = await askFor<SwitchReport>(['outcome'], '/v1/topology', options, { method: 'PUT', body })
      context.out(flags.json ? `${JSON.stringify(report)}\n` : tell(report))
      if (report.outcome === 'aborted') throw new AnsweredNo()
    })
}

function drawMap({ links, unanswered, notAsked }: LinkMap): string {
  const rows = links.map(({ ends, kind, pinned }) => [...ends, kindOf({ kind, pinned })])
  const silent = unanswered.map(({ name, problem }) => `${printable(`${name} did not tell its links (${problem})`)}\n`)
  const rest = notAsked > 0 ? [`${notAsked} more members were not asked\n`] : []
  return [table(['MEMBER', 'MEMBER', 'KIND'], rows), ...silent, ...rest].join('')
}

function kindOf({ kind, pinned }: Pick<LinkView, 'kind' | 'pinned'>): string {
  return kind === 'pinned' || !pinned ? kind : `${kind}, pinned`
}

function explain({
  current,
  recommended,
  because,
  rule,
  conditions,
  isDue,
  stableForMs,
  coolDownLeftMs,
}: Advice): string {
  const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`
  const rest = coolDownLeftMs > 0 ? `, rests for ${seconds(coolDownLeftMs)} more after the last switch` : ''
  const due =
    recommended === current ? '' : `; ${isDue ? 'due' : 'not yet due'}: the same for ${seconds(stableForMs)}${rest}`
  const head = recommended === current ? `stay with ${current}` : `switch from ${current} to ${recommended}`
  const rows = conditions.map(({ figure, is, measured, threshold }) => {
    return [
      figure,
      String(Number(measured.toFixed(3))),
      is === 'at-least' ? '>=' : '<=',
      String(Number(threshold.toFixed(3))),
    ]
  })
  const figures = rows.length === 0 ? '' : table(['FIGURE', 'MEASURED', '', 'THRESHOLD'], rows)
  return `${printable(`${head}: ${because} (rule ${rule})${due}`)}\n${figures}`
}

function milliseconds(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= MAX_TIMEOUT_MS) return value
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${MAX_TIMEOUT_MS}.`)
}

function describe({ name, epoch, phase, links, history }: TopologyView): string {
  const head = printable(`${name}, epoch ${epoch}, ${phase}; ${links.length} links here`)
  const rows = links.map(({ peer, kind, channels, pinned }) => {
    return [peer, kindOf({ kind, pinned }), channels.join(' ')]
  })
  const past = history.map(({ epoch: after, from, to, outcome, reason }) => {
    const why = reason === null ? '' : ` (${reason})`
    return printable(`epoch ${after}: ${from} to ${to} ${outcome}${why}`)
  })
  return [
    head,
    '\n',
    links.length === 0 ? '' : table(['PEER', 'KIND', 'CHANNELS'], rows),
    ...past.map((line) => `${line}\n`),
  ].join('')
}

function tell({ outcome, epoch, from, to, durationMs, nodes, reason, plan }: SwitchReport): string {
  if (outcome === 'already-current') return printable(`the topology is ${to} already, epoch ${epoch}`).concat('\n')
  if (plan) {
    const figures = (['links', 'linksPerMember', 'hops'] as const).map((figure) => {
      return [figure, String(plan[figure].now), String(plan[figure].after)]
    })
    const risks = plan.risks.map((risk) => `risk: ${printable(risk)}\n`)
    const { linksToOpen, linksAtOnce, processorMs, memberMebibytes } = plan.cost
    const rows = [...figures, ['MiB per member', memberMebibytes.now.toFixed(1), memberMebibytes.after.toFixed(1)]]
    const cost = `opens at most ${linksToOpen} links, ${linksAtOnce} at once, for ${processorMs} ms of processor time\n`
    return [table(['', from, to], rows), cost, ...risks].join('')
  }
  const behind = nodes.filter(({ progress, adopted }) => progress !== 'verified' || !adopted)
  const rows = behind.map(({ name, progress, adopted }) => [name, progress, adopted ? 'adopted' : 'not heard since'])
  const why = reason === null ? '' : ` (${reason})`
  const head = printable(
    `${from} to ${to}: ${outcome}${why} after ${durationMs} ms, epoch ${epoch}, ${nodes.length} nodes`,
  )
  return [head, '\n', rows.length === 0 ? '' : table(['NODE', 'CAME TO', ''], rows)].join('')
}
