// Ends links over which nothing comes any more. A cut cable closes no connection, and after a long cut TCP waits as
// long again before it tries to send, up to two minutes: a link that was cut for a minute would be deaf for another one
// after the network is whole. So each end of a link between members says something every two seconds, with many links
// every six at most, and an end that hears nothing for four times as long as the other end has paused of late, eight
// seconds at least, breaks the link off and calls anew: the far end takes the new connection for the old one. A peer
// that is slow, or stands still, loses its connection by that and nothing else; silence is no evidence against anybody.

import type { Time, Timer } from '../runtime/clock.ts'
import type { Turn } from '../runtime/turn.ts'
import { type Holds, SPEAK_EVERY_MS } from './holds.ts'
import type { Links } from './links.ts'

/**
 * So often unheard. Fewer: busy peers lose links. More: after a cut of that length TCP alone heals within the bound no
 * more.
 */
const WORDS_MISSED = 4
/** Sooner no link is silent. */
export const SILENT_MS = WORDS_MISSED * SPEAK_EVERY_MS

export interface SilenceOptions {
  readonly links: Pick<Links, 'heardAt' | 'breakOff'>
  readonly holds: Pick<Holds, 'repeat' | 'repeating'>
  readonly clock: Time
  readonly turn: Pick<Turn, 'enter'>
  readonly count: (reason: string) => void
}

export class Silence {
  readonly #options: SilenceOptions
  readonly #timer: Timer
  #lookedAt: number
  /**
   * When it last looked, the oldest first. A process that looks late reads late, too: what came waits in its sockets.
   */
  readonly #looks: number[] = []
  /** What was not heard before is nobody's silence: this process did not run. */
  #listeningSince: number

  constructor(options: SilenceOptions) {
    const { clock, turn } = options
    this.#options = options
    this.#lookedAt = clock.now()
    this.#listeningSince = this.#lookedAt
    this.#timer = clock.setInterval(() => turn.enter(() => this.#look()), SPEAK_EVERY_MS)
    this.#timer.unref()
  }

  close(): void {
    this.#timer[Symbol.dispose]()
  }

  #look(): void {
    const { links, holds, clock, count } = this.#options
    const now = clock.now()
    if (now - this.#lookedAt > 2 * SPEAK_EVERY_MS) this.#listeningSince = now
    this.#lookedAt = now
    const earliest = this.#looks.length < WORDS_MISSED - 1 ? Number.NEGATIVE_INFINITY : this.#looks.shift()!
    this.#looks.push(now)
    holds.repeat()
    for (const [peer, gapMs] of [...holds.repeating()]) {
      const heardAt = links.heardAt(peer)
      const patienceMs = WORDS_MISSED * Math.max(gapMs, SPEAK_EVERY_MS)
      if (heardAt === undefined || heardAt > earliest) continue
      if (now - Math.max(heardAt, this.#listeningSince) < patienceMs) continue
      count('link-silent')
      links.breakOff(peer)
    }
  }
}
