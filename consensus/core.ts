// The shape of the consensus core: inputs in, effects out; see `topology/core.ts` for the same idea. What differs is the
// disk: the core says what must be durable (`persist`), is told when it is (`persisted`), and holds back until then
// whatever must not leave before. So no driver can send too early. (etcd-io/raft calls this asynchronous storage writes.)

import type { RaftMessage } from './messages.ts'
import type { Entry, HardState, LogIndex, Role, Term, VoterId } from './types.ts'

export type Input<Command> =
  | { readonly type: 'message'; readonly from: VoterId; readonly message: RaftMessage<Command> }
  | { readonly type: 'timer'; readonly timer: RaftTimer }
  /** A client's command. `proposal` is the driver's own number; it comes back in `accepted` or `reject`. */
  | { readonly type: 'propose'; readonly proposal: number; readonly command: Command }
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

/** The core's timers by name. A timer set again under its name is moved. */
export type RaftTimer = 'election' | 'heartbeat' | 'check-quorum'

export type Effect<Command> =
  | { readonly type: 'send'; readonly to: VoterId; readonly message: RaftMessage<Command> }
  | { readonly type: 'set-timer'; readonly timer: RaftTimer; readonly at: number }
  | { readonly type: 'clear-timer'; readonly timer: RaftTimer }
  /**
   * Make durable, in order of tickets. `entries` replace everything from `entries[0].index` on. The driver may group
   * several tickets under one flush and answers with the highest.
   */
  | {
      readonly type: 'persist'
      readonly ticket: number
      readonly hardState: HardState | undefined
      readonly entries: readonly Entry<Command>[]
    }
  /** Committed, in order, each exactly once: give to the state machine. */
  | { readonly type: 'apply'; readonly entries: readonly Entry<Command>[] }
  /** The proposal is in this leader's log at (`index`, `term`). It is done when the entry applied at `index` has that term, lost when another has. */
  | { readonly type: 'accepted'; readonly proposal: number; readonly index: LogIndex; readonly term: Term }
  /** The proposal was not appended, so it has not happened and never will. */
  | {
      readonly type: 'reject'
      readonly proposal: number
      readonly code: RejectCode
      readonly leader: VoterId | undefined
    }
  | { readonly type: 'emit'; readonly event: RaftEvent }

/** `not-leader`: try the leader named beside it. `busy`: more unapplied proposals than `maxUncommittedEntries`. */
export type RejectCode = 'not-leader' | 'busy'

export type RaftEvent =
  /** Role, term or known leader changed. `leader` is undefined while none is heard. */
  | {
      readonly type: 'role'
      readonly role: Role
      readonly term: Term
      readonly leader: VoterId | undefined
      readonly reason: string
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
   * Leader only: the *send* time of the latest round that a majority (self included) answered in this term; undefined before the first. A lease counts
   * from here, and is the only thing that does: reads never rest on it.
   */
  readonly quorumAt: number | undefined
}
