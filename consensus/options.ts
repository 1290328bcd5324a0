// Every number that Raft may be tuned by: unit, default, range, and what goes wrong at both ends. Thesis sections 3.9
// (timing: broadcast time << election timeout << time between failures), 4.2.3 (stickiness), 6.4.1 (leases).
// Reading options from a file or a flag is the runtime's; this folder only knows what is allowed.

export interface RaftOptions {
  /**
   * Milliseconds between two rounds of a leader without news. Default 100 (a guess: a sixth of the smallest election
   * timeout). Range 1 to electionTimeoutMinMs / 3. Too short: traffic and wake-ups for nothing. Too long: one lost
   * packet starts an election.
   */
  readonly heartbeatIntervalMs: number
  /**
   * Milliseconds of silence before a follower may ask for votes; drawn anew between this and electionTimeoutMaxMs
   * (section 3.4). Default 600: a block of the event loop of half a second costs nothing. Range: above 3 heartbeats and
   * above leaseMs. Too short: a busy leader is deposed. Too long: a hung leader, whose connections stay open, is missed
   * as long.
   */
  readonly electionTimeoutMinMs: number
  /**
   * Upper end of the draw, and how long a leader may go unanswered by a majority before it steps down (section 6.2).
   * Default 1200. Range: at least 1.25 times the lower end. Too near to it: split votes repeat (section 9.3). Too far:
   * a long wait for a new leader.
   */
  readonly electionTimeoutMaxMs: number
  /**
   * Longest random wait, in milliseconds, before a follower with evidence against its leader asks for votes; twice as
   * long at each further attempt. Default 50 (a guess: several round trips). Range 0 to electionTimeoutMinMs. Too
   * short: the voters that notice together split the vote. Too long: a crash is repaired later than it could be.
   */
  readonly evidenceDelayMaxMs: number
  /**
   * How many such short waits one piece of evidence buys, when the first ballot is lost. Default 4 (a guess). Range 1
   * to 100. One: a split vote costs a whole election timeout. Many: a voter that alone sees the leader gone asks in
   * vain that often.
   */
  readonly evidenceAttempts: number
  /**
   * Milliseconds a leader may act as host of a singleton after the send time of the last round a majority answered
   * (section 6.4.1). Default 500. Range: above 2 heartbeats, below electionTimeoutMinMs. Too short: the host stops at
   * every hiccup. Too long: its successor waits as long.
   */
  readonly leaseMs: number
  /**
   * Largest relative difference in speed of two voters' clocks; a successor waits leaseMs * (1 + drift). Default 0.05
   * (a guess: a hundred times what crystals do, for clocks that are being slewed). Range 0 to 0.5. Too small: two hosts
   * at once. Too large: a longer gap without one.
   */
  readonly drift: number
  /**
   * Entries in one message at most. Default 64 (a guess). Range 1 to 64, the most that fits one frame. One: no
   * batching. Many: a message that blocks heartbeats.
   */
  readonly maxEntriesPerAppend: number
  /**
   * Messages with entries that may be unanswered by one follower; more wait and become larger batches. Default 16 (a
   * guess). Range 1 to
   * 1024. One: no pipelining (section 10.2.1). Many: all of it is sent again after a loss.
   */
  readonly maxInflightAppends: number
  /**
   * Milliseconds between two messages of entries and commits to followers that no majority waits for, where writes
   * follow each other closely: several go in one. Default 2 (a guess: some writes of a quick disk). Range 0, all at
   * once, to heartbeatIntervalMs. Short: each write costs every follower a message and a flush. Long: as much later a
   * write is accepted when one that was relied upon falls silent, and copies at the others are as much older.
   */
  readonly spareDelayMs: number
  /**
   * Entries a leader may hold that are not committed; further proposals are refused as `busy`. Default 4096 (a guess).
   * Range 1 to 1,048,576. Few: bursts are refused. Many: memory, and a long catch-up.
   */
  readonly maxUncommittedEntries: number
  /**
   * Writes handed to the disk and not yet durable; while there are more, messages are dropped and proposals refused.
   * Default 8192. Range: above maxUncommittedEntries. Few: a leader that is slow to flush loses answers. Many: memory
   * while a disk hangs.
   */
  readonly maxPendingWrites: number
  /**
   * How many committed entries a member may lack and still become a voter, or the leader by transfer. Default 256 (a
   * guess: a few batches). Range 0 to 1,048,576. Few: never reached under load. Many: writes wait for a new voter to
   * catch up.
   */
  readonly caughtUpEntries: number
  /**
   * Reads that may wait at one voter for their round; more are refused as `busy`. Default 8192 (a guess). Range 1 to
   * 1,048,576. Few: bursts are refused. Many: memory while no majority answers.
   */
  readonly maxPendingReads: number
  /**
   * Committed entries that one step hands to the state machine; the others follow in steps of their own. Default 512 (a
   * guess: some milliseconds of a process that has just started). Range 1 to 1,048,576. Few: many steps. Many: the
   * event loop stands still after a start.
   */
  readonly maxEntriesPerStep: number
  /**
   * Entries applied since the last snapshot before the next one is captured. Default 0: never. Range 0 to 2^31. Few:
   * the machine is written again and again. Many: a long log to read at a start, and memory.
   */
  readonly snapshotEveryEntries: number
  /**
   * Entries the log keeps from before its snapshot, for followers that lag a little. Default 1024 (a guess). Range 0 to
   * 1,048,576. Few: a short absence costs a whole snapshot. Many: memory.
   */
  readonly snapshotTrailingEntries: number
  /**
   * Bytes of a snapshot in one message; one is under way to a follower at a time. Default 262,144 (a guess: a
   * millisecond of a fast link). Range 1 to 1,048,576, the most that fits one message. Few: many round trips. Many:
   * heartbeats wait behind them.
   */
  readonly snapshotChunkBytes: number
}

