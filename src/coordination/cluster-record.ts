// Keeps the cluster record (design rule 1): which cluster, who leads, who votes, which topology, who hosts S5. The
// leader makes it from what it applied; a higher index replaces a lower one, so it travels by any way in any order. A
// member without a log believes in its leader only while that is fresh.

import type { ClusterRecord } from '../wire/record.ts'

/** How often a leader whose lease holds repeats its record to members without a log. */
export const RECORD_BEAT_MS = 1_000

/** Without a beat for this long a member without a log no longer claims to know a leader: three beats missed. */
export const RECORD_FRESH_MS = 3 * RECORD_BEAT_MS

export class ClusterRecordKeeper {
  #record: ClusterRecord | undefined
  #heardAt = Number.NEGATIVE_INFINITY

  get record(): ClusterRecord | undefined {
    return this.#record
  }

  /** Keeps `record` if it is newer; true when it was. One of another cluster never is. */
  offer(record: ClusterRecord, now: number): boolean {
    const known = this.#record
    if (known && (known.clusterId !== record.clusterId || !isNewer(record, known))) return false
    this.#record = record
    // An old truth retold is not freshness; only what was new to us is.
    if (record.leader !== '') this.#heardAt = now
    return true
  }

  /** When there was last news of a leader. */
  get heardAt(): number {
    return this.#heardAt
  }

  /** True while a leader with a lease has been heard of lately. */
  isFresh(now: number): boolean {
    return now - this.#heardAt <= RECORD_FRESH_MS
  }
}

function isNewer(record: ClusterRecord, known: ClusterRecord): boolean {
  if (record.index !== known.index) return record.index > known.index
  if (record.term !== known.term) return record.term > known.term
  return record.beat > known.beat
}
