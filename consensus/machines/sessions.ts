// Client sessions (Ongaro's thesis, section 6.3): a command that is sent twice, because its answer was lost, is applied
// once and answered twice. The session is named by the index of the entry that opened it, so nobody has to choose a
// name; its client numbers its commands and says below which number it needs no answer any more.
//
// No clock ends a session. When there are too many, the one that was used least lately goes: its commands are refused
// from then on, never applied a second time.

import type { ApplyMeta } from '../state-machine.ts'
import type { LogIndex } from '../types.ts'

export interface SessionBounds {
  readonly maxSessions: number
  /** Answers kept for one session: how many of its commands may be under way at once. */
  readonly maxSessionReplies: number
}

/** Where a command stands in its client's session. */
export interface SessionPlace {
  /** Index of the entry that opened the session. */
  readonly session: LogIndex
  /** 1, 2, 3, … within the session; in any order in the log. */
  readonly sequence: number
  /** Commands below it are answered for the client's part. */
  readonly floor: number
}

export type SessionRefusal =
  /**
   * It was never opened, or had to go. This command was not applied under this entry; an earlier copy may have been.
   */
  | { readonly type: 'unknown-session' }
  /** The client has said that it needs no answer: a late copy. */
  | { readonly type: 'refused'; readonly reason: 'answered-before' | 'session-full' }

export interface SessionState {
  readonly session: LogIndex
  /** Index of the last entry in it. */
  readonly usedAt: LogIndex
  readonly floor: number
  /** By sequence: the reply as JSON. */
  readonly replies: readonly (readonly [sequence: number, reply: string])[]
}

interface Session<Reply> {
  usedAt: LogIndex
  floor: number
  /** Those that were in a snapshot are JSON; of most others nobody asks for the text, and nothing changes them. */
  readonly replies: Map<number, Reply | string>
}

export class Sessions<Reply extends object> {
  readonly #bounds: SessionBounds
  #sessions = new Map<LogIndex, Session<Reply>>()

  constructor(bounds: SessionBounds) {
    this.#bounds = bounds
  }

  /** The new session is called `index`. */
  open({ index }: ApplyMeta): void {
    if (this.#sessions.size >= this.#bounds.maxSessions) this.#dropOldest()
    this.#sessions.set(index, { usedAt: index, floor: 1, replies: new Map() })
  }

  /** The answer to a command: what `apply` answers the first time, the same again for every copy. */
  run(
    { index }: ApplyMeta,
    { session: name, sequence, floor }: SessionPlace,
    apply: () => Reply,
  ): Reply | SessionRefusal {
    const session = this.#sessions.get(name)
    if (session === undefined) return { type: 'unknown-session' }
    if (sequence < session.floor) return { type: 'refused', reason: 'answered-before' }
    session.usedAt = index
    if (floor > session.floor) raise(session, Math.min(floor, sequence))
    const before = session.replies.get(sequence)
    if (before !== undefined) return JSON.parse(textOf(before)) as Reply
    if (session.replies.size >= this.#bounds.maxSessionReplies) return { type: 'refused', reason: 'session-full' }
    const reply = apply()
    session.replies.set(sequence, reply)
    return reply
  }

  snapshot(): SessionState[] {
    return [...this.#sessions].map(([session, { usedAt, floor, replies }]) => ({
      session,
      usedAt,
      floor,
      replies: textsOf(replies),
    }))
  }

  restore(states: readonly SessionState[]): void {
    this.#sessions = new Map(
      states.map(({ session, usedAt, floor, replies }) => [session, { usedAt, floor, replies: new Map(replies) }]),
    )
  }

  #dropOldest(): void {
    let oldest: LogIndex | undefined
    let usedAt = Number.POSITIVE_INFINITY
    for (const [name, session] of this.#sessions) {
      if (session.usedAt < usedAt) {
        oldest = name
        usedAt = session.usedAt
      }
    }
    if (oldest !== undefined) this.#sessions.delete(oldest)
  }
}

/** They stay text: the next snapshot need not make it again. */
function textsOf<Reply extends object>(replies: Map<number, Reply | string>): SessionState['replies'] {
  return Array.from(replies, ([sequence, reply]) => {
    const text = textOf(reply)
    if (text !== reply) replies.set(sequence, text)
    return [sequence, text] as const
  })
}

function textOf(reply: object | string): string {
  return typeof reply === 'string' ? reply : JSON.stringify(reply)
}

function raise<Reply>(session: Session<Reply>, floor: number): void {
  session.floor = floor
  for (const sequence of session.replies.keys()) if (sequence < floor) session.replies.delete(sequence)
}
