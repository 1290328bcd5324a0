// What `trellis doctor --admin URL` says of a node that runs: how it stands in its cluster, as it tells itself.

import { ClusterError } from '../../errors.ts'
import type { NodeStatus } from '../../node-interface.ts'
import { type AdminClientOptions, askAdmin } from '../admin-client.ts'
import { RemoteError } from '../failure.ts'
import type { Finding } from './finding.ts'

/** One finding for the members, one for the agreement among voters, one for S5. */
export function examine({ node, cluster, consensus, s5 }: NodeStatus): readonly Finding[] {
  const { alive, size } = cluster
  const { leader, quorum, term } = consensus
  const members = `${alive} of ${size} members alive, as ${node.name} knows`
  return [
    alive === size
      ? { check: 'members', level: 'ok', text: members }
      : { check: 'members', level: 'warning', text: members, advice: "'trellis members' says who, 'trellis why' why" },
    leader !== null && quorum
      ? { check: 'quorum', level: 'ok', text: `${leader} leads in term ${term}` }
      : { check: 'quorum', level: 'problem', text: 'no leader with a majority is known', code: 'ERR_NO_QUORUM' },
    s5.phase === 'active'
      ? { check: 's5', level: 'ok', text: `active on ${s5.host}` }
      : { check: 's5', level: 'warning', text: s5.phase },
  ]
}

/** {@link examine} of the node that answers there; nothing when none does, or one that wants another token. */
export async function examineIfAny(admin: AdminClientOptions): Promise<readonly Finding[]> {
  try {
    const status = (await askAdmin('/v1/status', admin)) as Partial<NodeStatus>
    const { node, cluster, consensus, s5 } = status
    return node && cluster && consensus && s5 ? examine(status as NodeStatus) : []
  } catch (error) {
    if (error instanceof ClusterError || error instanceof RemoteError) return []
    throw error
  }
}
