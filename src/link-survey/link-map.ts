// What a survey of the cluster's links answers, and how the part of each member is read: it comes from another process,
// possibly another release, possibly broken.

import { ClusterError, type ErrorCode } from '../errors.ts'
import type { LinkView } from '../node-interface.ts'

/** One link between two members, told by at least one of them. */
export interface MappedLink {
  /** Names, in the order of the alphabet. */
  readonly ends: readonly [string, string]
  /** The stronger reason of the two ends: `overlay`, then `pinned`, then `on-demand`. */
  readonly kind: LinkView['kind']
  readonly pinned: boolean
}

/** `GET /v1/topology/links`. */
export interface LinkMap {
  /** By the names of their ends. */
  readonly links: readonly MappedLink[]
  /** Names of the members that told their links, this one included: what neither end tells is not known. */
  readonly told: readonly string[]
  readonly unanswered: readonly { readonly name: string; readonly problem: ErrorCode }[]
  /** How many members were left out, because the links of all would be too many. */
  readonly notAsked: number
}

/** A member's links as they travel: name of the other end, place of the kind in `kinds`, 1 when pinned. */
export type Told = readonly (readonly [string, number, number])[]

const kinds: readonly LinkView['kind'][] = ['overlay', 'pinned', 'on-demand']

/** Of one member; above the largest cluster that the design speaks of. */
export const MAX_TOLD = 1_000

export function tell(links: readonly LinkView[]): Told {
  return links.slice(0, MAX_TOLD).map(({ peer, kind, pinned }) => [peer, kinds.indexOf(kind), Number(pinned)])
}

/** Leaves out what is no link. Throws `ERR_HANDLER_FAILED` for what is no answer at all. */
export function heard(value: unknown, member: string, subject: string): Told {
  if (!Array.isArray(value)) {
    const details = { member, subject, reason: 'the answer makes no sense' }
    throw new ClusterError('ERR_HANDLER_FAILED', `${member} answered what makes no sense`, details)
  }
  return value
    .slice(0, MAX_TOLD)
    .filter((entry) => Array.isArray(entry) && typeof entry[0] === 'string' && kinds[entry[1]] !== undefined)
}

/** `told`: by the name of the member that told it. */
export function merge(told: ReadonlyMap<string, Told>): readonly MappedLink[] {
  const merged = new Map<string, { ends: readonly [string, string]; rank: number; pinned: boolean }>()
  for (const [name, links] of told) {
    for (const [peer, rank, pinned] of links) {
      const ends = name < peer ? ([name, peer] as const) : ([peer, name] as const)
      const key = ends.join(' ')
      const known = merged.get(key)
      merged.set(key, {
        ends,
        rank: Math.min(rank, known?.rank ?? rank),
        pinned: pinned === 1 || known?.pinned === true,
      })
    }
  }
  const keys = [...merged.keys()].sort()
  return keys.map((key) => {
    const { ends, rank, pinned } = merged.get(key)!
    return { ends, kind: kinds[rank]!, pinned }
  })
}
