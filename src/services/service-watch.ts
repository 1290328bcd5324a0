// Changes of what a query finds, as an async iterable. What happened between two reads is told as one difference, so a
// slow reader costs no memory beyond what there is to see.

import { endable } from '../iteration.ts'
import type { ServiceChange, ServiceInstance } from './service-interface.ts'

export class ServiceWatch implements AsyncIterable<ServiceChange> {
  readonly #find: () => readonly ServiceInstance[]
  readonly #signal: AbortSignal | undefined
  readonly #onEnd: () => void
  #told: Map<string, ServiceInstance>
  #wake: (() => void) | undefined
  #isEnded = false

  constructor(find: () => readonly ServiceInstance[], signal: AbortSignal | undefined, onEnd: () => void) {
    this.#find = find
    this.#signal = signal
    this.#onEnd = onEnd
    this.#told = this.#now()
    if (signal?.aborted) this.#isEnded = true
    else signal?.addEventListener('abort', this.#abort, { once: true })
  }

  /** Something may have changed. */
  look(): void {
    this.#wake?.()
  }

  end(): void {
    this.#isEnded = true
    this.#signal?.removeEventListener('abort', this.#abort)
    this.#onEnd()
    this.#wake?.()
  }

  [Symbol.asyncIterator](): AsyncIterator<ServiceChange> {
    return endable(
      () => this.#tell(),
      [],
      () => this.end(),
    )
  }

  readonly #abort = (): void => this.end()

  async *#tell(): AsyncGenerator<ServiceChange, void, undefined> {
    try {
      while (!this.#isEnded) {
        const changes = this.#changes()
        for (const change of changes) {
          if (this.#isEnded) return
          yield change
        }
        if (changes.length === 0 && !this.#isEnded) await new Promise<void>((wake) => (this.#wake = wake))
        this.#wake = undefined
      }
    } finally {
      this.end()
    }
  }

  #now(): Map<string, ServiceInstance> {
    return new Map(this.#find().map((instance) => [instance.id, instance]))
  }

  #changes(): ServiceChange[] {
    const before = this.#told
    const after = this.#now()
    this.#told = after
    const changes: ServiceChange[] = []
    for (const [id, instance] of before) if (!after.has(id)) changes.push({ type: 'removed', instance })
    for (const [id, instance] of after) {
      const previous = before.get(id)
      if (!previous) changes.push({ type: 'added', instance })
      else if (JSON.stringify(previous) !== JSON.stringify(instance))
        changes.push({ type: 'changed', instance, previous })
    }
    return changes
  }
}
