// The shape of the consensus core: inputs in, effects out; see `topology/core.ts` for the same idea. What differs is
// the disk: the core says what must be durable (`persist`), is told when it is (`persisted`), and holds back until then
// whatever must not leave before. So no driver can send too early. (etcd-io/raft calls this asynchronous storage
// writes.)

import type { RaftMessage } from './messages.ts'
import type {
  Configuration,
  Entry,
  HardState,
  LogEnd,
  LogIndex,
  Role,
  Snapshot,
  Term,
  Voter,
  VoterId,
} from './types.ts'

/** A command and the driver's number for it. */
export interface Proposal<Command> {
  readonly proposal: number
  readonly command: Command
}

export type Input<Command> =
  /**
   * `storeId`: the log the sender votes with, as its link has proved it. The same member with another log is another
   * voter.
   */
  | {
      readonly type: 'message'
      readonly from: VoterId
      readonly storeId: string
      readonly message: RaftMessage<Command>
    }
  | { readonly type: 'timer'; readonly timer: RaftTimer }
  /** A client's command. `proposal` is the driver's own number; it comes back in `accepted` or `reject`. */
  | ({ readonly type: 'propose' } & Proposal<Command>)
  /** Several, in this order: one write and one message to each follower carry them. */
  | { readonly type: 'propose-all'; readonly proposals: readonly Proposal<Command>[] }
  /** Everything of this `persist` and of all before it survives a crash from now on. */
  | { readonly type: 'persisted'; readonly ticket: number }
  /**
   * The connection to a voter closed. `evidence`: its port refuses, or it said goodbye; then a follower whose leader it
   * was need not be patient. Evidence only shortens this voter's own wait; everyone else judges for itself.
   */
  | { readonly type: 'disconnected'; readonly peer: VoterId; readonly evidence: boolean }
  /** A link to a voter came up: a leader sends at once instead of waiting for the next heartbeat. */
  | { readonly type: 'connected'; readonly peer: VoterId }
  /**
   * The process did not run for `ms` (SIGSTOP, suspend, a blocked loop). Arrives before any timer or message after it.
   * `suspendedMs`: the part that `now` has not counted, because the machine was suspended; not said: perhaps all of it.
   */
  | { readonly type: 'away'; readonly ms: number; readonly suspendedMs?: number }
  /** Give up leadership now, for a graceful stop: no heartbeat follows, the others elect when told goodbye. */
  | { readonly type: 'resign' }
  /**
   * Replace voters and learners (section 4.3). Answered like `propose`; `accepted` names the entry of the joint
   * configuration, or of the new one when no voter changes. It is done when `configuration` is emitted for it, settled.
   */
  | { readonly type: 'reconfigure'; readonly proposal: number; readonly change: Reconfiguration }
  /**
   * Hand leadership to `to`, or, undefined, to the voter with the longest log (section 3.10). Until it ends proposals
   * are rejected as `transferring`. Answered with `transferred`, or with `reject` when it did not happen within an
   * election timeout.
   */
  | { readonly type: 'transfer'; readonly proposal: number; readonly to: VoterId | undefined }
  /**
   * A linearizable read, at a leader or a follower (section 6.4). `read` is the driver's own number; it comes back in
   * `readable`, or in `unreadable`; then a new attempt is a new read.
   */
  | { readonly type: 'read'; readonly read: number }
  /** An `apply` had more behind it: hand over the next ones. */
  | { readonly type: 'apply-due' }
  /** The log has become large, whatever the number of its entries: capture the machine as soon as may be. */
  | { readonly type: 'capture-due' }
  /** The state captured at `index` is durable as the latest snapshot. */
  | { readonly type: 'captured'; readonly index: LogIndex; readonly id: string; readonly size: number }
  /** What `fetch-chunk` asked for. */
  | {
      readonly type: 'chunk'
      readonly to: VoterId
      readonly id: string
      readonly offset: number
      readonly bytes: Uint8Array
    }
  /**
   * Of the snapshot that arrives, everything before `offset` is stored. At its size: all of it is durable, its bytes
   * are in order, and it is the latest snapshot. An `offset` of 0: it was damaged and is thrown away.
   */
  | { readonly type: 'chunk-stored'; readonly id: string; readonly offset: number }

/**
 * The voters and learners there shall be. No voter is new that was not a learner and has caught up, unless it replaces
 * its own lost log.
 */
export interface Reconfiguration {
  readonly voters: readonly Voter[]
  readonly learners: readonly Voter[]
}

/** The core's timers by name. A timer set again under its name is moved. */
export type RaftTimer = 'election' | 'heartbeat' | 'check-quorum' | 'transfer' | 'read' | 'spares'