const lan: RaftOptions = {
  heartbeatIntervalMs: 100,
  electionTimeoutMinMs: 600,
  electionTimeoutMaxMs: 1_200,
  evidenceDelayMaxMs: 50,
  evidenceAttempts: 4,
  leaseMs: 500,
  drift: 0.05,
  maxEntriesPerAppend: 64,
  maxInflightAppends: 16,
  spareDelayMs: 2,
  maxUncommittedEntries: 4_096,
  maxPendingWrites: 8_192,
  caughtUpEntries: 256,
  maxPendingReads: 8_192,
  maxEntriesPerStep: 512,
  snapshotEveryEntries: 0,
  snapshotTrailingEntries: 1_024,
  snapshotChunkBytes: 262_144,
}

/** `local`: one machine. `lan`: round trips of a few milliseconds; the default. `wan`: up to 300 ms. */
export const raftPresets = Object.freeze({
  local: Object.freeze<RaftOptions>({
    ...lan,
    heartbeatIntervalMs: 50,
    electionTimeoutMinMs: 300,
    electionTimeoutMaxMs: 600,
    evidenceDelayMaxMs: 25,
    leaseMs: 250,
  }),
  lan: Object.freeze(lan),
  wan: Object.freeze<RaftOptions>({
    ...lan,
    heartbeatIntervalMs: 500,
    electionTimeoutMinMs: 3_000,
    electionTimeoutMaxMs: 6_000,
    evidenceDelayMaxMs: 500,
    leaseMs: 2_500,
    maxInflightAppends: 64,
  }),
})

/** Names of the presets. */
export type RaftPreset = keyof typeof raftPresets

