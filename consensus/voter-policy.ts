// Who shall vote: what a leader does about its voters by itself (design rules 1 and 16). It asks this after each change
// of membership and now and then; the answer is at most one step, to be proposed to Raft, and after it the question is
// asked anew. No state, no clock.
//
// Voters never shrink by failure, only when one leaves. One that leaves, or is draining, gives up its vote first: to a
// learner that has caught up if there is anybody, else the set shrinks by it. One that is `down` and silent to the
// leader for long is replaced, never just removed. A member that lost its log is replaced by itself with its new one. A
// leader that leaves or cannot host S5 hands over; where no other voter could take over, a learner gets its vote.
// Learners are only those who are to be promoted, and one that does not answer makes room for the next.

import { includesVoter, isJoint, sameVoters } from './configuration.ts'
import type { FollowerView, RaftView, Reconfiguration } from './core.ts'
import type { Voter, VoterId } from './types.ts'

export interface VoterPolicyOptions {
  /**
   * How many voters there shall be when members enough are alive: 1, 3, 5 or 7. Default 5. More survive more failures
   * and cost more messages.
   */
  readonly target: number
  /**
   * Milliseconds a voter must be down and silent to the leader before it is replaced. Default 30,000 (design rule 16).
   * Range 1,000 to 86,400,000. Short: every restart moves voters about. Long: a second failure meets a set that is one
   * short.
   */
  readonly replaceAfterMs: number
}

/** How long a learner may be silent while others could learn instead: they take turns. */
const LEARNER_SILENCE_MS = 3_000

/** The defaults. */
export const defaultVoterPolicy: VoterPolicyOptions = Object.freeze({ target: 5, replaceAfterMs: 30_000 })

/** A member as membership knows it. */
export interface MemberFacts {
  readonly id: VoterId
  /** The log it has now; empty: none. */
  readonly storeId: string
  readonly state: 'alive' | 'suspect' | 'down' | 'left'
  readonly isDraining: boolean
  /** It may be a voter: its roles allow it. */
  readonly mayVote: boolean
  /** It could host S5 if it led. */
  readonly mayHost: boolean
  /** Which commands it can apply, as its link shows; 0: there is no link. See `feature-level.ts`. */
  readonly level: number
}

/** What the leader decides by: its own view of Raft, and membership. */
export interface VoterFacts {
  readonly self: VoterId
  readonly view: RaftView
  readonly followers: readonly FollowerView[]
  readonly members: readonly MemberFacts[]
  /** What the log has agreed on: nobody who cannot apply it becomes a voter. */
  readonly level: number
  readonly now: number
}

/** One step: an input for Raft, and why. */
export type VoterDecision =
  | { readonly type: 'reconfigure'; readonly change: Reconfiguration; readonly reason: string }
  | { readonly type: 'transfer'; readonly to: VoterId; readonly reason: string }

/** Every broken rule, with the value; empty when all hold. */
export function voterPolicyProblems({ target, replaceAfterMs }: VoterPolicyOptions): string[] {
  const found: string[] = []
  if (![1, 3, 5, 7].includes(target)) found.push(`voters.target (${target}) must be 1, 3, 5 or 7`)
  if (!(replaceAfterMs >= 1_000 && replaceAfterMs <= 86_400_000)) {
    found.push(`voters.replaceAfterMs (${replaceAfterMs}) must be from 1,000 to 86,400,000`)
  }
  return found
}

/** The next step; undefined: nothing is to be done, or not now, or not by this member. */
export function decideVoters(facts: VoterFacts, options: VoterPolicyOptions): VoterDecision | undefined {
  const { view } = facts
  if (view.role !== 'leader' || !view.settled || view.transferringTo !== undefined) return undefined
  if (!view.configurationSettled || isJoint(view.configuration)) return undefined
  const plan = new Plan(facts, options)
  return plan.handOver() ?? plan.changeVoters() ?? plan.changeLearners()
}

