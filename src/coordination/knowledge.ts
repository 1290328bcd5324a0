// What this node knows of leadership and S5: from its own log when it is a voter, else from the cluster record, and
// then only while that is fresh. In a minority it knows no leader and no host, and says so.

import { type Configuration, isJoint, membersOf, type Role } from '../../consensus/index.ts'
import type { S5Phase } from '../node-interface.ts'
import type { ClusterRecordKeeper } from './cluster-record.ts'
import type { Voter } from './voter.ts'

export interface Knowledge {
  readonly role: Role | 'none'
  readonly term: number
  /** Ids here; names are the status's business. */
  readonly leader: string | undefined
  readonly commitIndex: number
  readonly quorum: boolean
  readonly voters: readonly string[]
  /** Hold the log and have no vote yet. */
  readonly learners: readonly string[]
  readonly s5: { readonly host: string | undefined; readonly phase: S5Phase; readonly token: number | undefined }
}

const noHost = { host: undefined, phase: 'inactive', token: undefined } as const

/** From a voter's own log. */
export function knowledgeOfVoter(voter: Voter, self: string): Knowledge {
  const { role, term, leader, commitIndex, configuration } = voter.view()
  const quorum = role === 'leader' ? voter.hasQuorum() : leader !== undefined
  return { role, term, leader, commitIndex, quorum, ...holdersOf(configuration), s5: s5OfVoter(voter, self) }
}

function s5OfVoter(voter: Voter, self: string): Knowledge['s5'] {
  const { role, term, leader } = voter.view()
  const record = voter.machine.singleton('s5')
  if (role === 'leader') {
    const phase = voter.phase()
    const isHosting = phase === 'active' && record !== undefined
    return isHosting ? { host: self, phase, token: record.token } : { host: undefined, phase, token: undefined }
  }
  if (leader === undefined) return noHost
  const isActive = record !== undefined && record.host === leader && record.term === term && !record.released
  if (!isActive) return { host: undefined, phase: record?.released ? 'inactive' : 'activating', token: undefined }
  return { host: leader, phase: 'active', token: record.token }
}

/** From the record alone; `voters`: as the disk remembers them, while no record has come. */
export function knowledgeOfRecord(keeper: ClusterRecordKeeper, voters: readonly string[], now: number): Knowledge {
  const { record } = keeper
  if (!record) {
    const nothing = { role: 'none', term: 0, leader: undefined, commitIndex: 0, quorum: false } as const
    return { ...nothing, voters, learners: [], s5: noHost }
  }
  const { term, index, s5 } = record
  const isFresh = keeper.isFresh(now)
  const isActive = isFresh && s5.active
  return {
    role: 'none',
    term,
    leader: isFresh && record.leader !== '' ? record.leader : undefined,
    commitIndex: index,
    quorum: isFresh && record.leader !== '',
    voters: idsOf(record.voters),
    learners: idsOf(record.learners),
    s5: isActive
      ? { host: s5.host, phase: 'active', token: s5.token }
      : { ...noHost, phase: isFresh ? 'activating' : 'inactive' },
  }
}

function idsOf(voters: readonly { readonly id: string }[]): readonly string[] {
  return voters.map(({ id }) => id)
}

/** While voters are being replaced the former ones still count: who is to vote learns until then. */
function holdersOf(configuration: Configuration): Pick<Knowledge, 'voters' | 'learners'> {
  const { outgoing } = configuration
  const voters = idsOf(isJoint(configuration) ? outgoing : configuration.voters)
  return { voters, learners: membersOf(configuration).filter((id) => !voters.includes(id)) }
}
