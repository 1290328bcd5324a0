// One probe round (SWIM section 4.1): ping the target; when it stays silent, ask helpers to; at the end of the period,
// a verdict. Helpers say `nack` when the target did not answer them either, so that the prober learns whether its own
// messages come through (Lifeguard section 4.1). The round knows no time and sends nothing: `probing.ts` does.

import type { Incarnation, MemberId } from '../types.ts'

export class ProbeRound {
  /** Its number on the wire; an answer carries it, so that none counts for another round. */
  readonly probe: number
  readonly target: MemberId
  /** The life that was probed; a verdict is about no other. */
  readonly incarnation: Incarnation
  readonly #helpers = new Set<MemberId>()
  readonly #heardHelpers = new Set<MemberId>()
  #isAnswered = false
  #isExcused = false

  constructor(probe: number, target: MemberId, incarnation: Incarnation) {
    this.probe = probe
    this.target = target
    this.incarnation = incarnation
  }

  get isAnswered(): boolean {
    return this.#isAnswered
  }

  /** Its liveness worker said why it is silent. */
  excuse(): void {
    this.#isExcused = true
  }

  get isExcused(): boolean {
    return this.#isExcused
  }

  get askedHelpers(): boolean {
    return this.#helpers.size > 0
  }

  ask(helpers: readonly MemberId[]): void {
    for (const helper of helpers) this.#helpers.add(helper)
  }

  /** The target answered, to us or to a helper. False: the ack belongs to no part of this round. */
  ack(from: MemberId, probe: number, target: MemberId): boolean {
    if (!this.#belongs(from, probe, target) && !(from === this.target && probe === this.probe && target === from))
      return false
    this.#heardHelpers.add(from)
    this.#isAnswered = true
    return true
  }

  /** A helper is there but had no answer. False: it belongs to no part of this round. */
  nack(from: MemberId, probe: number, target: MemberId): boolean {
    if (!this.#belongs(from, probe, target)) return false
    this.#heardHelpers.add(from)
    return true
  }

  /** Helpers from which nothing came back: the fault may be ours. */
  get silentHelpers(): number {
    let silent = 0
    for (const helper of this.#helpers) if (!this.#heardHelpers.has(helper)) silent++
    return silent
  }

  #belongs(from: MemberId, probe: number, target: MemberId): boolean {
    return probe === this.probe && target === this.target && this.#helpers.has(from)
  }
}