/** Every broken rule, with both values; empty when all hold. */
export function raftProblems(options: RaftOptions): string[] {
  const found: string[] = []
  for (const name of Object.keys(lan) as (keyof RaftOptions)[]) {
    if (!Number.isFinite(options[name])) found.push(`raft.${name} (${options[name]}) must be a finite number`)
  }
  if (found.length > 0) return found
  const rule = (holds: boolean, name: keyof RaftOptions, text: string): void => {
    if (!holds) found.push(`raft.${name} (${options[name]}) ${text}`)
  }
  const whole = (name: keyof RaftOptions, least: number, most: number): void =>
    rule(
      Number.isInteger(options[name]) && options[name] >= least && options[name] <= most,
      name,
      `must be a whole number from ${least} to ${most}`,
    )
  const { heartbeatIntervalMs, electionTimeoutMinMs, leaseMs, maxUncommittedEntries } = options
  rule(heartbeatIntervalMs >= 1, 'heartbeatIntervalMs', 'must be at least 1')
  rule(
    electionTimeoutMinMs >= 3 * heartbeatIntervalMs,
    'electionTimeoutMinMs',
    `must be at least 3 times raft.heartbeatIntervalMs (${heartbeatIntervalMs})`,
  )
  rule(
    options.electionTimeoutMaxMs >= 1.25 * electionTimeoutMinMs,
    'electionTimeoutMaxMs',
    `must be at least 1.25 times raft.electionTimeoutMinMs (${electionTimeoutMinMs})`,
  )
  rule(
    options.evidenceDelayMaxMs >= 0 && options.evidenceDelayMaxMs <= electionTimeoutMinMs,
    'evidenceDelayMaxMs',
    `must be from 0 to raft.electionTimeoutMinMs (${electionTimeoutMinMs})`,
  )
  whole('evidenceAttempts', 1, 100)
  rule(leaseMs < electionTimeoutMinMs, 'leaseMs', `must be below raft.electionTimeoutMinMs (${electionTimeoutMinMs})`)
  rule(
    leaseMs > 2 * heartbeatIntervalMs,
    'leaseMs',
    `must exceed 2 times raft.heartbeatIntervalMs (${heartbeatIntervalMs})`,
  )
  rule(options.drift >= 0 && options.drift <= 0.5, 'drift', 'must be from 0 to 0.5')
  whole('maxEntriesPerAppend', 1, 64)
  whole('maxInflightAppends', 1, 1_024)
  rule(
    options.spareDelayMs >= 0 && options.spareDelayMs <= heartbeatIntervalMs,
    'spareDelayMs',
    `must be from 0 to raft.heartbeatIntervalMs (${heartbeatIntervalMs})`,
  )
  whole('maxUncommittedEntries', 1, 1_048_576)
  whole('maxPendingWrites', 2, 2_097_152)
  rule(
    options.maxPendingWrites > maxUncommittedEntries,
    'maxPendingWrites',
    `must exceed raft.maxUncommittedEntries (${maxUncommittedEntries})`,
  )
  whole('caughtUpEntries', 0, 1_048_576)
  whole('maxPendingReads', 1, 1_048_576)
  whole('maxEntriesPerStep', 1, 1_048_576)
  whole('snapshotEveryEntries', 0, 2 ** 31)
  whole('snapshotTrailingEntries', 0, 1_048_576)
  whole('snapshotChunkBytes', 1, 1_048_576)
  return found
}

/**
 * The preset with `changes` laid over it, frozen. Throws one `RangeError` that lists every unknown key and every broken
 * rule. Default preset: `lan`.
 */
export function resolveRaftOptions(changes: Partial<RaftOptions> = {}, preset: RaftPreset = 'lan'): RaftOptions {
  const unknown = Object.keys(changes).filter((key) => !Object.hasOwn(lan, key))
  const options: RaftOptions = { ...raftPresets[preset], ...changes }
  const found = [...unknown.map((key) => `raft.${key} is not an option`), ...raftProblems(options)]
  if (found.length > 0) throw new RangeError(found.join('; '))
  return Object.freeze(options)
}
