// The few words that every protocol in this folder shares. They are structural: the runtime's own objects fit without
// importing anything from here, and nothing here knows a socket, a clock or a disk.

/** A member's id: the libp2p PeerId of its key, as text. Opaque here; compared with `<`, never with a locale. */
export type MemberId = string

/**
 * Which life of a member a statement is about. `generation` is durable and raised at every start of the process;
 * `refutation` is raised by the member itself, within one life, each time it says something new about itself.
 * Invariant: only the member raises its own numbers; everyone else only repeats them.
 */
export interface Incarnation {
  readonly generation: number
  readonly refutation: number
}

/** The cluster's view of a member. Ordered for the merge rule: a later one wins within one incarnation. */
export type MemberState = 'alive' | 'suspect' | 'down' | 'left'

/** What a member says of itself (`ok`, `draining`), or what its prober learned from its liveness worker (`stalled`). */
export type Condition = 'ok' | 'draining' | 'stalled'

/**
 * One member, as it is spread through the cluster. `state` and `condition` may be said by others, the rest is its own;
 * so is that it has left.
 */
export interface MemberRecord {
  readonly id: MemberId
  readonly name: string
  /** `host:port` that others dial. */
  readonly address: string
  readonly roles: readonly string[]
  readonly zone: string
  /** UDP port of the liveness worker; 0: it has none, so plain suspicion rules. */
  readonly livenessPort: number
  readonly incarnation: Incarnation
  readonly state: MemberState
  readonly condition: Condition
  /**
   * What shows that the member itself said what is its own in this record, in this incarnation. Opaque here: whoever
   * made the core knows how it is made and tested (`swim/signatures.ts`). Absent: of a member that signs nothing.
   */
  readonly signature?: string
}

/** Chance, injected: a float in [0, 1). The only source of randomness a core may use. */
export type Random = () => number
