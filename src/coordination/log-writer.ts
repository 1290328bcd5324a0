// Carries the core's `persist` effects to the disk: what gathered while one flush was running goes into the next one
// (group commit), and the core learns the highest ticket that is durable. A failed flush is final.

import type { Effect, Entry } from '../../consensus/index.ts'
import type { Time } from '../runtime/clock.ts'
import type { LogStore, LogWrite } from '../storage/log-store.ts'

type Persist<Command> = Extract<Effect<Command>, { type: 'persist' }>

export interface LogWriterOptions<Command> {
  readonly clock: Time
  readonly store: LogStore
  /** The bytes of what an entry carries; undefined for a no-op. */
  readonly encode: (entry: Entry<Command>) => Uint8Array | undefined
  /** Everything up to and including `ticket` survives a crash. */
  readonly onPersisted: (ticket: number) => void
  /** So many bytes of commands are on their way to the disk. */
  readonly onBytes?: (bytes: number) => void
  /** A flush took this long. */
  readonly onFlushed?: (seconds: number) => void
  /** The disk failed; nothing is persisted any more and the node must stop. */
  readonly onFailure: (error: unknown) => void
}

export class LogWriter<Command> {
  readonly #options: LogWriterOptions<Command>
  #waiting: { ticket: number; write: LogWrite }[] = []
  #flushing: Promise<void> | undefined
  /** Ends the wait for the next turn. */
  #start: (() => void) | undefined
  #hasFailed = false

  constructor(options: LogWriterOptions<Command>) {
    this.#options = options
  }

  persist(effect: Persist<Command>): void {
    if (this.#hasFailed) return
    const entries = effect.entries.map((entry) => ({
      index: entry.index,
      term: entry.term,
      command: this.#options.encode(entry),
    }))
    this.#options.onBytes?.(entries.reduce((sum, { command }) => sum + (command?.length ?? 0), 0))
    this.#waiting.push({ ticket: effect.ticket, write: { hardState: effect.hardState, reset: effect.base, entries } })
    this.#flushing ??= this.#flush()
  }

  /** What waits need not wait for the next turn: what goes before it is on its way. */
  begin(): void {
    this.#start?.()
  }

  /** Resolves when nothing is being written any more. */
  async idle(): Promise<void> {
    await this.#flushing
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => {
      this.#start = resolve
      this.#options.clock.setImmediate(resolve)
    })
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#hasFailed) {
      // All effects of this turn share the flush, and what they send is on its way before one that blocks.
      await this.#nextTurn()
      const batch = this.#waiting
      this.#waiting = []
      const began = this.#options.clock.now()
      try {
        await this.#options.store.append(batch.map(({ write }) => write))
        this.#options.onFlushed?.((this.#options.clock.now() - began) / 1_000)
        this.#options.onPersisted(batch.at(-1)!.ticket)
      } catch (error) {
        this.#hasFailed = true
        this.#options.onFailure(error)
      }
    }
    this.#flushing = undefined
  }
}
