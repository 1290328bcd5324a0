// Planted bugs in what changes voters, answers reads and takes snapshots; see `bugs.ts`.

import type { Bug } from './bug.ts'

export const bugsOfChanges: readonly Bug[] = [
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
    noticedBy: ['linearizable-reads', 'linearizable-history'],
    raft: () => ({ mayAnswerReads: () => true }),
  },
  /** A read joins a round that was begun before it came. */
  {
    name: 'read-joins-open-round',
    focus: 'reading',
    noticedBy: ['linearizable-reads', 'linearizable-history'],
    raft: () => ({ readJoinsOpenRound: () => true }),
  },
  /** A leader answers reads by itself, without asking whether it still leads. */
  {
    name: 'read-without-round',
    focus: 'reading',
    noticedBy: ['linearizable-reads', 'linearizable-history'],
    raft: () => ({ readIsProved: () => true }),
  },
  /** A follower takes the late answer to an earlier question for the answer to its new one. */
  {
    name: 'stale-read-index-on-retry',
    focus: 'reading',
    noticedBy: ['linearizable-reads', 'linearizable-history'],
    raft: () => ({ answersRead: () => true }),
  },
  /** A follower serves a read before it has applied what the read must see. */
  {
    name: 'read-before-applied',
    focus: 'reading',
    noticedBy: ['linearizable-reads', 'linearizable-history'],
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
]
