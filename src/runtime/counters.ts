// Counts by name, only ever growing: refusals by reason, drops by reason. Names come from this code, never from a
// remote; the bound is the last line of defence of that sentence.

const MAX_NAMES = 1_024

export class Counters {
  readonly #counts = new Map<string, number>()

  add(name: string, by = 1): void {
    const known = this.#counts.has(name) || this.#counts.size < MAX_NAMES ? name : 'other'
    this.#counts.set(known, (this.#counts.get(known) ?? 0) + by)
  }

  snapshot(): Record<string, number> {
    return Object.fromEntries(this.#counts)
  }
}
