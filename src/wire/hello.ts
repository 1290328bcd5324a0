// The four messages around a link: hello, accept, refuse, goodbye. A hello is read before any version is agreed on, so
// these four are the same in every version: fields are only ever added at the end of a body, and a reader ignores
// what follows the fields it knows.

import {
  bool,
  bytes,
  type Codec,
  choice,
  type Family,
  family,
  fixedBytes,
  list,
  optional,
  struct,
  text,
  u32,
  varint,
} from './codec.ts'
import {
  MAX_ADDRESS_BYTES,
  MAX_CLUSTER_NAME_BYTES,
  MAX_DETAIL_BYTES,
  MAX_EVIDENCE_BYTES,
  MAX_ID_BYTES,
  MAX_NAME_BYTES,
  MAX_REASON_BYTES,
  MAX_ROLE_BYTES,
  MAX_ROLES,
  MAX_STORE_ID_BYTES,
  MAX_TICKET_BYTES,
  MAX_ZONE_BYTES,
} from './limits.ts'
import { channelNumbers, frameNumbers } from './message-numbers.ts'

/** `TRLS`: the first four bytes of every hello's body. */
export const MAGIC = 0x54524c53
export const INSTANCE_BYTES = 8
export const PROOF_BYTES = 32

/** What each end says of itself, once, first. */
export interface Hello {
  readonly magic: number
  readonly versionMin: number
  readonly versionMax: number
  /** One bit for each optional ability. */
  readonly features: number
  readonly clusterName: string
  /** Empty while the node is in no cluster. */
  readonly clusterId: string
  /** Equals the id that the transport proved. */
  readonly id: string
  readonly name: string
  /** Durable, raised before the process sends its first byte. */
  readonly generation: number
  /** Random, of this process: two live copies of one identity differ in it. */
  readonly instance: Uint8Array
  /** `host:port` that others dial. */
  readonly address: string
  /** Empty when the node has no log. */
  readonly storeId: string
  /** The node knows no cluster; `expect` then says how many it wants to form one with (0: it only joins). */
  readonly fresh: boolean
  readonly expect: number
  readonly roles: readonly string[]
  readonly zone: string
  readonly channel: 'coordination' | 'events' | 'gossip' | 'data'
  /** Shown instead of a full handshake by further channels of an established link. Absent on `coordination`. */
  readonly ticket: Uint8Array | undefined
  /** HMAC that shows possession of the cluster secret in exactly this connection and role. */
  readonly proof: Uint8Array
  /**
   * What the member has signed of this life, as evidence for an earlier one that comes after it; unproven, for whom it
   * is shown tests it. A former release and further channels leave it out.
   */
  readonly evidence?: Uint8Array
}

/** Why a handshake ends without a link. A newer peer may say a word that is not in this list. */
export type RefuseCode =
  | 'bad-hello'
  | 'version-mismatch'
  | 'wrong-secret'
  | 'foreign-cluster'
  | 'self'
  | 'unexpected-peer'
  | 'rolled-back'
  | 'name-taken'
  | 'duplicate'
  | 'going-down'
  | 'no-ticket'

/** Why an established link is closed on purpose. A newer peer may say a word that is not in this list. */
export type GoodbyeReason = 'leaving' | 'stopping' | 'duplicate' | 'idle'

export type HelloMessage =
  /** Dialer first; the acceptor answers with its own once it has found the dialer's good. */
  | { readonly type: 'hello'; readonly hello: Hello }
  /**
   * Each end, once it has found the other's hello good. The link is up at an end that has sent and received one.
   * `wall`: the sender's wall clock, milliseconds since 1970, for people who compare clocks and never for decisions; a
   * former release leaves it out.
   */
  | { readonly type: 'accept'; readonly wall?: number }
  /**
   * Instead of `accept`, then the connection closes. `detail` is for the error's details, never for decisions.
   * `evidence`: with `rolled-back`, what the refused member itself has signed in the life that was seen
   * (`signed-record.ts`); a former release leaves it out.
   */
  | { readonly type: 'refuse'; readonly code: string; readonly detail: string; readonly evidence?: Uint8Array }
  /** On an established link: the close that follows is deliberate and evidence of nothing. */
  | { readonly type: 'goodbye'; readonly reason: string }

const helloFields = struct({
  magic: u32,
  versionMin: varint,
  versionMax: varint,
  features: u32,
  clusterName: text(MAX_CLUSTER_NAME_BYTES),
  clusterId: text(MAX_STORE_ID_BYTES),
  id: text(MAX_ID_BYTES),
  name: text(MAX_NAME_BYTES),
  generation: varint,
  instance: fixedBytes(INSTANCE_BYTES),
  address: text(MAX_ADDRESS_BYTES),
  storeId: text(MAX_STORE_ID_BYTES),
  fresh: bool,
  expect: varint,
  roles: list(text(MAX_ROLE_BYTES), MAX_ROLES),
  zone: text(MAX_ZONE_BYTES),
  channel: choice(channelNumbers),
  ticket: optional(bytes(MAX_TICKET_BYTES)),
  proof: fixedBytes(PROOF_BYTES),
})

const evidence = bytes(MAX_EVIDENCE_BYTES)

const hello: Codec<Hello> = {
  encode: (writer, value) => {
    helloFields.encode(writer, value)
    if (value.evidence !== undefined) evidence.encode(writer, value.evidence)
  },
  decode: (reader) => {
    const said = helloFields.decode(reader)
    return reader.remaining === 0 ? said : { ...said, evidence: evidence.decode(reader) }
  },
}

const accept: Codec<{ readonly wall?: number }> = {
  encode: (writer, { wall }) => {
    if (wall !== undefined) writer.varint(wall)
  },
  decode: (reader) => (reader.remaining === 0 ? {} : { wall: reader.varint() }),
}

const refusal = struct({ code: text(MAX_REASON_BYTES), detail: text(MAX_DETAIL_BYTES) })

const refuse: Codec<Omit<Extract<HelloMessage, { type: 'refuse' }>, 'type'>> = {
  encode: (writer, value) => {
    refusal.encode(writer, value)
    if (value.evidence !== undefined) evidence.encode(writer, value.evidence)
  },
  decode: (reader) => {
    const said = refusal.decode(reader)
    return reader.remaining === 0 ? said : { ...said, evidence: evidence.decode(reader) }
  },
}

export const helloFamily: Family<HelloMessage> = family(frameNumbers, {
  hello: struct({ hello }),
  accept,
  refuse,
  goodbye: struct({ reason: text(MAX_REASON_BYTES) }),
})
