// The decisions on which safety rests, one small function each, to be read beside the paper: Ongaro 2014, "Consensus:
// Bridging Theory and Practice". The section stands with each. Everything else in this folder is bookkeeping around
// them.
//
// They are gathered in one object so that a simulation can put a broken rule in the place of a true one and must
// notice: a safety check that never failed has checked nothing. Production code has no reason to pass anything but
// `paperRules`.

import { majority } from './quorum.ts'
import type { Configuration, Entry, HardState, LogEnd, LogIndex, Term, Voter, VoterId } from './types.ts'

/** One question of a (pre-)candidate, and who said yes so far. */
export interface BallotView {
  readonly term: Term
  readonly round: number
  readonly granted: readonly VoterId[]
}

/** What is known about whoever hosted the singleton before this leader won. */
export type Predecessor =
  /** The log has no activation. */
  | 'none'
  /** A committed `release` says that it has stopped. */
  | 'released'
  /** It was this very process, which has stopped. */
  | 'stopped-here'
  /** It may be running still, on a lease nobody here can see. */
  | 'unknown'

/** The decisions as functions; {@link paperRules} is the only set that production uses. */
export interface RaftRules {
  // --- Terms ---

  /** Section 3.3: whoever sees a larger term adopts it and is a follower from then on. */
  stepsDown(messageTerm: Term, ourTerm: Term): boolean
  /** Figure 3.1, "persistent state": a changed term or vote is written before anything rests on it. */
  mustPersist(before: HardState, after: HardState): boolean

  // --- Elections ---

  /** Section 3.6.1: the later last term is more up to date; in the same term the longer log is. */
  isUpToDate(candidate: LogEnd, ours: LogEnd): boolean
  /** Section 3.4: one vote a term, first come first served, and only for a log as good as ours (section 3.6.1). */
  mayGrantVote(votedFor: VoterId | undefined, candidate: VoterId, upToDate: boolean): boolean
  /**
   * Section 9.6: a pre-vote promises nothing; it is granted to a later term, with a log as good as ours, when no leader
   * is heard.
   */
  mayGrantPreVote(requested: Term, ours: Term, upToDate: boolean, hearsLeader: boolean): boolean
  /**
   * Section 4.2.3: within the smallest election timeout of hearing its leader, a voter does not help to depose it.
   * Evidence of its own that the leader's connection is gone (`doubted`) ends that at once: voting early is always
   * safe.
   */
  hearsLeader(silentForMs: number, electionTimeoutMinMs: number, doubted: boolean): boolean
  /** Section 3.4: a vote counts once per voter, and only for the question it answers. */
  countsVote(ballot: BallotView, from: VoterId, reply: { readonly term: Term; readonly round: number }): boolean
  /** How many of `voters` voters are a majority. Any two majorities share a voter: all safety rests on that. */
  majority(voters: number): number

  // --- The log ---

  /**
   * Section 3.5, the consistency check: our term at the previous index is the leader's. `ours` undefined: no such
   * entry.
   */
  previousMatches(ours: Term | undefined, previousTerm: Term): boolean
  /**
   * Section 3.5: the first of the leader's entries that is missing here or conflicts; ours are replaced from there on.
   * Undefined when all are here: an old, delayed message must not cut off what a newer one brought.
   */
  firstDifference(
    entries: readonly Pick<Entry<unknown>, 'index' | 'term'>[],
    ourTermAt: (index: LogIndex) => Term | undefined,
  ): LogIndex | undefined
  /** Figure 3.1, AppendEntries 5: nothing beyond the last entry that this message has proved equal. */
  followerCommit(leaderCommit: LogIndex, lastProved: LogIndex): LogIndex
  /**
   * Section 3.6.2: only entries of the leader's own term are committed by counting; earlier ones come along below them.
   */
  mayCommit(entryTerm: Term | undefined, currentTerm: Term): boolean
  /** Section 10.2.1: a leader may send before its own write is done, but counts itself only up to what is durable. */
  ownMatch(lastIndex: LogIndex, durableIndex: LogIndex): LogIndex
  /** What goes to the state machine: committed, and durable here. */
  mayApplyUpTo(commitIndex: LogIndex, durableIndex: LogIndex): LogIndex

  // --- Changes of voters (chapter 4) ---

