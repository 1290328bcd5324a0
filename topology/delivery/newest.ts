// Which sequence of each key was the newest so far, in bounded memory: what comes later with a smaller one is stale.
// When a key is forgotten, everything up to its sequence counts as stale for keys that are not known: a message may
// then be dropped that overtook others on the way, but no older one is ever delivered after a newer one.

export class Newest {
  readonly #maxKeys: number
  /** By key, the one longest unused first. */
  readonly #sequences = new Map<string, number>()
  #forgottenThrough = 0

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys
  }

  /** True when `sequence` is the newest of its key, which it is from now on. False: it is stale. */
  admits(key: string, sequence: number): boolean {
    const newest = this.#sequences.get(key)
    if (sequence <= (newest ?? this.#forgottenThrough)) return false
    if (newest !== undefined) this.#sequences.delete(key)
    else if (this.#sequences.size === this.#maxKeys) this.#forget()
    this.#sequences.set(key, sequence)
    return true
  }

  #forget(): void {
    for (const [key, sequence] of this.#sequences) {
      this.#sequences.delete(key)
      this.#forgottenThrough = Math.max(this.#forgottenThrough, sequence)
      return
    }
  }
}
