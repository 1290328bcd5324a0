// How providers wait: until an abort, with pauses that grow and are jittered, so that a thousand nodes do not ask in
// step.

import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves after `ms`, or at once when `signal` aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal })
  } catch (error) {
    // The abort is why it ended; whoever waits looks at the signal.
    if (!signal.aborted) throw error
  }
}

/** Pauses between attempts that fail: `firstMs`, doubling to `lastMs`, each shortened by up to a quarter. */
export class Backoff {
  readonly #firstMs: number
  readonly #lastMs: number
  #failures = 0

  constructor(firstMs: number, lastMs: number) {
    this.#firstMs = firstMs
    this.#lastMs = lastMs
  }

  next(): number {
    const base = Math.min(this.#firstMs * 2 ** Math.min(this.#failures, 20), this.#lastMs)
    this.#failures += 1
    return jittered(base)
  }

  reset(): void {
    this.#failures = 0
  }
}

/** `ms`, shortened by up to a quarter. */
export function jittered(ms: number): number {
  return ms * (0.75 + Math.random() * 0.25)
}

export function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value))
}

/** Both hold the same texts. */
export function isSameSet(one: ReadonlySet<string> | undefined, other: ReadonlySet<string>): boolean {
  return one !== undefined && one.size === other.size && [...one].every((item) => other.has(item))
}
