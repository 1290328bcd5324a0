// What the liveness phase demands: when nothing is broken any more, a cluster becomes whole by itself. Everybody sees
// everybody alive and belongs to the one cluster, one voter leads and all voters know it, one node acts as S5 with the
// largest token ever held, and a command given after the faults is committed and applied by all voters.

import { check } from './failure.ts'
import { LATEST_LEVEL } from './levels.ts'
import type { SimulatedNode } from './node.ts'
import type { Oracle } from './oracle.ts'

/** What the cluster lacks to be whole, as the end of a sentence; undefined when it lacks nothing. */
export function whatIsMissing(
  nodes: readonly SimulatedNode[],
  oracle: Oracle,
  unserved: string | undefined,
): string | undefined {
  for (const node of nodes) {
    const missing = node.missingMembers()
    if (missing !== undefined) return missing
  }
  const voters = oracle.voterIds.map((id) => nodes.find((node) => node.id === id) as SimulatedNode)
  if (voters.length === 0) return 'no cluster has formed'
  const outside = nodes.find((node) => !node.belongsToCluster)
  if (outside !== undefined) return `${outside.id} belongs to no cluster`
  return (
    whatLeaderLacks(voters) ??
    whatVotersLack(voters) ??
    whatS5Lacks(nodes, oracle) ??
    whatServiceLacks(voters, oracle, unserved)
  )
}

function whatLeaderLacks(voters: readonly SimulatedNode[]): string | undefined {
  const leaders = voters.filter((voter) => voter.leadsTerm() !== undefined)
  const leader = leaders[0]
  if (leader === undefined || leaders.length > 1) return `${leaders.length} voters lead`
  const astray = voters.find((voter) => voter.knownLeader !== leader.id)
  return astray === undefined ? undefined : `${astray.id} follows ${astray.knownLeader}, not ${leader.id}`
}

/** No change of voters is left half done, and every voter votes with the log it has. */
function whatVotersLack(voters: readonly SimulatedNode[]): string | undefined {
  for (const voter of voters) {
    const { configuration } = voter
    if (configuration === undefined) return `${voter.id} holds no log`
    if (!voter.isConfigurationSettled || configuration.outgoing.length > 0)
      return `${voter.id} is in the midst of a change`
    const isNamed = configuration.voters.some(({ storeId }) => storeId === voter.storeId)
    if (!isNamed) return `${voter.id} is named as a voter with a log that it lost`
  }
  return undefined
}

function whatS5Lacks(nodes: readonly SimulatedNode[], oracle: Oracle): string | undefined {
  const hosts = nodes.filter((node) => node.s5Token() !== undefined)
  if (hosts.length !== 1) return `${hosts.length} nodes act as S5`
  return hosts[0]?.s5Token() === oracle.s5.largestToken ? undefined : 'S5 acts with an old token'
}

function whatServiceLacks(
  voters: readonly SimulatedNode[],
  oracle: Oracle,
  unserved: string | undefined,
): string | undefined {
  if (unserved !== undefined) return `nobody has served ${unserved}`
  const old = voters.find((voter) => voter.look()?.level !== LATEST_LEVEL)
  if (old !== undefined) return `${old.id} has agreed on level ${old.look()?.level}`
  const last = oracle.history.lastIndex
  const late = voters.find((voter) => voter.appliedIndex < last)
  if (late !== undefined) return `${late.id} has applied ${late.appliedIndex} of ${last} entries`
  const digests = new Set(voters.map((voter) => voter.machineDigest()))
  check(digests.size === 1, 'state-machine-safety', () => `voters that applied ${last} entries differ in their state`)
  return undefined
}
