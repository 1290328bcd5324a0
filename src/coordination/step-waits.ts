// Conditions that somebody waits for and that only a step of the core can bring about: each is asked again after every
// step.

export class StepWaits {
  readonly #isClosed: () => boolean
  readonly #checks = new Set<() => void>()

  /** `isClosed`: nothing will step any more, so that nobody needs to wait on. */
  constructor(isClosed: () => boolean) {
    this.#isClosed = isClosed
  }

  /** After each step, and at the end. */
  stepped(): void {
    if (this.#checks.size === 0) return
    for (const check of [...this.#checks]) check()
  }

  /** Resolves once `condition` holds after a step, `signal` aborts, or nothing steps any more. */
  until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition() && !signal.aborted && !this.#isClosed()) return
        this.#checks.delete(check)
        signal.removeEventListener('abort', check)
        resolve()
      }
      this.#checks.add(check)
      signal.addEventListener('abort', check, { once: true })
      check()
    })
  }
}
