// The cluster record: what every member knows of its cluster without holding the log (docs/guarantees.md, "cluster
// record"). The leader broadcasts it; among several the one with the highest index wins.

import { bool, type Codec, list, struct, text, varint } from './codec.ts'
import { MAX_ID_BYTES, MAX_LABEL_BYTES, MAX_LEARNERS, MAX_STORE_ID_BYTES, MAX_VOTERS } from './limits.ts'

export interface ClusterRecord {
  readonly clusterId: string
  /** The applied log index it speaks of. */
  readonly index: number
  readonly term: number
  /** Empty when the sender knows none. */
  readonly leader: string
  /**
   * As of the last configuration that was settled: no member takes itself for removed because of one that comes to
   * nothing.
   */
  readonly voters: readonly { readonly id: string; readonly storeId: string }[]
  /** Who holds the log without a vote, until promoted. */
  readonly learners: readonly { readonly id: string; readonly storeId: string }[]
  readonly topology: { readonly name: string; readonly epoch: number }
  /** `host` empty and `token` 0: never activated. `active`: the host's lease held when this was sent. */
  readonly s5: { readonly host: string; readonly token: number; readonly active: boolean }
  /**
   * Raised with every broadcast within (`term`, `index`), so that a newer beat of the same record is told from an echo.
   */
  readonly beat: number
}

const id = text(MAX_ID_BYTES)

const voter = struct({ id, storeId: text(MAX_STORE_ID_BYTES) })

export const clusterRecord: Codec<ClusterRecord> = struct({
  clusterId: text(MAX_STORE_ID_BYTES),
  index: varint,
  term: varint,
  leader: id,
  voters: list(voter, MAX_VOTERS),
  learners: list(voter, MAX_LEARNERS),
  topology: struct({ name: text(MAX_LABEL_BYTES), epoch: varint }),
  s5: struct({ host: id, token: varint, active: bool }),
  beat: varint,
})
