// The numbers and records of Raft. Ongaro 2014, "Consensus: Bridging Theory and Practice" (the thesis), figure 3.1 and
// chapters 3, 4, 6, 9. Numbers that must not mix carry a weak brand: a literal fits, one kind does not fit the other.

declare const kind: unique symbol

/** A Raft term. Starts at 0, only grows, durable before anything leaves that depends on it. */
export type Term = number & { readonly [kind]?: 'term' }

/** Position in the log; the first entry is 1, 0 is "before the log". */
export type LogIndex = number & { readonly [kind]?: 'index' }

/** A voter's member id. */
export type VoterId = string

/** What a voter is: a member together with the log it votes with. The same member with another log has no vote. */
export interface Voter {
  readonly id: VoterId
  readonly storeId: string
}

/** One log entry. `command` undefined: a leader's own-term no-op (thesis section 6.4), opaque to the state machine. */
export interface Entry<Command> {
  readonly index: LogIndex
  readonly term: Term
  readonly command: Command | undefined
}

/** Durable before any message that depends on it leaves (figure 3.1, "persistent state"). */
export interface HardState {
  readonly term: Term
  readonly votedFor: VoterId | undefined
}

/** What a member starts from: what its disk held. */
export interface DurableState<Command> {
  readonly hardState: HardState
  /** Contiguous from index 1. (A snapshot's last index takes the place of 0 when snapshots arrive.) */
  readonly entries: readonly Entry<Command>[]
}

/** What a voter is at this moment. `pre-candidate` asks whether an election would be won, before any term changes. */
export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader'

/** Chance, injected: a float in [0, 1). */
export type Random = () => number
