// What `node.why(name)`, `GET /v1/members/:name/why` and `trellis why NAME` answer: what each member of the cluster
// believes of one of them, and on what grounds. The JSON of the admin API to the letter.

import type { ConsensusRole, MemberView, MemberViewCondition, MemberViewState } from '../node-interface.ts'

/** One observer that found a member silent (`silent`) or its port refusing (`refused`), or says so. */
export interface Accuser {
  readonly by: string
  readonly kind: 'silent' | 'refused'
  /** Milliseconds since it was counted, at the moment of the entry. */
  readonly agoMs: number
}

interface EvidenceBase {
  /** The member whose entry this is. */
  readonly observer: string
  /** Counts the entries of one life of the observer: of two the larger is the later. */
  readonly sequence: number
  /** The observer's wall clock, milliseconds since the epoch: for people; clocks differ. */
  readonly at: number
  /** Of the member that the entry is about, as the observer knew it. */
  readonly incarnation: number
}

/** What the observer came to believe, and on what. */
export interface VerdictEvidence extends EvidenceBase {
  readonly type: 'verdict'
  readonly state: MemberViewState
  readonly condition: MemberViewCondition
  /** What it believed before; null: it had not heard of the member. */
  readonly previous: { readonly state: MemberViewState; readonly condition: MemberViewCondition } | null
  readonly reason: 'left' | 'down' | 'joined' | 'restarted' | 'suspect' | 'condition' | 'refuted' | 'updated'
  /** Whose evidence it had; empty when it heard the verdict from others. */
  readonly accusers: readonly Accuser[]
  /** How late the observer's own event loop was: an observer that is slow itself is to be doubted. */
  readonly loopDelayMs: number
  /** What the observer knew of the log at that moment. */
  readonly term: number
  readonly leader: string | null
}

/** The observer's own link to the member. */
export interface LinkEvidence extends EvidenceBase {
  readonly type: 'link'
  readonly state: 'up' | 'down'
  /** Why it went; null for one that came up. */
  readonly reason: string | null
}

/** The observer, which is the member itself, did not run for a while. */
export interface AbsenceEvidence extends EvidenceBase {
  readonly type: 'absence'
  readonly ms: number
  /** The part of it in which the whole machine was suspended. */
  readonly suspendedMs: number
}

/** The observer learned that the member leads, or leads no longer, in this term. */
export interface LeaderEvidence extends EvidenceBase {
  readonly type: 'leader'
  readonly term: number
  readonly isLeader: boolean
}

/** One entry: what one member saw of another, or of itself. */
export type Evidence = VerdictEvidence | LinkEvidence | AbsenceEvidence | LeaderEvidence

/** What a member that was asked believes now. */
export interface Belief {
  readonly name: string
  /** Null: it does not know the member. */
  readonly state: MemberViewState | null
  readonly condition: MemberViewCondition | null
  readonly incarnation: number | null
  /** Its own place in the log; `none`: it holds no log, and knows the term and the index from others. */
  readonly log: { readonly role: ConsensusRole; readonly term: number; readonly commitIndex: number }
  /** What it holds against the member; null when nothing. */
  readonly suspicion: {
    readonly forMs: number
    /** Milliseconds until the verdict, unless it is refuted; null when the verdict stands. */
    readonly remainingMs: number | null
    readonly accusers: readonly Accuser[]
  } | null
}

/** A member that did not answer. */
export interface Unanswered {
  readonly name: string
  /** Code of the error. */
  readonly problem: string
}

/** `GET /v1/members/:name/why`. */
export interface WhyView {
  /** As the node that was asked knows it. */
  readonly member: MemberView
  readonly beliefs: readonly Belief[]
  readonly unanswered: readonly Unanswered[]
  /** Alive members that were not asked, for there are too many; not more than 128 are. */
  readonly notAsked: number
  /** Of all that answered, in causal order: what an entry rests on stands before it. At most 32 of each observer. */
  readonly evidence: readonly Evidence[]
}
