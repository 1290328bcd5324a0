// Effects of a core may lead to inputs of the same core (a message to oneself, a flush that is done at once). Feeding
// them while `step` is still being executed would reorder effects, so inputs queue here and are taken one at a time.

export class Mailbox<Input> {
  readonly #take: (input: Input) => void
  readonly #waiting: Input[] = []
  #isBusy = false

  /** `take` handles one input with all its effects; it may call `put`. */
  constructor(take: (input: Input) => void) {
    this.#take = take
  }

  put(input: Input): void {
    this.#waiting.push(input)
    if (this.#isBusy) return
    this.#isBusy = true
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) this.#take(next)
    } finally {
      this.#isBusy = false
      // After an exception nothing may run on the same core: what waited is dropped with it.
      this.#waiting.length = 0
    }
  }
}
