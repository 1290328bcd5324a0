// Planted bugs: mistakes that real systems have made, each switched on by name. A simulator that does not catch them is
// blind, so `canary.test.ts` lets it catch every one. Each replaces one rule of a core, or breaks the driver or the
// disk of the simulated nodes; the same seeds without it are clean.

import { swimRules } from '../../../topology/index.ts'
import type { Bug } from './bug.ts'
import { bugsOfChanges } from './bugs-of-changes.ts'
import { bugsOfData } from './bugs-of-data.ts'

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
  ...bugsOfChanges,
  ...bugsOfData,
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
