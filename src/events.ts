// Everything that a node tells its observers, in one place, and the iteration over member changes made of it. A
// listener that throws is a bug of its owner: it is logged, and the others are told all the same.

import { checkFunction } from './call-options.ts'
import { type EndableIteration, endable } from './iteration.ts'
import type { ClusterEvent, ClusterEvents, MemberChange } from './node-interface.ts'
import type { Logger } from './observability/logger.ts'

/**
 * Changes that an iteration keeps for a consumer that is not reading; past that the oldest go, and it starts afresh
 * from what is newest.
 */
const MAX_KEPT_CHANGES = 10_000

export class EventHub implements ClusterEvents {
  readonly #logger: Logger
  readonly #listeners = new Set<(event: ClusterEvent) => void>()
  readonly #onClose = new Set<() => void>()
  #isClosed = false

  constructor(logger: Logger) {
    this.#logger = logger
  }

  subscribe(listener: (event: ClusterEvent) => void): Disposable {
    checkFunction('a listener', listener)
    // Wrapped, so that the same function may subscribe twice.
    const own = (event: ClusterEvent): void => listener(event)
    this.#listeners.add(own)
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) }
  }

  emit(event: ClusterEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event)
      } catch (error) {
        this.#logger.error('a listener of cluster events failed', { error })
      }
    }
  }

  memberChanges(signal: AbortSignal | undefined): EndableIteration<MemberChange> {
    return endable((ending) => this.#changes(ending), [signal])
  }

  async *#changes(signal: AbortSignal): AsyncGenerator<MemberChange, void, undefined> {
    const kept: MemberChange[] = []
    let wake = (): void => {}
    let isOver = this.#isClosed || signal.aborted
    const end = (): void => {
      isOver = true
      wake()
    }
    const subscription = this.subscribe((event) => {
      if (event.type !== 'member') return
      kept.push(event.change)
      if (kept.length > MAX_KEPT_CHANGES) kept.shift()
      wake()
    })
    signal.addEventListener('abort', end, { once: true })
    this.#onClose.add(end)
    try {
      while (!isOver) {
        const change = kept.shift()
        if (change) yield change
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      subscription[Symbol.dispose]()
      signal.removeEventListener('abort', end)
      this.#onClose.delete(end)
    }
  }

  /** Ends all iterations and forgets all listeners, for good. */
  close(): void {
    this.#isClosed = true
    for (const end of this.#onClose) end()
    this.#listeners.clear()
  }
}
