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

/**
 * Who votes and who only listens (thesis chapter 4). In force on a member from the moment it is in its log, committed
 * or not. Joint while `outgoing` is not empty: then every decision needs a majority of `voters` and one of `outgoing`
 * (section 4.3).
 */
export interface Configuration {
  readonly voters: readonly Voter[]
  /** The voters that are being replaced; empty unless the configuration is joint. */
  readonly outgoing: readonly Voter[]
  /** Hold the log and have no vote: candidates for promotion (section 4.2.1). */
  readonly learners: readonly Voter[]
}

/**
 * One log entry. `command` undefined: a leader's own-term no-op (thesis section 6.4), opaque to the state machine, or,
 * with `configuration`, a change of voters and learners, which the core acts on by itself.
 */
export interface Entry<Command> {
  readonly index: LogIndex
  readonly term: Term
  readonly command: Command | undefined
  readonly configuration?: Configuration
}

/** A place in the log: index and term of an entry; 0 and 0 before the first. */
export interface LogEnd {
  readonly index: LogIndex
  readonly term: Term
}

/**
 * What stands for the log up to an entry (thesis section 5.1): the machine's state behind it, as bytes that only the
 * driver reads, and the configuration that was in force there.
 */
export interface Snapshot extends LogEnd {
  readonly configuration: Configuration
  /** Equal ids have equal bytes, so that a transfer which broke off can go on. The driver gives it. */
  readonly id: string
  /** Bytes of the machine's state. */
  readonly size: number
}

/** Durable before any message that depends on it leaves (figure 3.1, "persistent state"). */
export interface HardState {
  readonly term: Term
  readonly votedFor: VoterId | undefined
}

/** What a member starts from: what its disk held. */
export interface DurableState<Command> {
  readonly hardState: HardState
  /** Contiguous, the first directly behind `base`. */
  readonly entries: readonly Entry<Command>[]
  /** The last entry that was removed from the log. Default: none was. Needs a `snapshot` that covers it. */
  readonly base?: LogEnd
  /**
   * The latest snapshot; the driver's machine stands where it was taken. It may lie ahead of the log: then it replaces
   * it.
   */
  readonly snapshot?: Snapshot
}

/** What a voter is at this moment. `pre-candidate` asks whether an election would be won, before any term changes. */
export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader'

/** Chance, injected: a float in [0, 1). */
export type Random = () => number
