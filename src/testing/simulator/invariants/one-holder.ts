// What users believe to hold. At no true instant do more of them hold a thing than may, by their own clocks, which run
// at other speeds than those of the members; and each token is larger than every token that was held before. All who
// pass a barrier have come to it.

import type { ClaimKind } from '../../../../consensus/index.ts'
import { check } from '../failure.ts'

interface Held {
  readonly holders: Map<string, number>
  /** The largest token that anybody ever held. */
  largest: number
}

/** Somebody on the way to a barrier. */
export interface Visit {
  readonly user: string
  readonly barrier: string
}

export class OneHolder {
  readonly #things = new Map<string, Held>()
  /** Who is known to have come in which round of a barrier, and of whom only is known that they set out. */
  readonly #rounds = new Map<string, Set<Visit>>()
  readonly #underWay = new Map<string, Set<Visit>>()
  grants = 0
  passes = 0

  /** From this instant `user` acts as a holder. `limit`: how many may at once. */
  begins(user: string, kind: ClaimKind, name: string, limit: number, token: number): void {
    const held = this.#thing(kind, name)
    check(
      held.holders.size < limit,
      'one-holder',
      () => `${user} holds ${kind} ${name} by ${token} while ${[...held.holders].join('; ')} still do`,
    )
    const isAbove = limit === 1 ? token > held.largest : ![...held.holders.values()].includes(token)
    check(
      isAbove,
      'fencing-token',
      () => `${user} holds ${kind} ${name} by ${token}, and ${held.largest} was held before`,
    )
    held.holders.set(user, token)
    held.largest = Math.max(held.largest, token)
    this.grants++
  }

  /** From this instant it does not. */
  ends(user: string, kind: ClaimKind, name: string): void {
    this.#thing(kind, name).holders.delete(user)
  }

  /**
   * `user` asks to enter; whether it came is not known until {@link comes} or {@link staysAway} is told of the same
   * visit.
   */
  setsOut(user: string, barrier: string): Visit {
    const visit = { user, barrier }
    setOf(this.#underWay, barrier).add(visit)
    return visit
  }

  staysAway(visit: Visit): void {
    setOf(this.#underWay, visit.barrier).delete(visit)
  }

  comes(visit: Visit, since: number): void {
    this.staysAway(visit)
    setOf(this.#rounds, `${visit.barrier} ${since}`).add(visit)
  }

  goesOn(user: string, barrier: string, since: number, parties: number): void {
    const came = setOf(this.#rounds, `${barrier} ${since}`)
    const may = new Set([...came, ...setOf(this.#underWay, barrier)].map((visit) => visit.user))
    check(
      may.has(user) && may.size >= parties,
      'one-holder',
      () => `${user} passes ${barrier} with ${[...may].join(' ')}, where ${parties} must have come`,
    )
    this.passes++
  }

  #thing(kind: ClaimKind, name: string): Held {
    const key = `${kind} ${name}`
    const held = this.#things.get(key) ?? { holders: new Map(), largest: 0 }
    this.#things.set(key, held)
    return held
  }
}

function setOf(sets: Map<string, Set<Visit>>, name: string): Set<Visit> {
  const set = sets.get(name) ?? new Set()
  sets.set(name, set)
  return set
}
