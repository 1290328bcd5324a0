// `trellis merge`: makes one cluster of two that formed separately. With --dry-run it only says what would happen.

import { type Command, Option } from 'commander'
import type { MergePlan, MergeReport, MergingCluster } from '../../merging/merge-interface.ts'
import { askFor } from '../admin-client.ts'
import { addClientFlags, type ClientFlags, clientOptions } from '../client-flags.ts'
import type { CommandContext } from '../context.ts'
import { AnsweredNo } from '../failure.ts'
import { printable } from '../output.ts'
import { memberAddress } from './argument-values.ts'

interface MergeFlags extends ClientFlags {
  readonly keep?: 'ours' | 'theirs'
  readonly dryRun?: boolean
}

/** As long as the node waits for those who rejoin, and for its answer on top. */
const timeoutMs = 90_000

const examples = `
ADDRESS is the cluster port of any member of the other cluster, as in --join. The cluster that holds data of users stays; if neither does, the larger
one. When both do, say which one's are dropped, and take a backup of them first: trellis backup. A merge that was interrupted is ended by
the same command.

Examples:
  trellis merge 10.0.0.7:7400 --dry-run
  trellis merge 10.0.0.7:7400
  trellis merge 10.0.0.7:7400 --keep ours --admin http://127.0.0.1:7502`

export function addMerge(program: Command, context: CommandContext): void {
  addClientFlags(program.command('merge').description('make one cluster of two that formed separately'))
    .argument('<ADDRESS>', 'cluster port of a member of the other one', memberAddress)
    .addOption(
      new Option('--keep <side>', 'which cluster stays: that of the node asked, or the other').choices([
        'ours',
        'theirs',
      ]),
    )
    .option('--dry-run', 'say what would happen, change nothing')
    .addHelpText('after', examples)
    .action(async (address: string, flags: MergeFlags) => {
      const { keep, dryRun = false } = flags
      const body = { with: address, dryRun, ...(keep ? { keep } : {}) }
      const options = { ...clientOptions(flags, context), timeoutMs }
      const report = await askFor<MergeReport>(['outcome'], '/v1/merge', options, { method: 'POST', body })
      context.out(flags.json ? `${JSON.stringify(report)}\n` : describe(report))
      if (report.waiting.length > 0) throw new AnsweredNo()
    })
}

function describe({ outcome, plan, rejoined, waiting, durationMs }: MergeReport): string {
  if (outcome === 'already-merged') return 'they are one cluster already\n'
  const lines = plan ? describePlan(plan) : ''
  if (outcome === 'planned') return `${lines}nothing was changed\n`
  if (outcome === 'moving') return `${lines}the node asked goes over itself: trellis status shows when it is there\n`
  const missing = waiting.length === 0 ? '' : `, not yet: ${waiting.map(printable).join(', ')}`
  return `${lines}rejoined in ${durationMs} ms: ${rejoined.map(printable).join(', ') || 'nobody'}${missing}\n`
}

function describePlan({ keep, stays, dissolves, emptyEntries }: MergePlan): string {
  const whose = keep === 'ours' ? 'of the node asked' : 'the other one'
  const lengthened = emptyEntries === 0 ? '' : `, its log ${emptyEntries} empty entries longer`
  return [
    `stays      ${stays.id} (${whose}): ${contents(stays)}${lengthened}\n`,
    `dissolves  ${dissolves.id}: ${contents(dissolves)}, dropped\n`,
    `rejoin     ${dissolves.members.map(printable).join(', ')}\n`,
  ].join('')
}

function contents({ members, alive, data }: MergingCluster): string {
  const { keys, claims, counters, decisions } = data
  const parts = { keys, claims, counters, decisions }
  const held = Object.entries(parts).filter(([, count]) => count > 0)
  const said = held.map(([what, count]) => `${count} ${what}`).join(', ') || 'no data of users'
  return `${alive} of ${members.length} members alive, ${said}`
}
