// What the cluster's own log can say. These are stored on disk and sent between releases: variants and fields are only
// ever added, and a new one is not proposed until every voter can apply it.

import type { LogIndex, Term, VoterId } from '../types.ts'
import type { ClaimCommand, ClaimRefusal, ClaimReply } from './claim-commands.ts'
import type { ConfigRefusal, WriteCommand, WriteReply } from './config-commands.ts'
import type { CountCommand, CounterRefusal, CountReply } from './counters.ts'
import type { SessionPlace, SessionRefusal } from './sessions.ts'

/** All of them. */
export type ClusterCommand = MemberCommand | ClientCommand | SessionCommand

/** What the cluster says of itself. */
export type MemberCommand =
  /**
   * First admission of a member, or the moving of its name (design rule 8). Applied only if the name is unbound,
   * already bound to `id`, or bound to exactly `replaces`, whom the proposing leader saw `left` or `down`.
   */
  | { readonly type: 'bind-name'; readonly name: string; readonly id: VoterId; readonly replaces: VoterId | undefined }
  /**
   * `host` takes the singleton (today only `s5`) in `term`; the index of this entry is its fencing token. Applied only
   * if the entry's own term equals `term`, so that a forwarded or delayed copy activates nothing.
   */
  | { readonly type: 'activate'; readonly singleton: string; readonly host: VoterId; readonly term: Term }
  /**
   * The host of `token` has stopped by itself: its successor need not wait out the lease. Ignored for any other token.
   */
  | { readonly type: 'release'; readonly singleton: string; readonly token: LogIndex }
  /** A decision of the singleton, kept in the log. Refused as stale when `token` is not the one that is active. */
  | { readonly type: 'decide'; readonly singleton: string; readonly token: LogIndex; readonly payload: Uint8Array }
  /** The first leader of a cluster says with which topology it begins. Applied once, before any switch. */
  | { readonly type: 'found-topology'; readonly name: string }
  /**
   * This cluster ends: its members go over to the cluster `into`, some of whose `members` are named. Nothing is applied
   * after it. Refused while the machine holds users' data, unless that is to be dropped.
   */
  | {
      readonly type: 'dissolve'
      readonly into: string
      readonly members: readonly { readonly id: VoterId; readonly name: string; readonly address: string }[]
      readonly dropsData: boolean
    }
  /** Everybody who holds the log can apply what releases up to `level` propose; see `feature-level.ts`. */
  | { readonly type: 'agree-level'; readonly level: number }
  /**
   * The leader begins a switch of the topology from `epoch` (design rule 9). Applied only if that is the current epoch,
   * `to` is another topology, and no switch is under way; the index of this entry names the switch.
   */
  | {
      readonly type: 'propose-topology'
      readonly epoch: number
      readonly to: string
      readonly request: string
      readonly required: readonly VoterId[]
      readonly timeoutMs: number
      readonly at: number
    }
  /** A required member is `down` or `left`: the switch goes on without it. */
  | { readonly type: 'strike-member'; readonly proposal: LogIndex; readonly member: VoterId }
  /** Every required member has prepared and was reached over the new overlay. */
  | { readonly type: 'commit-topology'; readonly proposal: LogIndex }
  | { readonly type: 'abort-topology'; readonly proposal: LogIndex; readonly reason: string }

/** What clients of the replicated data say, on any member; it reaches the leader in a session. */
export type ClientCommand = WriteCommand | ClaimCommand | CountCommand

export type SessionCommand =
  /** A client begins: the index of this entry is its session. */
  | { readonly type: 'open-session' }
  /** One command of a client, applied once however often it is sent. The reply is the inner command's. */
  | (SessionPlace & { readonly type: 'in-session'; readonly command: ClientCommand })

/**
 * Whether `command` changes what clients keep and nothing that members go by: names, who hosts, the topology, who is in
 * the cluster.
 */
export function isOfClients({ type }: ClusterCommand): boolean {
  return ofClients.has(type)
}

const ofClients: ReadonlySet<ClusterCommand['type']> = new Set<(ClientCommand | SessionCommand)['type']>([
  ...(['open-session', 'in-session', 'write', 'count'] as const),
  ...(['claim', 'renew-claim', 'end-claim', 'expire-claim'] as const),
])

export type ClusterReply =
  | { readonly type: 'ok'; readonly index: LogIndex }
  | { readonly type: 'name-taken'; readonly name: string; readonly holder: VoterId }
  | { readonly type: 'stale-token'; readonly token: LogIndex; readonly current: LogIndex }
  | { readonly type: 'not-activated' }
  | { readonly type: 'switch-in-progress'; readonly proposal: LogIndex; readonly to: string }
  /** The cluster is in another epoch than the command was made for, or there already. */
  | { readonly type: 'topology-moved'; readonly epoch: number; readonly name: string }
  /** That switch is over, or never was. */
  | { readonly type: 'no-such-switch'; readonly proposal: LogIndex }
  | WriteReply
  | ClaimReply
  | CountReply
  | SessionRefusal
  /** Past a bound of the machine, or unknown to this release. Nothing has changed. */
  | { readonly type: 'refused'; readonly reason: RefusalReason }

/** Which bound a command passes; `unknown-command`: a newer release wrote it. */
export type RefusalReason =
  | 'name-length'
  | 'too-many-names'
  | 'too-many-singletons'
  | 'decision-too-large'
  | 'topology-text-length'
  | 'too-many-required'
  | 'unknown-command'
  /** It is agreed on already, or was passed. */
  | 'old-level'
  /** The cluster has been dissolved: nothing is applied any more. */
  | 'dissolved'
  /** It holds users' data, which were not to be dropped. */
  | 'holds-data'
  | ConfigRefusal
  | ClaimRefusal
  | CounterRefusal

/** The record of one singleton, as the log has it. `token` 0: never activated. */
export interface SingletonRecord {
  readonly singleton: string
  readonly host: VoterId | undefined
  readonly token: LogIndex
  /** Term of the `activate` entry; hosting needs it to be the current one. */
  readonly term: Term
  readonly released: boolean
  /** The last decision and the index of its entry. */
  readonly decision: { readonly index: LogIndex; readonly payload: Uint8Array } | undefined
}