class Plan {
  readonly #facts: VoterFacts
  readonly #voters: readonly Voter[]
  readonly #learners: readonly Voter[]
  /** The voter that gives its vote up: it left, or is about to. */
  readonly #leaving: Voter | undefined
  /** The voter that is gone without a word. */
  readonly #lost: Voter | undefined
  readonly #kept: readonly Voter[]
  /** The leader must not go on, and no other voter could lead instead, now or soon. */
  readonly #isStuck: boolean
  /** Who could be promoted; those who learn already first, those who do not answer last. */
  readonly #candidates: readonly Voter[]
  readonly #missing: number

  constructor(facts: VoterFacts, { target, replaceAfterMs }: VoterPolicyOptions) {
    this.#facts = facts
    const { view } = facts
    this.#voters = view.configuration.voters
    this.#learners = view.configuration.learners
    this.#leaving = this.#voters.find(({ id }) => this.#isLeaving(id))
    this.#lost = this.#voters.find(({ id }) => this.#isLost(id, replaceAfterMs))
    this.#kept = this.#voters.filter((voter) => voter !== this.#leaving)
    this.#isStuck = this.#reasonToHandOver() !== undefined && !this.#voters.some(({ id }) => this.#couldLead(id))
    const candidates = this.#inTurn()
    this.#candidates = this.#isStuck
      ? [...candidates.filter(({ id }) => this.#couldLead(id)), ...candidates.filter(({ id }) => !this.#couldLead(id))]
      : candidates
    const living = this.#kept.filter(({ id }) => !this.#isLost(id, replaceAfterMs)).length
    const possible = Math.min(target, living + this.#candidates.length)
    this.#missing = Math.max(0, possible - (possible % 2 === 0 ? 1 : 0) - this.#kept.length)
  }

  /** A leader that leaves, or cannot host S5, hands over to one that stays and can. */
  handOver(): VoterDecision | undefined {
    const { self, members, level } = this.#facts
    const reason = this.#reasonToHandOver()
    if (reason === undefined) return undefined
    const heir = this.#voters.find((voter) => {
      const member = members.find(({ id }) => id === voter.id)
      return (
        voter.id !== self && member !== undefined && isEligible(member, level) && member.mayHost && this.#isReady(voter)
      )
    })
    return heir === undefined ? undefined : { type: 'transfer', to: heir.id, reason }
  }

  changeVoters(): VoterDecision | undefined {
    const rehomed = this.#rehomed()
    if (rehomed !== undefined) return rehomed
    const ready = this.#candidates.filter((voter) => this.#isReady(voter))
    const successor = this.#isStuck ? ready.find(({ id }) => this.#couldLead(id)) : undefined
    if (successor !== undefined) {
      const voters = this.#voters.map((voter) => (voter.id === this.#facts.self ? successor : voter))
      return this.#to(voters, `${this.#reasonToHandOver()}, and no other voter could lead`)
    }
    if (this.#leaving !== undefined && this.#leaving.id !== this.#facts.self) {
      if (ready.length < this.#missing || !this.#isSafe(this.#kept)) return undefined
      return this.#to([...this.#kept, ...ready.slice(0, this.#missing)], `${this.#leaving.id} leaves`)
    }
    const [first] = ready
    if (this.#lost !== undefined && first !== undefined) {
      const voters = this.#voters.map((voter) => (voter === this.#lost ? first : voter))
      return this.#to(voters, `${this.#lost.id} is down`)
    }
    if (this.#leaving !== undefined) return undefined
    // Nobody waits for one that never catches up: as many as there are, to an odd number.
    const added = Math.min(this.#missing, ready.length)
    const odd = (this.#voters.length + added) % 2 === 0 ? added - 1 : added
    return odd <= 0 ? undefined : this.#to([...this.#voters, ...ready.slice(0, odd)], 'there are too few voters')
  }

  /** Exactly those learn who are to be promoted. */
  changeLearners(): VoterDecision | undefined {
    const wanted = Math.max(this.#missing, this.#lost !== undefined || this.#isStuck ? 1 : 0)
    const learners = this.#candidates.slice(0, wanted)
    if (sameVoters(learners, this.#learners)) return undefined
    const reason = learners.length > 0 ? 'a voter is to be promoted' : 'nobody is to be promoted'
    return { type: 'reconfigure', change: { voters: this.#voters, learners }, reason }
  }

  /**
   * A voter that lives with another log: it cannot come back as what it was, so nothing is lost by putting it in its
   * own place.
   */
  #rehomed(): VoterDecision | undefined {
    for (const voter of this.#voters) {
      const member = this.#facts.members.find(({ id }) => id === voter.id)
      if (member === undefined || !isEligible(member, this.#facts.level) || member.storeId === voter.storeId) continue
      const renewed = { id: voter.id, storeId: member.storeId }
      if (!this.#isReady(renewed)) continue
      return this.#to(
        this.#voters.map((each) => (each === voter ? renewed : each)),
        `${voter.id} lost its log`,
      )
    }
    return undefined
  }

  /**
   * Those who learn first. Learners that do not answer come last, and the others begin behind them, so that each has
   * its turn.
   */
  #inTurn(): Voter[] {
    const { members, level } = this.#facts
    const isTaken = (id: VoterId): boolean => this.#voters.some((voter) => voter.id === id)
    const eligible = members.filter((member) => isEligible(member, level) && !isTaken(member.id))
    const known = eligible.map(({ id, storeId }) => ({ id, storeId })).sort(byId)
    const learning = known.filter((voter) => includesVoter(this.#learners, voter))
    const silent = learning.filter(({ id }) => this.#isSilent(id))
    const others = known.filter((voter) => !learning.includes(voter))
    const last = silent.at(-1)
    const isAfter = ({ id }: Voter): boolean => last !== undefined && id > last.id
    const onward = [...others.filter(isAfter), ...others.filter((voter) => !isAfter(voter))]
    const answering = learning.filter((voter) => !silent.includes(voter))
    return [...answering, ...onward, ...silent]
  }

  #to(voters: readonly Voter[], reason: string): VoterDecision {
    const learners = this.#learners.filter(({ id }) => !voters.some((voter) => voter.id === id))
    return { type: 'reconfigure', change: { voters, learners }, reason }
  }

  /** A majority of `voters` answers and has caught up. */
  #isSafe(voters: readonly Voter[]): boolean {
    return 2 * voters.filter((voter) => this.#isReady(voter)).length > voters.length
  }

  #isReady({ id, storeId }: Voter): boolean {
    if (id === this.#facts.self) return true
    return this.#facts.followers.some((each) => each.id === id && each.storeId === storeId && each.isCaughtUp)
  }

  /** Why this leader should not lead on; undefined: it may. */
  #reasonToHandOver(): string | undefined {
    const { self, members } = this.#facts
    const own = members.find(({ id }) => id === self)
    if (own === undefined || !this.#voters.some(({ id }) => id === self)) return undefined
    if (own.isDraining) return 'the leader is draining'
    return own.mayHost ? undefined : 'the leader cannot host S5'
  }

  /** It could lead instead of this leader, at least when it has caught up or is heard again. */
  #couldLead(id: VoterId): boolean {
    const member = this.#facts.members.find((each) => each.id === id)
    if (member === undefined || id === this.#facts.self) return false
    const { state, isDraining, mayVote, mayHost } = member
    return (state === 'alive' || state === 'suspect') && !isDraining && mayVote && mayHost
  }

  #isSilent(id: VoterId): boolean {
    const follower = this.#facts.followers.find((each) => each.id === id)
    return follower !== undefined && this.#facts.now - follower.silentSince >= LEARNER_SILENCE_MS
  }

  #isLeaving(id: VoterId): boolean {
    const member = this.#facts.members.find((each) => each.id === id)
    return member !== undefined && (member.state === 'left' || member.isDraining || !member.mayVote)
  }

  #isLost(id: VoterId, replaceAfterMs: number): boolean {
    const { members, followers, view, now } = this.#facts
    if (members.find((member) => member.id === id)?.state !== 'down') return false
    const silentSince = followers.find((follower) => follower.id === id)?.silentSince ?? view.leaderSince ?? now
    return now - silentSince >= replaceAfterMs
  }
}

function isEligible(member: MemberFacts, agreed: number): boolean {
  const { state, isDraining, mayVote, storeId, level } = member
  return state === 'alive' && !isDraining && mayVote && storeId !== '' && level >= agreed
}

function byId(one: Voter, other: Voter): number {
  return one.id < other.id ? -1 : one.id > other.id ? 1 : 0
}
