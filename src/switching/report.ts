// What a switch of the topology is asked for, and what is said of it afterwards: the JSON of `PUT /v1/topology`.

import type { EndedSwitch } from '../../consensus/index.ts'
import type { MemberReport } from '../../topology/index.ts'

/** What {@link NodeTopology.switch} takes beside the name. */
export interface SwitchOptions {
  /**
   * Milliseconds until the leader gives the switch up. Default 30,000; 1 to 600,000. The answer comes within a second
   * after that: where nobody could say by then how it ended, `ERR_TIMEOUT`.
   */
  readonly timeoutMs?: number
  /** Only say what the switch would mean. Default false. */
  readonly dryRun?: boolean
  /** Switch only from this topology: `ERR_TOPOLOGY_MISMATCH` when the cluster has another one. Default: from any. */
  readonly expectFrom?: string
  /** Ends the wait, not the switch: rejects with `ERR_ABORTED`. */
  readonly signal?: AbortSignal
}

/** How far one member came in a switch. */
export interface SwitchNodeReport {
  readonly name: string
  /**
   * `waiting`: it had not opened its new links. `struck`: it went down or left meanwhile. `refused`: it does not know
   * this topology, or is of an older version.
   */
  readonly progress: 'waiting' | 'prepared' | 'verified' | 'struck' | 'refused'
  /** Milliseconds from the beginning until it got there. */
  readonly afterMs: number
  /** It routes by what was decided. */
  readonly adopted: boolean
}

/** What a switch would mean, of a `dryRun`. */
export interface SwitchPlan {
  /** Links in the whole cluster: as the topology of now has them, and as the other would. */
  readonly links: { readonly now: number; readonly after: number }
  /** Links of the member that has most. */
  readonly linksPerMember: { readonly now: number; readonly after: number }
  /** Hops between the two members that are farthest apart, as expected. */
  readonly hops: { readonly now: number; readonly after: number }
  /** What the switch takes at most, and what it changes for good, reckoned as the adviser does (docs/topologies.md). */
  readonly cost: {
    /** Links that have to be opened. */
    readonly linksToOpen: number
    /** Links that the whole cluster holds until the old ones are closed. */
    readonly linksAtOnce: number
    /** Milliseconds of processor time that opening them takes, of all members together. */
    readonly processorMs: number
    /** Memory for links, of the member that has most. */
    readonly memberMebibytes: { readonly now: number; readonly after: number }
  }
  /** What could make the switch fail or hurt, as sentences. */
  readonly risks: readonly string[]
}

/** What became of a switch. */
export interface SwitchReport {
  /** The epoch of the cluster afterwards. */
  readonly epoch: number
  readonly from: string
  readonly to: string
  readonly outcome: 'committed' | 'aborted' | 'already-current' | 'planned'
  /** Milliseconds from the call to the report. */
  readonly durationMs: number
  /** The members that were required, as far as the reporting leader knows. */
  readonly nodes: readonly SwitchNodeReport[]
  /** Why it was aborted; null otherwise. `not-prepared`, `not-reached`, `unknown-topology` or `older-version`. */
  readonly reason: string | null
  /** Of `planned` only. */
  readonly plan?: SwitchPlan
}

/** The report of a switch that the log has ended. */
export function reportOf(
  past: Pick<EndedSwitch, 'epoch' | 'from' | 'to' | 'outcome' | 'reason'>,
  members: readonly MemberReport[],
  durationMs: number,
  nameOf: (id: string) => string,
): SwitchReport {
  const { epoch, from, to, outcome, reason } = past
  const nodes = members.map(({ member, progress, afterMs, hasAdopted }): SwitchNodeReport => {
    return { name: nameOf(member), progress, afterMs: Math.round(afterMs), adopted: hasAdopted }
  })
  return {
    epoch,
    from,
    to,
    outcome,
    durationMs: Math.round(durationMs),
    nodes: nodes.sort((a, b) => (a.name < b.name ? -1 : 1)),
    reason: reason === '' ? null : reason,
  }
}
