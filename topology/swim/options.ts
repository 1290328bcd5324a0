// Every number that membership may be tuned by: unit, default, range, and what goes wrong at both ends. Defaults that
// name memberlist are those of hashicorp/memberlist, the widest tried implementation of SWIM with Lifeguard. Probe
// times and suspicion are shorter than there: a silent host among ten or a hundred is to be down after 2.4 s, not 6 s.
// What a long suspicion is for, a member that is only slow, is told apart otherwise: its liveness worker answers for
// it, or it stood still for less than 2 s, which the shortest suspicion outlasts.
// `src/testing/simulator/stalled-members.ts` counts both. Reading options from a file or a flag is the runtime's; this
// folder only knows what is allowed.

/** What membership may be tuned by. */
export interface SwimOptions {
  /**
   * Milliseconds between two probe rounds; one neighbor is probed in each (SWIM section 4.3). Default 500 (memberlist
   * LAN: 1000). Range: above probeTimeoutMs. Too short: traffic. Too long: a silent crash is noticed late.
   */
  readonly probeIntervalMs: number
  /**
   * Milliseconds a direct probe may take before helpers are asked. Default 250 (memberlist LAN: 500). Range: above 0,
   * below probeIntervalMs; leave the rest of the interval to the helpers. Too short: helpers are asked for nothing. Too
   * long: they cannot answer in time.
   */
  readonly probeTimeoutMs: number
  /**
   * Helpers asked after a direct probe timed out. Default 3 (SWIM section 4.1, memberlist). Range 0 to 16. None: one
   * bad path is a suspicion. Many: traffic.
   */
  readonly indirectProbes: number
  /**
   * Shortest suspicion, in probe intervals; beyond a hundred members times half of log10 of their number. Default 3
   * (memberlist local; LAN: 4). Range 1 to 100. Small: false verdicts. Large: slow ones.
   */
  readonly suspicionMultiplier: number
  /**
   * Longest suspicion as a multiple of the shortest: how long one accuser alone waits for others to confirm (Lifeguard
   * section 4.2). Default 6 (memberlist). Range 1 to 100. One: a slow accuser is believed as fast as many.
   */
  readonly maxSuspicionMultiplier: number
  /**
   * Highest local health score; own probe times stretch to (score + 1) times (Lifeguard section 4.1). Default 8. Range
   * 0 to 64. Zero: a slow member accuses others at full speed. Large: it takes long to trust itself again.
   */
  readonly localHealthMax: number
  /**
   * Longest measured event-loop delay, in milliseconds, that is added to own timeouts, twice to a period. Default 2000
   * (a guess). Range 0 to 60,000. Zero: not used. Large: a busy member never accuses.
   */
  readonly maxLoopDelayMs: number
  /**
   * Each update is sent this often times the natural logarithm of the cluster's size (SWIM section 4.1, lambda).
   * Default 4 (a guess: misses one member in a million rumors). Range 1 to 100. Small: some miss it until push-pull.
   */
  readonly retransmitMultiplier: number
  /**
   * Linked neighbors told of something new at once. Default 3 (memberlist). Range 1 to 64. Small: news is slow. Large:
   * duplicates.
   */
  readonly gossipFanout: number
  /**
   * Milliseconds between messages that carry what is left to spread. Default 200 (memberlist LAN). Range: above 0.
   * Short: many small messages. Long: big news spreads late.
   */
  readonly gossipIntervalMs: number
  /**
   * Mean milliseconds between full exchanges with a random neighbor; each wait is drawn between half and one and a half
   * of it. Default 30,000 (memberlist LAN). Range: above probeIntervalMs. Short: traffic that grows with the table.
   * Long: what was missed stays missed.
   */
  readonly pushPullIntervalMs: number
  /**
   * Updates on one message. Default 32 (a guess: 6 KB). Range 2 to 256, the bound of the wire format. Few: big news
   * takes many messages. Many: probes grow.
   */
  readonly maxUpdatesPerMessage: number
  /**
   * Records in one message of a full exchange. Default 128 (a guess: 25 KB). Range 1 to 256, the bound of the wire
   * format.
   */
  readonly maxRecordsPerMessage: number
  /**
   * Members, self included, that are alive or suspect. Default 10,000. Range 1 to 1,000,000. Beyond it new ones are
   * dropped and counted.
   */
  readonly maxMembers: number
  /**
   * Members that are down or left and still remembered; the one longest gone is forgotten first. Default 1,000 (a
   * guess). Range 0 to 1,000,000. Few: a long partition does not heal by itself.
   */
  readonly maxRememberedMembers: number
  /**
   * Accusers counted against one member; more change nothing. Default 16 (a guess: far above what a verdict needs).
   * Range 3 to 1,024.
   */
  readonly maxAccusersPerMember: number
  /**
   * Probes on behalf of others that may be open at once; past that a request is dropped and counted. Default 64 (a
   * guess). Range 1 to 10,000.
   */
  readonly maxRelayedProbes: number
  /**
   * Observers that must have seen a port refuse before the member is `down` at once, if so many others are alive.
   * Default 3 (one and two that agree). Range 2 to 16. Small: one cut cable takes members down. Large: crashes are
   * believed only after suspicion.
   */
  readonly refusedQuorum: number
  /**
   * Milliseconds for which a member may stand still before others are told that it is `stalled`. Default 1000 (a guess:
   * long garbage collections stay below). Range 0 to 3,600,000. Short: news of every hiccup. Long: work is sent to who
   * cannot do it.
   */
  readonly stalledAfterMs: number
  /**
   * Milliseconds for which a member keeps its place after it was found stalled, as long as its liveness worker answers;
   * then it is suspected like a silent one. Default 30,000 (a guess). Range 0 to 3,600,000. Zero: workers are not
   * asked. Long: one that will never go on is kept.
   */
  readonly keepStalledMs: number
}

