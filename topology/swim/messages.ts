// SWIM with Lifeguard on the wire. Das, Gupta, Motivala 2002 ("SWIM: Scalable Weakly-consistent Infection-style Process
// Group Membership Protocol"); Dadgar, Phillips, Currey 2017 ("Lifeguard"). Each variant says who sends it, when, and
// what the receiver does. Every message may carry updates (SWIM section 4.1, piggybacking), at most
// `maxUpdatesPerMessage`.

import type { Incarnation, MemberId, MemberRecord } from '../types.ts'

/**
 * Why an accuser accuses. `silent`: a probe round got no answer. `refused`: an unannounced close, and the port refuses.
 */
export type AccusationKind = 'silent' | 'refused'

/** One thing to spread. */
export type Update =
  /** What is believed of a member; merged by the rule in `member-table.ts`. */
  | { readonly type: 'record'; readonly record: MemberRecord }
  /**
   * `by` has evidence of its own against this incarnation of `member`. Counted once per accuser (Lifeguard section
   * 4.2).
   */
  | {
      readonly type: 'accusation'
      readonly member: MemberId
      readonly incarnation: Incarnation
      readonly by: MemberId
      readonly kind: AccusationKind
    }

/** Everything that members say to each other about members. */
export type SwimMessage =
  /** Prober to target, each protocol period. The receiver answers `ack` with the same `probe`. */
  | { readonly type: 'ping'; readonly probe: number; readonly updates: readonly Update[] }
  /** Target to prober, or helper to prober on behalf of `target`. Ends the probe round of that number. */
  | { readonly type: 'ack'; readonly probe: number; readonly target: MemberId; readonly updates: readonly Update[] }
  /** Prober to helpers, when the target did not answer in time. The helper pings `target` and relays its ack. */
  | {
      readonly type: 'ping-req'
      readonly probe: number
      readonly target: MemberId
      readonly updates: readonly Update[]
    }
  /** Helper to prober: I am here, but the target did not answer me (Lifeguard section 4.1, the local health count). */
  | { readonly type: 'nack'; readonly probe: number; readonly target: MemberId; readonly updates: readonly Update[] }
  /** To a few neighbors at once when something new was learned; the receiver forwards only what was new to it. */
  | { readonly type: 'gossip'; readonly updates: readonly Update[] }
  /**
   * Anti-entropy: the sender's whole table, in as many messages as it needs. When a link comes up, and from time to
   * time to a random neighbor. The receiver merges, and answers with its own once the last part with `reply: true` has
   * come. Also some verdicts, with each probe, to a random neighbor; of what comes with `reply: false` the receiver
   * answers what it knows better.
   */
  | { readonly type: 'push-pull'; readonly reply: boolean; readonly records: readonly MemberRecord[] }
