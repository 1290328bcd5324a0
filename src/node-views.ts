// The views of a node: what `status()` and `members()` answer, made of what the node knows at this moment. Ids become
// names here and nowhere else.

import type { MemberRecord, SwimEvent } from '../topology/index.ts'
import type { Knowledge } from './coordination/knowledge.ts'
import type { Known } from './knowledge-events.ts'
import {
  incarnationNumber,
  type LinkView,
  type MemberChange,
  type MemberView,
  type NodeStatus,
} from './node-interface.ts'
import type { Self } from './self.ts'

export function memberView(record: MemberRecord): MemberView {
  const { id, name, address, state, condition, incarnation, roles, zone } = record
  return { id, name, address, state, condition, incarnation: incarnationNumber(incarnation), roles, zone }
}

export interface StatusFacts {
  readonly self: Self
  readonly condition: MemberRecord['condition']
  readonly clusterId: string | undefined
  readonly members: readonly MemberRecord[]
  readonly topology: NodeStatus['topology']
  /** Undefined before the node knows its cluster. */
  readonly knowledge: Knowledge | undefined
  readonly nameOf: (id: string) => string
}

export function nodeStatus(facts: StatusFacts): NodeStatus {
  const { self, condition, clusterId, members, topology, knowledge, nameOf } = facts
  const present = members.filter(({ state }) => state !== 'left')
  return {
    node: { id: self.id, name: self.name, address: self.address, roles: self.roles, condition },
    cluster: {
      id: clusterId ?? null,
      name: self.cluster,
      size: present.length,
      alive: present.filter(({ state }) => state === 'alive').length,
    },
    topology,
    ...agreementView(knowledge, nameOf),
  }
}

/** What a status says of leader and S5; it costs no look at the members. */
export function agreementView(
  knowledge: Knowledge | undefined,
  nameOf: (id: string) => string,
): Pick<NodeStatus, 'consensus' | 's5'> {
  const nameOrNull = (id: string | undefined): string | null => (id === undefined ? null : nameOf(id))
  const {
    role = 'none',
    term = 0,
    leader,
    commitIndex = 0,
    quorum = false,
    voters = [],
    learners = [],
    s5,
  } = knowledge ?? {}
  return {
    consensus: {
      ...{ role, term, leader: nameOrNull(leader), commitIndex, quorum },
      voters: voters.map(nameOf).sort(),
      learners: learners.map(nameOf).sort(),
    },
    s5: s5View(s5, nameOf),
  }
}

/** As much of that as events tell. */
export function knownOf(knowledge: Knowledge | undefined, nameOf: (id: string) => string): Known {
  const { leader, term = 0, s5 } = knowledge ?? {}
  return { leader: leader === undefined ? null : nameOf(leader), term, s5: s5View(s5, nameOf) }
}

function s5View(s5: Knowledge['s5'] | undefined, nameOf: (id: string) => string): NodeStatus['s5'] {
  const host = s5?.host === undefined ? null : nameOf(s5.host)
  return { host, phase: s5?.phase ?? 'inactive', fencingToken: s5?.token ?? null }
}

export interface LinkFacts {
  readonly self: string
  /** Ids at the other ends. */
  readonly peers: readonly string[]
  readonly voters: readonly string[]
  readonly kindOf: (id: string) => LinkView['kind']
  readonly nameOf: (id: string) => string
  /** The channels that are open to a peer, beside coordination. */
  readonly channelsOf?: (id: string) => readonly string[]
}

export function linkViews({ self, peers, voters, kindOf, nameOf, channelsOf }: LinkFacts): LinkView[] {
  return peers
    .map((id): LinkView => {
      const pinned = voters.includes(self) && voters.includes(id)
      return { peer: nameOf(id), kind: kindOf(id), channels: ['coordination', ...(channelsOf?.(id) ?? [])], pinned }
    })
    .sort((a, b) => (a.peer < b.peer ? -1 : 1))
}

export function memberChange(event: Extract<SwimEvent, { type: 'member' | 'forgotten' }>): MemberChange {
  if (event.type === 'forgotten') return { type: 'removed', member: memberView(event.member), previous: undefined }
  const member = memberView(event.after)
  return event.before
    ? { type: 'changed', member, previous: memberView(event.before) }
    : { type: 'added', member, previous: undefined }
}
