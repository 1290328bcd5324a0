// Who turned whom away: the seeds this node, and this node strangers.

import type { ClusterError } from './errors.ts'
import { type Logger, oncePer } from './observability/logger.ts'
import type { Counters } from './runtime/counters.ts'

/** One line per reason in this time, however often strangers knock. */
const STRANGER_LOG_INTERVAL_MS = 10_000

export class Refusals {
  readonly #counters: Counters
  readonly #logger: Logger
  /** The last refusal of each seed while the node looks for its cluster. */
  readonly #unwelcome = new Map<string, ClusterError>()
  readonly #sayStranger: ReturnType<typeof oncePer>

  constructor(counters: Counters, logger: Logger, now: () => number) {
    this.#counters = counters
    this.#logger = logger
    this.#sayStranger = oncePer({ intervalMs: STRANGER_LOG_INTERVAL_MS, now })
  }

  bySeed(seed: string, error: ClusterError): void {
    this.#unwelcome.set(seed, error)
  }

  /** The refusal of the first of `seeds`, when there are any and all of them have refused this node. */
  ofAll(seeds: readonly string[]): ClusterError | undefined {
    return seeds.every((seed) => this.#unwelcome.has(seed)) ? this.#unwelcome.get(seeds[0] ?? '') : undefined
  }

  /** Turned away before it proved an identity: counted, and said now and then. */
  stranger(reason: string, remoteAddress: string): void {
    this.#counters.add(`stranger-${reason}`)
    const heldBack = this.#sayStranger(reason)
    if (heldBack === undefined) return
    this.#logger.warn('a stranger was turned away', { reason, remoteAddress, heldBack })
  }
}
