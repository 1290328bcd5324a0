// Fencing, per receiver (design rule 5): after a receiver accepted token t, or applied t's activation, it accepts
// nothing smaller. Tokens of applied activations only grow. The maximum is the receiver's own; this check keeps another
// beside it.

import { check } from '../failure.ts'

export class Receivers {
  readonly #accepted = new Map<string, number>()
  #lastActivated = 0

  /** `receiver` carried out an order that came with `token`. */
  accepted(receiver: string, token: number): void {
    const largest = this.#accepted.get(receiver) ?? 0
    check(token >= largest, 'fencing-token', () => `${receiver} accepts token ${token} after ${largest}`)
    this.#accepted.set(receiver, token)
  }

  /** For the first time, somebody applied the activation with `token`. */
  activated(token: number): void {
    check(
      token > this.#lastActivated,
      'fencing-token',
      () => `token ${token} is activated after ${this.#lastActivated}`,
    )
    this.#lastActivated = token
  }
}
