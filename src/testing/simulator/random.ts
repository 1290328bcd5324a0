// The simulator's only source of chance: sfc32 (Doty-Humphrey, "PractRand"), small, fast and good enough for schedules.
// Everything that happens in a run is a function of its seed, so each part draws from a stream of its own: a part that
// draws once more than before shifts nobody else.

/** A stream of chance that one seed determines. */
export class Prng {
  #a: number
  #b: number
  #c: number
  #counter = 1
  /** The same stream as a plain function, for cores that take `random`: a float in [0, 1). */
  readonly next: () => number

  constructor(seed: number, stream = '') {
    let mixed = hashText(stream) ^ 0x9e3779b9
    this.#a = mixed = scramble(mixed ^ (seed >>> 0))
    this.#b = mixed = scramble(mixed ^ Math.floor(seed / 0x1_0000_0000))
    this.#c = scramble(mixed)
    this.next = () => this.#draw() / 0x1_0000_0000
    for (let i = 0; i < 12; i++) this.#draw()
  }

  /** A whole number in [0, below). */
  integer(below: number): number {
    return Math.floor(this.next() * below)
  }

  /** A float in [low, high). */
  between(low: number, high: number): number {
    return low + this.next() * (high - low)
  }

  /** A float around `mean` with the long tail of waiting times. */
  exponential(mean: number): number {
    return -Math.log(1 - this.next()) * mean
  }

  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[this.integer(items.length)] as T
  }

  /** A new array with the same items in another order. */
  shuffle<T>(items: readonly T[]): T[] {
    const result = [...items]
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.integer(i + 1)
      const kept = result[i] as T
      result[i] = result[j] as T
      result[j] = kept
    }
    return result
  }

  #draw(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }
}

/** 32 bits that depend on every character (FNV-1a). */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** The finalizer of MurmurHash3: neighbouring seeds become unrelated ones. */
function scramble(value: number): number {
  let x = value | 0
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}
