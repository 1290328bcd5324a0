// What membership may never say (design rule 7): that somebody left who did not, or a number of a member
// which that member never gave itself. Watched on everything that is sent, so a false statement is found before it
// spreads.

import type { Incarnation, MemberId, MemberRecord, SwimMessage, Update } from '../../../../topology/index.ts'
import { check } from '../failure.ts'

export class MembershipTruth {
  readonly #highest = new Map<MemberId, Incarnation>()
  readonly #left = new Map<MemberId, number>()

  /** `id` itself left, in this life. */
  leftByItself(id: MemberId, generation: number): void {
    this.#left.set(id, generation)
  }

  /** Everything that `from` says in `message` must be its own or something its owner said before. */
  sent(from: MemberId, message: SwimMessage): void {
    if (message.type === 'push-pull') for (const record of message.records) this.#stated(from, record)
    else for (const update of message.updates) this.#updated(from, update)
  }

  #updated(from: MemberId, update: Update): void {
    if (update.type === 'record') this.#stated(from, update.record)
    else this.#repeated(from, update.member, update.incarnation)
  }

  #stated(from: MemberId, record: MemberRecord): void {
    const known = this.#highest.get(record.id)
    if (from === record.id && (known === undefined || isLater(record.incarnation, known))) {
      this.#highest.set(record.id, record.incarnation)
    }
    this.#repeated(from, record.id, record.incarnation)
    if (record.state !== 'left') return
    const generation = this.#left.get(record.id)
    check(
      generation !== undefined && generation >= record.incarnation.generation,
      'membership-truth',
      () => `${from} says that ${record.id} left, which it never did`,
    )
  }

  #repeated(from: MemberId, member: MemberId, incarnation: Incarnation): void {
    const known = this.#highest.get(member)
    check(
      known !== undefined && !isLater(incarnation, known),
      'membership-truth',
      () => `${from} gives ${member} the incarnation ${textOf(incarnation)}, itself it said ${textOf(known)}`,
    )
  }
}

function isLater(a: Incarnation, b: Incarnation): boolean {
  return a.generation > b.generation || (a.generation === b.generation && a.refutation > b.refutation)
}

function textOf(incarnation: Incarnation | undefined): string {
  return incarnation === undefined ? 'none' : `${incarnation.generation}.${incarnation.refutation}`
}