const lan: SwimOptions = {
  probeIntervalMs: 500,
  probeTimeoutMs: 250,
  indirectProbes: 3,
  suspicionMultiplier: 3,
  maxSuspicionMultiplier: 6,
  localHealthMax: 8,
  maxLoopDelayMs: 2_000,
  retransmitMultiplier: 4,
  gossipFanout: 3,
  gossipIntervalMs: 200,
  pushPullIntervalMs: 30_000,
  maxUpdatesPerMessage: 32,
  maxRecordsPerMessage: 128,
  maxMembers: 10_000,
  maxRememberedMembers: 1_000,
  maxAccusersPerMember: 16,
  maxRelayedProbes: 64,
  refusedQuorum: 3,
  stalledAfterMs: 1_000,
  keepStalledMs: 30_000,
}

/** `local`: one machine. `lan`: round trips of a few milliseconds; the default. `wan`: up to 300 ms. */
export const swimPresets = Object.freeze({
  local: Object.freeze<SwimOptions>({
    ...lan,
    probeTimeoutMs: 200,
    gossipIntervalMs: 100,
    pushPullIntervalMs: 15_000,
  }),
  lan: Object.freeze<SwimOptions>(lan),
  wan: Object.freeze<SwimOptions>({
    ...lan,
    probeIntervalMs: 5_000,
    probeTimeoutMs: 3_000,
    suspicionMultiplier: 6,
    gossipIntervalMs: 500,
    pushPullIntervalMs: 60_000,
  }),
})

/** The names of the presets. */
export type SwimPreset = keyof typeof swimPresets

/** Least and most of each option that has a range of its own; the rules between options are in {@link swimProblems}. */
const ranges: readonly (readonly [keyof SwimOptions, 'whole' | 'real', number, number])[] = [
  ['probeIntervalMs', 'real', 1, 3_600_000],
  ['probeTimeoutMs', 'real', 1, 3_600_000],
  ['indirectProbes', 'whole', 0, 16],
  ['suspicionMultiplier', 'real', 1, 100],
  ['maxSuspicionMultiplier', 'real', 1, 100],
  ['localHealthMax', 'whole', 0, 64],
  ['maxLoopDelayMs', 'real', 0, 60_000],
  ['retransmitMultiplier', 'real', 1, 100],
  ['gossipFanout', 'whole', 1, 64],
  ['gossipIntervalMs', 'real', 1, 3_600_000],
  ['pushPullIntervalMs', 'real', 1, 86_400_000],
  ['maxUpdatesPerMessage', 'whole', 2, 256],
  ['maxRecordsPerMessage', 'whole', 1, 256],
  ['maxMembers', 'whole', 1, 1_000_000],
  ['maxRememberedMembers', 'whole', 0, 1_000_000],
  ['maxAccusersPerMember', 'whole', 3, 1_024],
  ['maxRelayedProbes', 'whole', 1, 10_000],
  ['refusedQuorum', 'whole', 2, 16],
  ['stalledAfterMs', 'real', 0, 3_600_000],
  ['keepStalledMs', 'real', 0, 3_600_000],
]

/** Every broken rule, with both values; empty when all hold. */
export function swimProblems(options: SwimOptions): string[] {
  const found: string[] = []
  for (const [name, kind, least, most] of ranges) {
    const value = options[name]
    if (kind === 'whole' && !Number.isInteger(value)) found.push(`swim.${name} (${value}) must be a whole number`)
    else if (!(value >= least && value <= most)) found.push(`swim.${name} (${value}) must be from ${least} to ${most}`)
  }
  const exceeds = (name: keyof SwimOptions, other: keyof SwimOptions): void => {
    if (!(options[name] > options[other]))
      found.push(`swim.${name} (${options[name]}) must exceed swim.${other} (${options[other]})`)
  }
  exceeds('probeIntervalMs', 'probeTimeoutMs')
  exceeds('pushPullIntervalMs', 'probeIntervalMs')
  if (options.maxAccusersPerMember < options.refusedQuorum)
    found.push(
      `swim.maxAccusersPerMember (${options.maxAccusersPerMember}) must be at least swim.refusedQuorum (${options.refusedQuorum})`,
    )
  return found
}

/**
 * The preset with `changes` laid over it, frozen. Throws one `RangeError` that lists every unknown key and every broken
 * rule. Default preset: `lan`.
 */
export function resolveSwimOptions(changes: Partial<SwimOptions> = {}, preset: SwimPreset = 'lan'): SwimOptions {
  const unknown = Object.keys(changes).filter((key) => !Object.hasOwn(lan, key))
  const options: SwimOptions = { ...swimPresets[preset], ...changes }
  const found = [...unknown.map((key) => `swim.${key} is not an option`), ...swimProblems(options)]
  if (found.length > 0) throw new RangeError(found.join('; '))
  return Object.freeze(options)
}
