// What must hold of every message that members send each other while they switch: one that was acknowledged was
// delivered, none is delivered twice, and those of one sender, receiver and key come in order.

import { SwitchingFailure } from './failure.ts'

export interface NumberedMessage {
  /** Of one life of a member. */
  readonly source: string
  readonly to: string
  readonly key: string
  /** Grows with every message of the run. */
  readonly number: number
}

export class MessageOracle {
  /** By number. */
  readonly #delivered = new Set<number>()
  readonly #acknowledged = new Set<number>()
  readonly #waiting = new Set<number>()
  /** By stream: the number of the last one delivered. */
  readonly #last = new Map<string, number>()
  #failure: SwitchingFailure | undefined

  get acknowledgedCount(): number {
    return this.#acknowledged.size
  }

  /** Sent, and neither acknowledged nor failed. */
  get waiting(): number {
    return this.#waiting.size
  }

  sent({ number }: NumberedMessage): void {
    this.#waiting.add(number)
  }

  /** `life`: of the receiver. */
  delivered(life: string, { source, key, number }: NumberedMessage): void {
    const what = `message ${number} of ${source} to ${life} under ${key}`
    if (this.#delivered.has(number)) this.#fail(`${what} was delivered twice`)
    this.#delivered.add(number)
    const stream = `${source} ${life} ${key}`
    if (number < (this.#last.get(stream) ?? 0)) this.#fail(`${what} was delivered after a later one`)
    this.#last.set(stream, number)
  }

  acknowledged({ source, to, number }: NumberedMessage): void {
    this.#waiting.delete(number)
    this.#acknowledged.add(number)
    if (!this.#delivered.has(number))
      this.#fail(`message ${number} of ${source} to ${to} was acknowledged, not delivered`)
  }

  /** Its sender was told so. */
  failed({ number }: NumberedMessage): void {
    this.#waiting.delete(number)
  }

  /** Throws the first failure: where it was found, somebody else might have caught it. */
  quiet(): void {
    if (this.#failure) throw this.#failure
  }

  #fail(text: string): void {
    this.#failure ??= new SwitchingFailure(text)
  }
}