  /** Section 4.3: while two sets of voters overlap in time, what counts is what both have reached. */
  agreedJointly(incoming: number, outgoing: number): number
  /** Section 4.1: a configuration is in force as soon as it is in the log, committed or not. */
  configurationInForce(latest: Configuration, committed: Configuration): Configuration
  /**
   * A change needs a leader that has committed in its own term, or two leaders could change voters without a common
   * one.
   */
  mayReconfigure(ownTermCommitted: boolean): boolean
  /** Section 4.3: one change at a time; the next waits until this one is committed, and its joint part is over. */
  mayReconfigureBeside(isUnsettled: boolean): boolean
  /** Design rule 7: a voter is a member with its log. Whoever lost it speaks for another voter, if for any. */
  speaksFor(voter: Voter, storeId: string | undefined): boolean
  /** Section 4.2.2: whoever is left out by a configuration that is not committed stands for election nevertheless. */
  standsUntilCommitted(isSettled: boolean): boolean
  /** Section 4.2.2: a leader that is no voter any more leads until that is committed, and no longer. */
  mayLead(isVoter: boolean, isSettled: boolean): boolean

  // --- Reads (section 6.4) ---

  /** Until an entry of its own term is committed, a leader does not know what is. */
  mayAnswerReads(ownTermCommitted: boolean): boolean
  /** A read joins only a round begun after it came; what was sent before proves nothing about now. */
  readJoinsOpenRound(): boolean
  /** A read may be served once a majority has answered its round in this term. */
  readIsProved(round: number, answered: number): boolean
  /** A follower's question counts as answered only by the answer to that very question. */
  answersRead(asked: number, answered: number): boolean
  /** Whoever serves a read has applied all that it must see. */
  mayServeRead(readIndex: LogIndex, appliedIndex: LogIndex): boolean

  // --- Snapshots (chapter 5) ---

  /** A snapshot ends in the term of the entry it ends with, whatever the term is now. */
  snapshotTerm(entryTerm: Term, currentTerm: Term): Term
  /** It carries the configuration of the place where it ends. */
  snapshotConfiguration(there: Configuration, latest: Configuration): Configuration
  /** The log may be cut up to where a durable snapshot ends; `wanted` keeps a little more for followers that lag. */
  mayCompact(wanted: LogIndex, durableSnapshot: LogIndex, captured: LogIndex): LogIndex
  /** Section 5.2: a snapshot of what is committed here already would only take the machine back. */
  isNewSnapshot(index: LogIndex, commitIndex: LogIndex): boolean
  /** Section 5.2: a log that has the snapshot's last entry keeps what follows; any other is replaced. */
  keepsLog(ours: Term | undefined, snapshotTerm: Term): boolean
  /** A chunk is taken only where the one before ended. */
  followsChunk(offset: number, stored: number): boolean
  /** A snapshot is taken up when all of it is durable. */
  isWhole(stored: number, size: number): boolean

  // --- The disk (section 3.8): a write's ticket is durable once a ticket at least as high is. ---

  /** A granted vote leaves once it cannot be forgotten. */
  voteAfterDurable(ticket: number, durable: number): boolean
  /** A candidate asks, and counts its own vote, once its term and vote cannot be forgotten. */
  candidacyAfterDurable(ticket: number, durable: number): boolean
  /** An accepted append is acknowledged once its entries cannot be forgotten. */
  ackAfterDurable(ticket: number, durable: number): boolean

  // --- Contact with the majority, and leases ---

  /** Section 6.2: a leader unanswered by a majority for an election timeout steps down. */
  lostQuorum(unansweredForMs: number, electionTimeoutMaxMs: number): boolean
  /** Section 6.4.1: what an answered round proves begins when it was *sent*; the answer may be old when it arrives. */
  leaseCountsFrom(sentAt: number, answeredAt: number): number
  /**
   * A round begun before the process was away proves something afterwards only if the clock has counted all of the
   * absence.
   */
  countsRoundFromBeforeAway(uncountedMs: number): boolean
  /** Section 6.4.1: a lease ends by itself, on the holder's own clock. `quorumAt` undefined: there is none. */
  holdsLease(now: number, quorumAt: number | undefined, leaseMs: number): boolean
  /**
   * A new leader lets the lease of an unknown predecessor run out, on the slowest clock there may be, before it hosts.
   */
  mayActivate(sinceElectedMs: number, leaseMs: number, drift: number, predecessor: Predecessor): boolean
  /**
   * The predecessor is known only when the log of all earlier terms has been applied: an entry of our own term has
   * been.
   */
  knowsPredecessor(appliedTerm: Term, ourTerm: Term): boolean
  /**
   * A token hosts in the term of its activation, under that term's leader, and once: it never starts again after a
   * stop.
   */
  mayStart(token: LogIndex, activatedTerm: Term, ourTerm: Term, lastStopped: LogIndex): boolean
}

