// What merging two clusters would do, decided from what their leaders say of themselves. Pure: the same two answers
// make the same plan.

import type { Dissolution, UserData } from '../../consensus/index.ts'
import { ClusterError, type MergeRefusal } from '../errors.ts'
import type { StoredPeer } from '../storage/node-storage.ts'
import type { MergePlan, MergeSide, MergingCluster } from './merge-interface.ts'

/** The longest gap between two logs that is filled with empty entries: some seconds of writing. */
export const MAX_EMPTY_ENTRIES = 100_000
/** The log that dissolves may still grow while the other one is lengthened. */
export const INDEX_MARGIN = 256

/** A cluster as its leader describes it. */
export interface ClusterSketch {
  readonly clusterId: string
  readonly index: number
  readonly data: UserData
  readonly dissolution: Dissolution | null
  /** All that have not left. */
  readonly members: readonly (StoredPeer & { readonly isAlive: boolean })[]
}

/** Throws `ERR_MERGE_REFUSED`. */
export function planMerge(ours: ClusterSketch, theirs: ClusterSketch, keep: MergeSide | undefined): MergePlan {
  const side = keep ?? sideOf(ours, theirs)
  if (side === undefined) throw refused('both-hold-data', 'both clusters hold data of users: say which one is kept')
  const [stays, dissolves] = side === 'ours' ? [ours, theirs] : [theirs, ours]
  const gone = stays.dissolution ?? (dissolves.dissolution?.into === stays.clusterId ? null : dissolves.dissolution)
  if (gone) throw refused('dissolved-elsewhere', `one of them has gone over to cluster ${gone.into}`)
  const names = dissolves.members.map(({ name }) => name).filter((name) => nameIn(stays, name, dissolves))
  if (names.length > 0) throw refused('names-in-common', `both have members called ${names.join(', ')}`, names)
  const emptyEntries = Math.max(0, dissolves.index + INDEX_MARGIN - stays.index)
  if (emptyEntries > MAX_EMPTY_ENTRIES)
    throw refused(
      'log-too-far-behind',
      `the log that stays ends ${emptyEntries} entries before the other: keep that one`,
    )
  return { keep: side, stays: describe(stays), dissolves: describe(dissolves), emptyEntries }
}

/** Nobody loses data unless it was said so. */
function sideOf(ours: ClusterSketch, theirs: ClusterSketch): MergeSide | undefined {
  // A merge that was begun is ended.
  if (theirs.dissolution?.into === ours.clusterId) return 'ours'
  if (ours.dissolution?.into === theirs.clusterId) return 'theirs'
  const [we, they] = [holdsData(ours), holdsData(theirs)]
  if (we !== they) return we ? 'ours' : 'theirs'
  if (we) return undefined
  return alive(theirs) > alive(ours) || (alive(theirs) === alive(ours) && theirs.index > ours.index) ? 'theirs' : 'ours'
}

function nameIn({ members }: ClusterSketch, name: string, other: ClusterSketch): boolean {
  const id = other.members.find((member) => member.name === name)?.id
  // Whoever has rejoined already has its name there.
  return members.some((member) => member.name === name && member.id !== id)
}

function holdsData({ data }: ClusterSketch): boolean {
  return Object.values(data).some((count) => count > 0)
}

function alive({ members }: ClusterSketch): number {
  return members.filter(({ isAlive }) => isAlive).length
}

function describe(sketch: ClusterSketch): MergingCluster {
  const { clusterId, members, data } = sketch
  return { id: clusterId, members: members.map(({ name }) => name).sort(), alive: alive(sketch), data }
}

export function refused(reason: MergeRefusal, why: string, names: readonly string[] = []): ClusterError {
  return new ClusterError('ERR_MERGE_REFUSED', `the clusters are not merged: ${why}`, { reason, names })
}
