// `trellis status`: the cluster as one node knows it. With `--json` exactly the answer of `GET /v1/status`.

import type { Command } from 'commander'
import type { NodeStatus } from '../../node-interface.ts'
import { askFor } from '../admin-client.ts'
import { addClientFlags, type ClientFlags, clientOptions } from '../client-flags.ts'
import type { CommandContext } from '../context.ts'
import { printable } from '../output.ts'

const statusFields = ['node', 'cluster', 'topology', 'consensus', 's5'] as const

const examples = `
Examples:
  trellis status
  trellis status --admin http://127.0.0.1:7503 --json`

export function addStatus(program: Command, context: CommandContext): void {
  addClientFlags(program.command('status').description('show the cluster as one node knows it'))
    .addHelpText('after', examples)
    .action(async (flags: ClientFlags) => {
      const status = await askFor<NodeStatus>(statusFields, '/v1/status', clientOptions(flags, context))
      context.out(flags.json ? `${JSON.stringify(status)}\n` : describe(status))
    })
}

function describe({ node, cluster, topology, consensus, s5 }: NodeStatus): string {
  const leader = consensus.leader === null ? 'no leader is known' : `led by ${consensus.leader}`
  const token = s5.fencingToken === null ? '' : `, fencing token ${s5.fencingToken}`
  const lines: [string, string][] = [
    [
      'node',
      `${node.name} at ${node.address}, ${node.condition}${node.roles.length > 0 ? `, ${node.roles.join(', ')}` : ''}`,
    ],
    ['cluster', `${cluster.name}: ${cluster.alive} of ${cluster.size} members alive`],
    ['topology', `${topology.name}, epoch ${topology.epoch}, ${topology.phase}`],
    [
      'consensus',
      `${leader}, term ${consensus.term}, commit index ${consensus.commitIndex}, ${consensus.quorum ? 'quorum' : 'no quorum'}`,
    ],
    [
      'voters',
      `${consensus.voters.join(', ')} (this node: ${consensus.role === 'none' ? 'no voter' : consensus.role})`,
    ],
    ['s5', `${s5.phase}${s5.host === null ? '' : ` on ${s5.host}`}${token}`],
  ]
  return lines.map(([head, text]) => `${head.padEnd(10)} ${printable(text)}\n`).join('')
}
