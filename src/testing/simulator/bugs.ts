// Planted bugs: mistakes that real systems have made, each switched on by name. A simulator that does not catch them is
// blind, so `canary.test.ts` lets it catch every one. Each replaces one rule of a core, or breaks the driver or the disk of
// the simulated nodes; the same seeds without it are clean.

import type { RaftRules } from '../../../consensus/index.ts'
import { type FormingRules, type SwimRules, swimRules } from '../../../topology/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { RecordFilter } from './disk.ts'
import type { Property } from './failure.ts'
import type { Focus } from './scenario.ts'
import type { Misreading } from './voter.ts'

export interface Bug {
  readonly name: string
  /** Properties of which one must be seen broken. */
  readonly noticedBy: readonly Property[]
  /** The world in which it does harm soon. Default: any. */
  readonly focus?: Focus
  /** Rules of Raft and of hosting that it replaces, given the clocks of the node. */
  readonly raft?: (clock: Clock) => Partial<RaftRules>
  readonly swim?: Partial<SwimRules>
  readonly forming?: Partial<FormingRules>
  /** What the disk really writes. */
  readonly disk?: RecordFilter
  /** The driver says that a write is durable as soon as it was handed over. */
  readonly acknowledgesUnflushed?: boolean
  /** The driver reads the machine's state when it is written, not when it was to be captured. */
  readonly capturesLate?: boolean
  /** The driver says that a received snapshot is durable as soon as it was handed over. */
  readonly storesUnflushed?: boolean
  /** What the driver makes of a Raft message before the core sees it. */
  readonly misreads?: Misreading
  /** The driver does not notice that its process or machine stood still. */
  readonly ignoresAway?: boolean
  /** A receiver keeps the largest fencing token in memory only. */
  readonly forgetsFence?: boolean
}

