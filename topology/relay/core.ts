// What relaying can be told, what it asks for, and what it asks its driver: the shape of `topology/core.ts`.

import type { MemberId } from '../types.ts'

/** What relaying can be told. */
export type RelayInput =
  /** Something is about to leave for `to`. `needsLink`: a relay passes it on in pieces only. */
  | { readonly type: 'sending'; readonly to: MemberId; readonly needsLink: boolean }
  /** Something of `source` came over the link of `over`: so does what goes there. */
  | { readonly type: 'came'; readonly source: MemberId; readonly over: MemberId }
  | { readonly type: 'connected'; readonly peer: MemberId }
  /** Time has passed: at least once a second. */
  | { readonly type: 'look' }

/** What it may ask for. */
export type RelayEffect =
  /** Hold a link to `peer` until it is released. */
  | { readonly type: 'hold'; readonly peer: MemberId }
  | { readonly type: 'release'; readonly peer: MemberId }
  /** No link to `peer` came up in time: what is kept for it has no way. */
  | { readonly type: 'given-up'; readonly peer: MemberId }

/** What it asks whenever it has to know. */
export interface RelayQuestions {
  isLinked(peer: MemberId): boolean
  /** By the overlay in use; undefined: it knows no way. */
  nextHop(to: MemberId): MemberId | undefined
  /** It is a member of this cluster and not gone: it may be dialled. */
  isThere(member: MemberId): boolean
  /** It is known to be down or to have left. (Who is not gone may still be one that cannot be dialled from here.) */
  isGone(member: MemberId): boolean
}

/** Where something goes that a neighbor handed over. */
export type Onward =
  | { readonly type: 'here' }
  | { readonly type: 'hop'; readonly peer: MemberId }
  /** `misrouted`: it cannot be what it says. `no-route`: the only way leads back. `hops`: it has come too far. */
  | { readonly type: 'drop'; readonly reason: 'misrouted' | 'no-route' | 'hops' }

/** Of what is to be passed on, what decides where it goes. */
export interface Passing {
  readonly source: MemberId
  readonly destination: MemberId
  /** Relays that it has passed. */
  readonly hops: number
}
