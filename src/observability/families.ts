// What a node's metrics are, as a table: name, help, labels, and how the values follow from what the node knows at that
// moment. Names and units by Prometheus' convention. States are one series each, 0 or 1, so that they can be counted
// over a cluster. What is counted over time is in `counted.ts`; the process's own metrics are in `process-metrics.ts`.

import type { Latencies, ObservedChannel } from './channel-families.ts'
import type { Sample } from './counted.ts'
import type { DistributionView } from './distribution.ts'

/** What metrics need of a node; a running node fits. */
export interface ObservedNode {
  status(): {
    readonly node: { readonly id: string; readonly name: string; readonly condition: string }
    readonly cluster: { readonly id: string | null; readonly name: string; readonly size: number }
    readonly topology: { readonly name: string; readonly epoch: number; readonly phase: string }
    readonly consensus: {
      readonly role: string
      readonly term: number
      readonly leader: string | null
      readonly commitIndex: number
      readonly quorum: boolean
      readonly voters: readonly string[]
    }
    readonly s5: { readonly phase: string; readonly fencingToken: number | null }
  }
  members(): readonly { readonly state: string; readonly condition: string }[]
  links(): readonly { readonly kind: string; readonly channels: readonly string[] }[]
  channel(name: string): { stats(): ObservedChannel }
}

/** What a node has measured beside what it knows. */
export interface Measures {
  counters(): Readonly<Record<string, number>>
  /** The last log entry that this node's machine has seen; undefined when it holds no log. */
  appliedIndex(): number | undefined
  /** Log flushes, in seconds. */
  flushes(): DistributionView
  /** Acknowledged messages and requests, in seconds, by channel. */
  latencies(): Latencies
}

/** All that one scrape is made of, asked once. */
export interface Observation {
  readonly status: ReturnType<ObservedNode['status']>
  readonly members: ReturnType<ObservedNode['members']>
  readonly links: ReturnType<ObservedNode['links']>
  readonly appliedIndex: number | undefined
}

export interface Family {
  readonly name: string
  readonly help: string
  /** Every value bears all of them. */
  readonly labels: readonly string[]
  readonly samples: (observed: Observation) => readonly Sample[]
}

/** Every state a member can be in. */
export const memberStates = ['alive', 'suspect', 'down', 'left'] as const
const conditions = ['ok', 'stalled', 'draining'] as const
const raftRoles = ['leader', 'candidate', 'pre-candidate', 'follower', 'learner', 'none'] as const
const s5Phases = ['inactive', 'activating', 'active', 'draining'] as const
const linkKinds = ['overlay', 'pinned', 'on-demand'] as const
export const channels = ['coordination', 'events', 'gossip', 'data'] as const

/** Every gauge that a node computes when it is scraped. */
export const families: readonly Family[] = [
  {
    name: 'trellis_node_info',
    help: 'Always 1: which node this is.',
    labels: ['name', 'id', 'cluster', 'cluster_id'],
    samples: ({ status: { node, cluster } }) => [
      { labels: { name: node.name, id: node.id, cluster: cluster.name, cluster_id: cluster.id ?? '' }, value: 1 },
    ],
  },
  {
    name: 'trellis_condition',
    help: 'The condition of this node: 1 for the one it is in.',
    labels: ['condition'],
    samples: ({ status }) => oneOf('condition', conditions, status.node.condition),
  },
  {
    name: 'trellis_members',
    help: 'Members that this node knows, itself included, by state and condition.',
    labels: ['state', 'condition'],
    samples: ({ members }) =>
      memberStates.flatMap((state) =>
        conditions.map((condition) => ({
          labels: { state, condition },
          value: members.filter((member) => member.state === state && member.condition === condition).length,
        })),
      ),
  },
  {
    name: 'trellis_cluster_size',
    help: 'Members that have not left: alive, suspect and down.',
    labels: [],
    samples: ({ status }) => one(status.cluster.size),
  },
  {
    name: 'trellis_links',
    help: 'Links of this node that are up, by kind and channel.',
    labels: ['kind', 'channel'],
    samples: ({ links }) =>
      linkKinds.flatMap((kind) =>
        channels.map((channel) => ({
          labels: { kind, channel },
          value: links.filter((link) => link.kind === kind && link.channels.includes(channel)).length,
        })),
      ),
  },
  {
    name: 'trellis_topology_info',
    help: 'Always 1: the overlay and the phase of its switch.',
    labels: ['name', 'phase'],
    samples: ({ status: { topology } }) => [{ labels: { name: topology.name, phase: topology.phase }, value: 1 }],
  },
  {
    name: 'trellis_topology_epoch',
    help: 'Epoch of the topology; each committed switch is one more.',
    labels: [],
    samples: ({ status }) => one(status.topology.epoch),
  },
  {
    name: 'trellis_raft_role',
    help: 'The role of this node in Raft: 1 for the one it has; none: it holds no log.',
    labels: ['role'],
    samples: ({ status }) => oneOf('role', raftRoles, status.consensus.role),
  },
  {
    name: 'trellis_raft_term',
    help: 'The Raft term, as this node knows it.',
    labels: [],
    samples: ({ status }) => one(status.consensus.term),
  },
  {
    name: 'trellis_raft_voters',
    help: 'Voters of the cluster, as this node knows them.',
    labels: [],
    samples: ({ status }) => one(status.consensus.voters.length),
  },
  {
    name: 'trellis_raft_has_leader',
    help: '1 while this node knows a leader.',
    labels: [],
    samples: ({ status }) => one(Number(status.consensus.leader !== null)),
  },
  {
    name: 'trellis_raft_has_quorum',
    help: '1 while a majority of the voters stands behind the leader, as far as this node knows.',
    labels: [],
    samples: ({ status }) => one(Number(status.consensus.quorum)),
  },
  {
    name: 'trellis_raft_commit_index',
    help: 'Index of the last committed log entry that this node knows of.',
    labels: [],
    samples: ({ status }) => one(status.consensus.commitIndex),
  },
  {
    name: 'trellis_raft_applied_index',
    help: 'Index of the last log entry that the machine of this voter has seen; absent on members without a log.',
    labels: [],
    samples: ({ appliedIndex }) => one(appliedIndex),
  },
  {
    name: 'trellis_s5_phase',
    help: 'The phase of S5, as this node knows it: 1 for the one it is in.',
    labels: ['phase'],
    samples: ({ status }) => oneOf('phase', s5Phases, status.s5.phase),
  },
  {
    name: 'trellis_s5_hosted',
    help: '1 while this node hosts S5 and its lease holds.',
    labels: [],
    samples: ({ status }) => one(Number(status.consensus.role === 'leader' && status.s5.phase === 'active')),
  },
  {
    name: 'trellis_s5_fencing_token',
    help: 'The fencing token of the active host of S5; absent while there is none.',
    labels: [],
    samples: ({ status }) => one(status.s5.fencingToken ?? undefined),
  },
]

function one(value: number | undefined): readonly Sample[] {
  return value === undefined ? [] : [{ labels: {}, value }]
}

function oneOf(label: string, all: readonly string[], current: string): readonly Sample[] {
  return all.map((state) => ({ labels: { [label]: state }, value: Number(state === current) }))
}