const bugs: readonly Bug[] = [
  /** A changed vote is not written when the term stays: after a crash the voter may vote again in the same term. */
  {
    name: 'vote-not-persisted',
    noticedBy: ['one-vote-per-term', 'election-safety'],
    raft: () => ({ mustPersist: (before, after) => before.term !== after.term }),
  },
  /** A term adopted without a vote is not written: after a crash the voter is back in a term it had left. */
  {
    name: 'term-not-persisted',
    noticedBy: ['term-monotonic', 'one-vote-per-term', 'election-safety'],
    raft: () => ({ mustPersist: (before, after) => before.votedFor !== after.votedFor }),
  },
  /** A vote leaves before it is on disk. */
  {
    name: 'vote-before-fsync',
    noticedBy: ['one-vote-per-term', 'term-monotonic', 'election-safety'],
    raft: () => ({ voteAfterDurable: () => true }),
  },
  /** A follower acknowledges entries before they are on disk: the leader commits what a crash can still erase. */
  {
    name: 'ack-before-fsync',
    noticedBy: ['durable-commit', 'leader-completeness', 'term-monotonic', 'acknowledged-kept'],
    raft: () => ({ ackAfterDurable: () => true }),
  },
  /** A leader counts itself for entries that only its memory has. */
  {
    name: 'leader-counts-unflushed',
    noticedBy: ['durable-commit', 'leader-completeness', 'acknowledged-kept'],
    raft: () => ({ ownMatch: (lastIndex) => lastIndex }),
  },
  /** The driver answers `persisted` when the write begins, not when it ends. */
  {
    name: 'driver-acknowledges-unflushed',
    noticedBy: ['one-vote-per-term', 'term-monotonic', 'durable-commit', 'leader-completeness'],
    acknowledgesUnflushed: true,
  },
  /** The disk drops the vote out of every hard state it writes. */
  {
    name: 'disk-drops-vote',
    noticedBy: ['one-vote-per-term', 'election-safety'],
    disk: (record) =>
      record.type === 'hard-state'
        ? { type: 'hard-state', hardState: { term: record.hardState.term, votedFor: undefined } }
        : record,
  },
  /** An entry of an earlier term is committed by counting its replicas (thesis figure 3.7). */
  {
    name: 'old-term-committed-by-count',
    focus: 'electing',
    noticedBy: ['leader-completeness', 'state-machine-safety', 'acknowledged-kept', 'durable-commit'],
    raft: () => ({ mayCommit: (entryTerm) => entryTerm !== undefined }),
  },
  /** A vote is granted without a look at the candidate's log. */
  {
    name: 'vote-without-log-check',
    noticedBy: ['leader-completeness', 'state-machine-safety'],
    raft: () => ({ isUpToDate: () => true }),
  },
  /** An append is accepted when there is a previous entry, whatever its term. */
  {
    name: 'previous-term-unchecked',
    noticedBy: ['log-matching', 'state-machine-safety', 'durable-commit', 'no-crash'],
    raft: () => ({ previousMatches: (ours) => ours !== undefined }),
  },
  /** Entries that conflict with the leader's stay, only missing ones are appended. */
  {
    name: 'conflicting-tail-kept',
    noticedBy: ['log-matching', 'state-machine-safety', 'durable-commit', 'no-crash', 'leader-completeness'],
    raft: () => ({
      firstDifference: (entries, ourTermAt) => entries.find(({ index }) => ourTermAt(index) === undefined)?.index,
    }),
  },
  /** A late append, all of which is there already, cuts off what newer ones brought. */
  {
    name: 'late-append-truncates',
    noticedBy: ['durable-commit', 'leader-completeness', 'acknowledged-kept', 'state-machine-safety', 'liveness'],
    raft: () => ({ firstDifference: (entries) => entries[0]?.index }),
  },
  /** A follower commits as far as the leader says, beyond what the message proved equal. */
  {
    name: 'commit-beyond-proof',
    noticedBy: ['state-machine-safety', 'durable-commit', 'no-crash'],
    raft: () => ({ followerCommit: (leaderCommit) => leaderCommit }),
  },
  /** A vote is counted whatever term and question it answers: one for an earlier term elects in this one. */
  {
    name: 'stale-vote-counted',
    focus: 'electing',
    noticedBy: ['election-safety', 'leader-completeness', 'log-matching'],
    raft: () => ({ countsVote: (ballot, from) => !ballot.granted.includes(from) }),
    misreads: (message, view) => (message.type === 'vote-reply' ? { ...message, term: view.term } : message),
  },
  /** Half is taken for a majority, rounded down. */
  {
    name: 'half-is-a-majority',
    noticedBy: ['election-safety', 'durable-commit', 'leader-completeness', 'single-s5'],
    raft: () => ({ majority: (voters) => Math.max(1, Math.floor(voters / 2)) }),
  },
  /** The lease of S5 is measured by the wall clock, which somebody sets back. */
  {
    name: 'lease-by-wall-clock',
    noticedBy: ['single-s5', 'fencing-token', 'liveness'],
    raft: (clock) => {
      const lead = clock.wall() - clock.now()
      return {
        holdsLease: (_now, quorumAt, leaseMs) => quorumAt !== undefined && clock.wall() < quorumAt + lead + leaseMs,
      }
    },
  },
  /** A new leader hosts S5 at once, while its predecessor may still hold its lease. */
  {
    name: 's5-before-lease-ran-out',
    noticedBy: ['single-s5'],
    raft: () => ({ mayActivate: () => true }),
  },
  /** A new leader judges its predecessor before it has applied the log that names it. */
  {
    name: 'predecessor-guessed',
    focus: 'hosting',
    noticedBy: ['single-s5'],
    raft: () => ({ knowsPredecessor: () => true }),
  },
  /** The lease counts from when an answer arrived, not from when its question was sent. */
  {
    name: 'lease-from-answer',
    focus: 'hosting',
    noticedBy: ['single-s5'],
    raft: () => ({ leaseCountsFrom: (_sentAt, answeredAt) => answeredAt }),
  },
  /** After a lapse of the lease S5 goes on with the token it had. */
  {
    name: 'token-reused',
    noticedBy: ['fencing-token'],
    raft: () => ({ mayStart: (_token, activatedTerm, ourTerm) => activatedTerm === ourTerm }),
  },
  /** Nobody notices that the process or the machine stood still. */
  {
    name: 'away-ignored',
    noticedBy: ['single-s5'],
    ignoresAway: true,
  },
  /** A receiver forgets at a restart which token it had accepted. */
  {
    name: 'fence-forgotten',
    noticedBy: ['fencing-token'],
    forgetsFence: true,
  },
  /** While voters are replaced, only the new set is asked. */
  {
    name: 'joint-counts-new-voters-only',
    focus: 'changing',
    noticedBy: ['election-safety', 'leader-completeness', 'durable-commit', 'log-matching', 'state-machine-safety'],
    raft: () => ({ agreedJointly: (incoming) => incoming }),
  },
  /** While voters are replaced, one of both sets is enough. */
  {
    name: 'joint-counts-either-set',
    focus: 'changing',
    noticedBy: ['election-safety', 'leader-completeness', 'durable-commit', 'log-matching', 'state-machine-safety'],
    raft: () => ({ agreedJointly: (incoming, outgoing) => Math.max(incoming, outgoing) }),
  },
  /** A configuration is gone by only when it is committed. */
  {
    name: 'configuration-used-when-committed',
    focus: 'changing',
    noticedBy: [
      'election-safety',
      'leader-completeness',
      'durable-commit',
      'log-matching',
      'state-machine-safety',
      'no-crash',
      'liveness',
    ],
    raft: () => ({ configurationInForce: (_latest, committed) => committed }),
  },
  /** A leader changes voters before it knows what its predecessors committed. */
  {
    name: 'change-before-own-term-entry',
    focus: 'changing',
    noticedBy: ['one-change-at-a-time', 'election-safety', 'leader-completeness', 'durable-commit'],
    raft: () => ({ mayReconfigure: () => true, mayReconfigureBeside: () => true }),
  },
  /** A change begins while another is under way. */
  {
    name: 'two-changes-at-a-time',
    focus: 'changing',
    noticedBy: ['one-change-at-a-time', 'election-safety', 'leader-completeness', 'durable-commit'],
    raft: () => ({ mayReconfigureBeside: () => true }),
  },
  /** A member that lost its log votes and acknowledges as if it had it. */
  {
    name: 'lost-log-votes',
    focus: 'changing',
    noticedBy: ['election-safety', 'leader-completeness', 'durable-commit', 'acknowledged-kept'],
    raft: () => ({ speaksFor: () => true }),
  },
  /** Whoever a configuration leaves out never stands, though only its log may have the entry that says so. */
  {
    name: 'left-out-never-stands',
    focus: 'changing',
    noticedBy: ['liveness'],
    raft: () => ({ standsUntilCommitted: () => false }),
  },
  /** A leader that was removed leads on. */
  {
    name: 'removed-leader-stays',
    focus: 'changing',
    noticedBy: ['liveness'],
    raft: () => ({ mayLead: () => true }),
  },
  /** A leader answers reads before it has committed in its own term. */
  {
    name: 'read-before-own-term-entry',
    focus: 'reading',
    noticedBy: ['linearizable-reads'],
    raft: () => ({ mayAnswerReads: () => true }),
  },
  /** A read joins a round that was begun before it came. */
  {
    name: 'read-joins-open-round',
    focus: 'reading',
    noticedBy: ['linearizable-reads'],
    raft: () => ({ readJoinsOpenRound: () => true }),
  },
  /** A leader answers reads by itself, without asking whether it still leads. */
  {
    name: 'read-without-round',
    focus: 'reading',
    noticedBy: ['linearizable-reads'],
    raft: () => ({ readIsProved: () => true }),
  },
  /** A follower takes the late answer to an earlier question for the answer to its new one. */
  {
    name: 'stale-read-index-on-retry',
    focus: 'reading',
    noticedBy: ['linearizable-reads'],
    raft: () => ({ answersRead: () => true }),
  },
  /** A follower serves a read before it has applied what the read must see. */
  {
    name: 'read-before-applied',
    focus: 'reading',
    noticedBy: ['linearizable-reads'],
    raft: () => ({ mayServeRead: () => true }),
  },
  /** A snapshot is said to end in the term it was captured in. */
  {
    name: 'snapshot-with-wrong-last-term',
    focus: 'lagging',
    noticedBy: ['snapshot-truth', 'log-matching'],
    raft: () => ({ snapshotTerm: (_entryTerm, currentTerm) => currentTerm }),
  },
  /** A snapshot carries a configuration that came after its last entry. */
  {
    name: 'snapshot-with-later-configuration',
    focus: 'changing',
    noticedBy: ['snapshot-truth'],
    raft: () => ({ snapshotConfiguration: (_there, latest) => latest }),
  },
  /** The machine is captured when the disk has time for it, not where it stood. */
  {
    name: 'snapshot-captured-late',
    focus: 'lagging',
    noticedBy: ['snapshot-truth', 'state-machine-safety'],
    capturesLate: true,
  },
  /** The log is cut when a snapshot is begun, before it is durable. */
  {
    name: 'log-cut-before-snapshot-is-durable',
    focus: 'lagging',
    noticedBy: ['no-crash', 'durable-commit', 'leader-completeness'],
    raft: () => ({ mayCompact: (wanted, _durable, captured) => Math.min(wanted, captured) }),
  },
  /** A late snapshot is taken up by a log that has all of it, which loses what it had acknowledged behind it. */
  {
    name: 'old-snapshot-taken-up',
    focus: 'lagging',
    noticedBy: ['durable-commit', 'leader-completeness', 'acknowledged-kept', 'state-machine-safety', 'liveness'],
    raft: () => ({ isNewSnapshot: () => true, keepsLog: () => false }),
  },
  /** A log keeps entries of its own under a snapshot that says otherwise. */
  {
    name: 'snapshot-keeps-conflicting-log',
    focus: 'lagging',
    noticedBy: ['state-machine-safety', 'log-matching', 'no-crash', 'durable-commit'],
    raft: () => ({ keepsLog: (ours) => ours !== undefined }),
  },
  /** Pieces of a snapshot are put together in the order in which they come. */
  {
    name: 'chunks-out-of-order',
    focus: 'lagging',
    noticedBy: ['snapshot-truth', 'no-crash', 'liveness'],
    raft: () => ({ followsChunk: () => true }),
  },
  /** A snapshot is taken up with its first piece. */
  {
    name: 'part-of-a-snapshot-taken-up',
    focus: 'lagging',
    noticedBy: ['snapshot-truth', 'no-crash', 'state-machine-safety'],
    raft: () => ({ isWhole: (stored) => stored > 0 }),
  },
  /** A follower says that a snapshot is stored before it is on the disk. */
  {
    name: 'snapshot-before-fsync',
    focus: 'lagging',
    noticedBy: ['snapshot-truth', 'durable-commit', 'leader-completeness', 'no-crash', 'term-monotonic'],
    storesUnflushed: true,
  },
  /** A member that is called suspect or down never objects. */
  {
    name: 'refutation-ignored',
    noticedBy: ['liveness'],
    swim: { mustRefute: () => false },
  },
  /** Whoever was called down once stays down, whatever newer incarnation speaks. */
  {
    name: 'down-of-older-life-wins',
    noticedBy: ['liveness'],
    swim: { merge: (mine, theirs) => (mine.state === 'down' ? mine : swimRules.merge(mine, theirs)) },
  },
  /** A member that is down is told on as one that left. */
  {
    name: 'down-told-as-left',
    noticedBy: ['membership-truth'],
    swim: {
      merge: (mine, theirs) => {
        const merged = swimRules.merge(mine, theirs)
        return merged.state === 'down' ? { ...merged, state: 'left' as const } : merged
      },
    },
  },
  /** A founder starts when a majority of the set has confirmed it. */
  {
    name: 'formed-by-majority',
    focus: 'founding',
    noticedBy: ['one-cluster', 'liveness'],
    forming: { mayStart: (set, confirmed) => set.filter((id) => confirmed.has(id)).length * 2 > set.length },
  },
  /** The disk forgets which set a founder holds: after a crash it confirms another. */
  {
    name: 'intent-forgotten',
    focus: 'founding',
    noticedBy: ['one-cluster', 'liveness', 'leader-completeness'],
    disk: (record) => (record.type === 'forming' && record.state.type !== 'started' ? undefined : record),
  },
  /** A founder gives its set up without asking whether the others have. */
  {
    name: 'set-released-alone',
    focus: 'founding',
    noticedBy: ['one-cluster', 'liveness'],
    forming: { mayRelease: () => true },
  },
]

/** The names that `bug` can take. */
export const bugNames: readonly string[] = bugs.map(({ name }) => name)

/** The bug of that name; undefined for no name. Throws `RangeError` for a name that is none. */
export function bugNamed(name: string | undefined): Bug | undefined {
  if (name === undefined) return undefined
  const bug = bugs.find((candidate) => candidate.name === name)
  if (bug === undefined) throw new RangeError(`there is no planted bug ${name}; there are ${bugNames.join(', ')}`)
  return bug
}
