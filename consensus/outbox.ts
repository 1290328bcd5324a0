// The effects of one step, and the answers that a write holds back (thesis section 3.8): what a peer may rely on leaves
// only when it cannot be forgotten. Losing a message is always allowed in Raft, so the place for waiting ones is
// bounded.

import type { Effect, RaftEvent, RaftTimer } from './core.ts'
import type { RaftMessage } from './messages.ts'
import type { VoterId } from './types.ts'

/** Answers that may wait for the disk; past it the oldest is lost, as if the network had lost it. */
export const maxHeldAnswers = 1_024

/** What an answer promises, and with it which rule lets it go: a vote, or that entries are stored. */
export type Promised = 'vote' | 'ack'

interface Held<Command> {
  readonly promised: Promised
  readonly to: VoterId
  readonly message: RaftMessage<Command>
  /** The write it rests on; undefined until the end of the step that made it. */
  ticket: number | undefined
}

export class Outbox<Command> {
  #effects: Effect<Command>[] = []
  #held: Held<Command>[] = []

  push(effect: Effect<Command>): void {
    this.#effects.push(effect)
  }

  send(to: VoterId, message: RaftMessage<Command>): void {
    this.#effects.push({ type: 'send', to, message })
  }

  setTimer(timer: RaftTimer, at: number): void {
    this.#effects.push({ type: 'set-timer', timer, at })
  }

  clearTimer(timer: RaftTimer): void {
    this.#effects.push({ type: 'clear-timer', timer })
  }

  emit(event: RaftEvent): void {
    this.#effects.push({ type: 'emit', event })
  }

  /** Sends once everything that this step and all before it changed is durable. */
  hold(promised: Promised, to: VoterId, message: RaftMessage<Command>): void {
    if (this.#held.length >= maxHeldAnswers) this.#held.shift()
    this.#held.push({ promised, to, message, ticket: undefined })
  }

  /** Forgets what is held: it was said in a term that is over. */
  dropHeld(): void {
    this.#held = []
  }

  /** Answers of this step rest on `ticket`, the last write there is; those that `mayLeave` go. */
  release(ticket: number, mayLeave: (promised: Promised, ticket: number) => boolean): void {
    if (this.#held.length === 0) return
    const waiting: Held<Command>[] = []
    for (const held of this.#held) {
      held.ticket ??= ticket
      if (mayLeave(held.promised, held.ticket)) this.send(held.to, held.message)
      else waiting.push(held)
    }
    this.#held = waiting
  }

  /** The effects gathered since the last call. */
  take(): readonly Effect<Command>[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }
}
