// Which revisions a majority of etcd has confirmed, and when: what is asked now and then tells how old an answer may be
// that no majority was asked for, and whether etcd is there at all. A revision that goes back is another history: etcd
// was restored from a backup, and its tokens mean nothing any more.

import type { Clock } from '../../runtime/clock.ts'

interface Confirmed {
  /** When it was asked. */
  readonly at: number
  readonly revision: number
}

/** A stale answer older than so many confirmations is as old as the first of them, or older. */
const MAX_CONFIRMED = 1_024

export class Horizon {
  readonly #clock: Clock
  readonly #freshMs: number
  #confirmed: Confirmed[] = []
  #revision = 0
  #last = Number.NEGATIVE_INFINITY

  /** etcd counts as reached for `freshMs` after it was asked something that it answered. */
  constructor(clock: Clock, freshMs: number) {
    this.#clock = clock
    this.#freshMs = freshMs
  }

  /** The newest revision that was ever seen. */
  get revision(): number {
    return this.#revision
  }

  get isReached(): boolean {
    return this.#clock.now() - this.#last <= this.#freshMs
  }

  /** A majority said so; it was asked at `at`. */
  confirm(revision: number, at: number): void {
    this.#last = Math.max(this.#last, at)
    this.#revision = Math.max(this.#revision, revision)
    this.#confirmed.push({ at, revision })
    if (this.#confirmed.length > MAX_CONFIRMED) this.#confirmed = this.#confirmed.filter((_, place) => place % 2 === 0)
  }

  /** For how long what is known up to `revision` may have missed something, in whole milliseconds. */
  ageMs(revision: number): number {
    const covered = this.#confirmed.findLast((one) => one.revision <= revision)
    const since = covered?.at ?? this.#confirmed[0]?.at ?? this.#clock.now()
    return Math.max(0, Math.round(this.#clock.now() - since))
  }
}