/** The rules as the paper has them. */
export const paperRules: RaftRules = Object.freeze({
  stepsDown: (messageTerm, ourTerm) => messageTerm > ourTerm,
  mustPersist: (before, after) => before.term !== after.term || before.votedFor !== after.votedFor,

  isUpToDate: (candidate, ours) =>
    candidate.term > ours.term || (candidate.term === ours.term && candidate.index >= ours.index),
  mayGrantVote: (votedFor, candidate, upToDate) => (votedFor === undefined || votedFor === candidate) && upToDate,
  mayGrantPreVote: (requested, ours, upToDate, hearsLeader) => requested > ours && upToDate && !hearsLeader,
  hearsLeader: (silentForMs, electionTimeoutMinMs, doubted) => !doubted && silentForMs < electionTimeoutMinMs,
  countsVote: (ballot, from, reply) =>
    reply.term === ballot.term && reply.round === ballot.round && !ballot.granted.includes(from),
  majority,

  previousMatches: (ours, previousTerm) => ours === previousTerm,
  firstDifference: (entries, ourTermAt) => entries.find((entry) => ourTermAt(entry.index) !== entry.term)?.index,
  agreedJointly: (incoming, outgoing) => Math.min(incoming, outgoing),
  configurationInForce: (latest) => latest,
  mayReconfigure: (ownTermCommitted) => ownTermCommitted,
  mayReconfigureBeside: (isUnsettled) => !isUnsettled,
  speaksFor: (voter, storeId) => voter.storeId === storeId,
  standsUntilCommitted: (isSettled) => !isSettled,
  mayLead: (isVoter, isSettled) => isVoter || !isSettled,

  mayAnswerReads: (ownTermCommitted) => ownTermCommitted,
  readJoinsOpenRound: () => false,
  readIsProved: (round, answered) => round <= answered,
  answersRead: (asked, answered) => asked === answered,
  mayServeRead: (readIndex, appliedIndex) => readIndex <= appliedIndex,

  snapshotTerm: (entryTerm) => entryTerm,
  snapshotConfiguration: (there) => there,
  mayCompact: (wanted, durableSnapshot) => Math.min(wanted, durableSnapshot),
  isNewSnapshot: (index, commitIndex) => index > commitIndex,
  keepsLog: (ours, snapshotTerm) => ours === snapshotTerm,
  followsChunk: (offset, stored) => offset === stored,
  isWhole: (stored, size) => stored === size,

  followerCommit: (leaderCommit, lastProved) => Math.min(leaderCommit, lastProved),
  mayCommit: (entryTerm, currentTerm) => entryTerm === currentTerm,
  ownMatch: (_lastIndex, durableIndex) => durableIndex,
  mayApplyUpTo: (commitIndex, durableIndex) => Math.min(commitIndex, durableIndex),

  voteAfterDurable: (ticket, durable) => ticket <= durable,
  candidacyAfterDurable: (ticket, durable) => ticket <= durable,
  ackAfterDurable: (ticket, durable) => ticket <= durable,

  lostQuorum: (unansweredForMs, electionTimeoutMaxMs) => unansweredForMs >= electionTimeoutMaxMs,
  leaseCountsFrom: (sentAt) => sentAt,
  countsRoundFromBeforeAway: (uncountedMs) => uncountedMs === 0,
  holdsLease: (now, quorumAt, leaseMs) => quorumAt !== undefined && now < quorumAt + leaseMs,
  mayActivate: (sinceElectedMs, leaseMs, drift, predecessor) =>
    predecessor !== 'unknown' || sinceElectedMs >= leaseMs * (1 + drift),
  knowsPredecessor: (appliedTerm, ourTerm) => appliedTerm === ourTerm,
  mayStart: (token, activatedTerm, ourTerm, lastStopped) => activatedTerm === ourTerm && token > lastStopped,
} satisfies RaftRules)
