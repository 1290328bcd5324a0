// What a member of the log begins with: the state that its disk held (figure 3.1, "persistent state"; thesis section
// 5.1 for a log behind a snapshot), and everything else as it is before the first step.

import { Configurations } from './configuration.ts'
import { invariant } from './invariant.ts'
import { RaftLog } from './log.ts'
import type { RaftOptions } from './options.ts'
import { Outbox } from './outbox.ts'
import { newFollowerReads } from './read-index.ts'
import { paperRules, type RaftRules } from './rules.ts'
import type { RaftState } from './state.ts'
import type { Configuration, DurableState, HardState, Random, VoterId } from './types.ts'

export interface RaftSetup<Command> {
  readonly self: VoterId
  /** The log this member votes with. */
  readonly storeId: string
  /** The configuration the log begins with, before its first entry; without voters for a log that was made to learn. */
  readonly configuration: Configuration
  /** What the disk held. */
  readonly durable: DurableState<Command>
  readonly options: RaftOptions
  readonly random: Random
  /** For simulations that break a rule on purpose. Default: `paperRules`. */
  readonly rules?: RaftRules
}

export function initialState<Command>(setup: RaftSetup<Command>): RaftState<Command> {
  const { self, storeId, durable, options, random, rules = paperRules } = setup
  const { snapshot, base = { index: 0, term: 0 } } = durable
  invariant(base.index <= (snapshot?.index ?? 0), 'a snapshot stands for what the log lacks')
  const { voters } = setup.configuration
  invariant(new Set(voters.map(({ id }) => id)).size === voters.length, 'each voter is named once')
  const log = new RaftLog(durable.entries, base)
  const configurations = new Configurations(base.index, snapshot?.configuration ?? setup.configuration)
  for (const { index, configuration } of durable.entries) if (configuration) configurations.add(index, configuration)
  const hardState = recoverFrom(durable, log, configurations)
  invariant(log.end.term <= hardState.term, 'no entry on disk is of a later term than the disk knows')
  const start = snapshot?.index ?? 0
  return {
    self,
    storeId,
    options,
    random,
    rules,
    log,
    configurations,
    outbox: new Outbox(),
    hardState,
    role: { type: 'follower', leader: undefined, heardAt: Number.NEGATIVE_INFINITY },
    commitIndex: start,
    appliedIndex: start,
    round: 0,
    wait: {
      forMs: 0,
      isFirst: true,
      until: Number.POSITIVE_INFINITY,
      armedAt: undefined,
      doubted: undefined,
      isDoubtedBack: false,
      // A log that never had a leader has none to be patient with.
      shortWaits: hardState.term === 0 ? options.evidenceAttempts : 0,
      votedAt: Number.NEGATIVE_INFINITY,
    },
    disk: { ticket: 0, durable: 0, written: durable.hardState },
    reads: newFollowerReads(),
    snapshots: { latest: snapshot, capturing: undefined, receiving: undefined, isDue: false },
    transfer: undefined,
    announced: undefined,
    announcedConfiguration: { index: configurations.latest.index, settled: configurations.latest.index <= start },
  }
}

/**
 * A crash may have come after a snapshot that was received was durable, and before the log was replaced by it, or its
 * term written: then that is done now. A voter that did not know that term has not voted in it.
 */
function recoverFrom<Command>(
  { snapshot, hardState }: DurableState<Command>,
  log: RaftLog<Command>,
  configurations: Configurations,
): HardState {
  if (snapshot === undefined) return hardState
  if (log.termAt(snapshot.index) !== snapshot.term) {
    log.replaceBy({ index: snapshot.index, term: snapshot.term })
    configurations.replaceBy(snapshot.index, snapshot.configuration)
  }
  return snapshot.term > hardState.term ? { term: snapshot.term, votedFor: undefined } : hardState
}
