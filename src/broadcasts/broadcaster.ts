// A way to everybody at once: a tree of our own over the overlay's links, or the open topics of a transport.

import type { Envelope } from '../wire/envelope.ts'

/** What is to be sent to everybody, and nobody acknowledges. */
export interface Broadcast {
  readonly channel: Envelope['channel']
  readonly topic: string | undefined
  readonly encoding: Envelope['encoding']
  readonly bytes: number
}

export interface Broadcaster {
  /** Whether it takes this now, to all whom it {@link reaches}. */
  carries(broadcast: Broadcast): boolean
  /** Whether this member, known by its id, hears of what it takes; the others are sent it one by one. */
  reaches(member: string): boolean
  broadcast(envelope: Envelope): void
}
