// What the cluster's own log can say. These are stored on disk and sent between releases: variants and fields are only
// ever added, and a new one is not proposed until every voter can apply it.

import type { LogIndex, Term, VoterId } from '../types.ts'

export type ClusterCommand =
  /**
   * First admission of a member, or the moving of its name (design rule 8). Applied only if the name is unbound, already
   * bound to `id`, or bound to exactly `replaces`, whom the proposing leader saw `left` or `down`.
   */
  | { readonly type: 'bind-name'; readonly name: string; readonly id: VoterId; readonly replaces: VoterId | undefined }
  /**
   * `host` takes the singleton (today only `s5`) in `term`; the index of this entry is its fencing token. Applied only
   * if the entry's own term equals `term`, so that a forwarded or delayed copy activates nothing.
   */
  | { readonly type: 'activate'; readonly singleton: string; readonly host: VoterId; readonly term: Term }
  /** The host of `token` has stopped by itself: its successor need not wait out the lease. Ignored for any other token. */
  | { readonly type: 'release'; readonly singleton: string; readonly token: LogIndex }
  /** A decision of the singleton, kept in the log. Refused as stale when `token` is not the one that is active. */
  | { readonly type: 'decide'; readonly singleton: string; readonly token: LogIndex; readonly payload: Uint8Array }

export type ClusterReply =
  | { readonly type: 'ok'; readonly index: LogIndex }
  | { readonly type: 'name-taken'; readonly name: string; readonly holder: VoterId }
  | { readonly type: 'stale-token'; readonly token: LogIndex; readonly current: LogIndex }
  | { readonly type: 'not-activated' }
  /** Past a bound of the machine, or unknown to this release. Nothing has changed. */
  | { readonly type: 'refused'; readonly reason: RefusalReason }

/** Which bound a command passes; `unknown-command`: a newer release wrote it. */
export type RefusalReason =
  | 'name-length'
  | 'too-many-names'
  | 'too-many-singletons'
  | 'decision-too-large'
  | 'unknown-command'

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
