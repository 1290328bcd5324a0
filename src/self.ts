// What a node is, fixed for its life, and the two forms in which it says so: the hello of a handshake and its own
// record.

import type { MemberRecord } from '../topology/index.ts'
import { ClusterError } from './errors.ts'
import type { LocalHello } from './wire/handshake.ts'
import type { RecordSigner } from './wire/signed-record.ts'

export interface Self {
  readonly id: string
  readonly name: string
  readonly cluster: string
  /** What keeps what the cluster agrees on; undefined: the members' own log. */
  readonly engine?: string | undefined
  readonly generation: number
  /** Random, of this process. */
  readonly instance: Uint8Array
  /** The log it votes or would vote with. */
  readonly storeId: string
  /** `host:port` that others dial. */
  readonly address: string
  /** Where its liveness worker answers; undefined: it has none. */
  readonly liveness?: { readonly host: string; readonly port: number } | undefined
  readonly roles: readonly string[]
  readonly zone: string
}

/**
 * Between members: nodes that keep what they agree on in different places would have one S5 each, so they are of
 * different clusters.
 */
export function clusterNameOf(cluster: string, engine: string | undefined): string {
  return engine === undefined ? cluster : `${cluster}/${engine}`
}

/**
 * `clusterId` undefined: it knows no cluster yet; `expect` then says how many it wants to form one with. `signer`: a
 * peer is shown at once that this life has begun, for it may end before its record comes.
 */
export function helloOf(
  self: Self,
  clusterId: string | undefined,
  expect: number | undefined,
  signer?: RecordSigner,
): LocalHello {
  const { cluster, engine, liveness: _, ...rest } = self
  const isFresh = clusterId === undefined
  return {
    ...rest,
    clusterName: clusterNameOf(cluster, engine),
    clusterId: clusterId ?? '',
    fresh: isFresh,
    expect: isFresh ? (expect ?? 0) : 0,
    channel: 'coordination',
    ticket: undefined,
    ...(signer ? { evidence: signer.evidenceOfLife(recordOf(self)) } : {}),
  }
}

/** As it begins: alive, in its new generation. */
export function recordOf(self: Self): MemberRecord {
  const { id, name, address, roles, zone, generation } = self
  const incarnation = { generation, refutation: 0 }
  return {
    id,
    name,
    address,
    roles,
    zone,
    livenessPort: self.liveness?.port ?? 0,
    incarnation,
    state: 'alive',
    condition: 'ok',
  }
}

/** Another member goes by this node's name: the log says which of the two may. */
export function isNamesake(self: Self, { id, name, state }: MemberRecord): boolean {
  return name === self.name && id !== self.id && state === 'alive'
}

export function nameTaken(name: string, holder: string): ClusterError {
  return new ClusterError('ERR_NAME_TAKEN', `the name '${name}' belongs to another member, ${holder}`, { name, holder })
}

export function rolledBack({ id, generation }: Self, seen: number): ClusterError {
  const message = `generation ${generation} of this node is not above ${seen}, which its cluster has seen: its data was copied or rolled back`
  return new ClusterError('ERR_DATA_ROLLED_BACK', message, { id, generation, seen })
}