export type Effect<Command> =
  | { readonly type: 'send'; readonly to: VoterId; readonly message: RaftMessage<Command> }
  | { readonly type: 'set-timer'; readonly timer: RaftTimer; readonly at: number }
  | { readonly type: 'clear-timer'; readonly timer: RaftTimer }
  /**
   * Make durable, in order of tickets. `base`, when there is one: first all entries go, and the next one stands behind
   * it (a snapshot took their place). `entries` replace everything from `entries[0].index` on. The driver may group
   * several tickets under one flush and answers with the highest.
   */
  | {
      readonly type: 'persist'
      readonly ticket: number
      readonly hardState: HardState | undefined
      readonly base: LogEnd | undefined
      readonly entries: readonly Entry<Command>[]
    }
  /**
   * Committed, in order, each exactly once: give to the state machine. `hasMore`: there are more than one step hands
   * over; the driver gives `apply-due` when it has let others have their turn.
   */
  | { readonly type: 'apply'; readonly entries: readonly Entry<Command>[]; readonly hasMore: boolean }
  /**
   * The proposal is in this leader's log at (`index`, `term`). It is done when the entry applied at `index` has that
   * term, lost when another has.
   */
  | { readonly type: 'accepted'; readonly proposal: number; readonly index: LogIndex; readonly term: Term }
  /** The proposal was not appended, so it has not happened and never will. */
  | {
      readonly type: 'reject'
      readonly proposal: number
      readonly code: RejectCode
      readonly leader: VoterId | undefined
    }
  /**
   * Whoever reads the machine now sees all that was acknowledged before `read` was asked. It follows what it needs
   * applied.
   */
  | { readonly type: 'readable'; readonly read: number; readonly index: LogIndex }
  /** The read cannot be served, or not in time. A new attempt is a new read. */
  | {
      readonly type: 'unreadable'
      readonly read: number
      readonly code: RejectCode
      readonly leader: VoterId | undefined
    }
  /** The transfer that `proposal` asked for has made `to` the leader. */
  | { readonly type: 'transferred'; readonly proposal: number; readonly to: VoterId }
  /**
   * Capture the machine, which stands right behind the entry at `index`, now; store it, and answer `captured` when it
   * is durable as the latest snapshot. At most one is under way.
   */
  | { readonly type: 'capture'; readonly index: LogIndex; readonly term: Term; readonly configuration: Configuration }
  /** Entries up to `through` may go from the disk, now or later: the latest durable snapshot stands for them. */
  | { readonly type: 'compact'; readonly through: LogEnd }
  /**
   * Read bytes of the latest snapshot for `to`, at most `length`, and answer with `chunk`. One that is gone needs no
   * answer.
   */
  | {
      readonly type: 'fetch-chunk'
      readonly to: VoterId
      readonly id: string
      readonly offset: number
      readonly length: number
    }
  /**
   * Store bytes of a snapshot that arrives, from `offset` on (0: begin anew, an unfinished other one goes), and answer
   * `chunk-stored`.
   */
  | {
      readonly type: 'store-chunk'
      readonly snapshot: Snapshot
      readonly offset: number
      readonly bytes: Uint8Array
    }
  /** Put the state of this snapshot, which is durable, in the place of the machine's. */
  | { readonly type: 'restore'; readonly snapshot: Snapshot }
  | { readonly type: 'emit'; readonly event: RaftEvent }

/**
 * Nothing that was rejected has happened or will. `not-leader`: try the leader named beside it. `busy`: more is under
 * way than a bound allows. `transferring`: leadership is being handed over; ask again in a moment. `unsettled`: this
 * leader has not committed an entry of its own term yet. `in-progress`: another change of voters, or another transfer,
 * is under way. `not-caught-up`: a new voter, or the next leader, lacks entries. `invalid`: no such voter, or voters
 * named twice, or none. `timed-out`: a transfer or a read was not answered in time.
 */
export type RejectCode =
  | 'not-leader'
  | 'busy'
  | 'transferring'
  | 'unsettled'
  | 'in-progress'
  | 'not-caught-up'
  | 'invalid'
  | 'timed-out'

export type RaftEvent =
  /** Role, term or known leader changed. `leader` is undefined while none is heard. */
  | {
      readonly type: 'role'
      readonly role: Role
      readonly term: Term
      readonly leader: VoterId | undefined
      readonly reason: string
    }
  /**
   * Another configuration is in force here, or the one in force was committed: then it is `settled`, and final unless
   * joint.
   */
  | {
      readonly type: 'configuration'
      readonly index: LogIndex
      readonly configuration: Configuration
      readonly settled: boolean
    }
  /** A message that could not be accepted was dropped; counted by reason. */
  | { readonly type: 'dropped'; readonly from: VoterId; readonly reason: string }

/** A snapshot of what the core knows, for status pages and for the lease; never a live reference into it. */
export interface RaftView {
  readonly role: Role
  readonly term: Term
  readonly leader: VoterId | undefined
  readonly commitIndex: LogIndex
  readonly lastIndex: LogIndex
  /** Time this member became leader (in the unit of `now`); undefined when it is not. */
  readonly leaderSince: number | undefined
  /**
   * Leader only: the *send* time of the latest round that a majority (self included) answered in this term; undefined
   * before the first. A lease counts from here, and is the only thing that does: reads never rest on it.
   */
  readonly quorumAt: number | undefined
  /** The configuration in force here: the latest in the log. */
  readonly configuration: Configuration
  /** Index of the latest configuration in the log; that of the snapshot, or 0, when none came since. */
  readonly configurationIndex: LogIndex
  /** The configuration in force is committed. */
  readonly configurationSettled: boolean
  /** Leader only, false else: an entry of its own term is committed, so that it may reconfigure and answer reads. */
  readonly settled: boolean
  /** Leadership is being handed over to this voter. */
  readonly transferringTo: VoterId | undefined
  /** Index of the latest durable snapshot; 0 before the first. */
  readonly snapshotIndex: LogIndex
}

/** What a leader knows of one other member that holds the log. */
export interface FollowerView {
  readonly id: VoterId
  /** The log it answers with; undefined before its first answer. */
  readonly storeId: string | undefined
  /** Its log is known to equal the leader's up to here, durably. */
  readonly matchIndex: LogIndex
  /** It answers, and lacks no more than `caughtUpEntries` of what is committed. */
  readonly isCaughtUp: boolean
  /** When an answer of it was last heard; before its first one, since when this leader has sent to it. */
  readonly silentSince: number
  /** Bytes of a snapshot it has, while one is sent to it. */
  readonly snapshotOffset: number | undefined
}
