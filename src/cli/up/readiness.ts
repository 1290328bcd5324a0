// When a cluster that was just started is ready: every node sees all alive, the voters are complete, and all agree on
// the leader and on the S5 it hosts. Pure: the same statuses give the same answer, and one that says what is still
// missing.

import type { NodeStatus } from '../../node-interface.ts'

/** What one node was last heard to say. */
export interface NodeReport {
  readonly name: string
  /** Undefined: it does not answer yet. */
  readonly status: NodeStatus | undefined
}

export type Readiness =
  | { readonly ready: true; readonly leader: string; readonly s5: string; readonly fencingToken: number }
  /** One sentence per node that is not ready. */
  | { readonly ready: false; readonly missing: readonly string[] }

/** At most so many vote, however many form the cluster. */
const maxVoters = 5

/**
 * The voters of a cluster formed by `founders` nodes: the largest odd number up to five; 0 founders, where an engine
 * decides: 0.
 */
export function fullVoters(founders: number): number {
  if (founders === 0) return 0
  return Math.min(maxVoters, founders % 2 === 1 ? founders : founders - 1) || 1
}

/**
 * `founders`: how many nodes first formed the cluster; it differs from the reports when a directory is used again. 0:
 * none votes, an engine decides.
 */
export function readiness(reports: readonly NodeReport[], founders: number): Readiness {
  const missing = reports.flatMap((report) => whyNotReady(report, reports.length, founders) ?? [])
  const minority = whyNoLeader(reports)
  if (minority !== undefined) missing.unshift(minority)
  const views = new Set(reports.map(({ status }) => JSON.stringify([status?.consensus.leader, status?.s5])))
  if (missing.length === 0 && views.size > 1) missing.push('the nodes do not agree yet on who leads and hosts S5')
  if (missing.length > 0) return { ready: false, missing }
  const { consensus, s5 } = reports[0]!.status!
  return { ready: true, leader: consensus.leader!, s5: s5.host!, fencingToken: s5.fencingToken! }
}

/**
 * A directory that is used again may know voters of whom too few run: no time helps then. Undefined: it is not known
 * that they are too few.
 */
function whyNoLeader(reports: readonly NodeReport[]): string | undefined {
  const consensus = reports.map(({ status }) => status?.consensus)
  // A voter that has no name here stands there as its id.
  const voters = consensus.find((each) => each && each.leader === null && each.voters.length > 0)?.voters ?? []
  if (consensus.some((each) => each?.leader) || voters.some((voter) => voter.startsWith('12D3KooW'))) return undefined
  const needed = Math.floor(voters.length / 2) + 1
  const absent = voters.filter((voter) => !reports.some(({ name }) => name === voter))
  const running = voters.length - absent.length
  if (voters.length === 0 || running >= needed) return undefined
  const numbers = voters.flatMap((voter) => /^node-(\d+)$/.exec(voter)?.[1] ?? []).map(Number)
  const enough = numbers.sort((one, other) => one - other)[needed - 1]
  const start =
    enough === undefined ? `start ${absent.join(', ')} with 'trellis node'` : `--nodes ${enough} starts enough`
  const counts = `${voters.length} voters, of which ${needed} must run to elect a leader, and ${running} ${running === 1 ? 'does' : 'do'}`
  return `the cluster has ${counts}: ${start}; if they are lost, 'trellis recover' founds a new one`
}

function whyNotReady({ name, status }: NodeReport, nodes: number, founders: number): string | undefined {
  if (status === undefined) return `${name} does not answer yet`
  const { cluster, consensus, s5 } = status
  if (cluster.id === null) return `${name} has not found its cluster yet`
  if (cluster.alive < nodes) return `${name} sees ${cluster.alive} of ${nodes} members alive`
  if (consensus.leader === null) return `${name} knows no leader`
  const voters = fullVoters(founders)
  if (consensus.voters.length < voters) return `${name} knows ${consensus.voters.length} of ${voters} voters`
  if (s5.phase !== 'active' || s5.host === null || s5.fencingToken === null) return `${name} sees S5 ${s5.phase}`
  return undefined
}
