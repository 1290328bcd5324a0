// Whether the next flush may block the event loop. On a disk that flushes in a tenth of a millisecond the way to the
// thread pool and back takes as long again, so what a disk has done of late decides. Short flushes are credit, which a
// longer one spends: with enough of it the next one is made at once, by a call that blocks, and without by way of the
// thread pool. So a disk that becomes slow blocks the event loop for 4 ms and one flush more before it is found out,
// one that always was slow never does, and a quick one whose flush takes a few milliseconds now and then, as when
// others write to it, stays quick.

/**
 * A flush that takes longer is not short, milliseconds. Larger: more that a disk may block; smaller: a disk that is
 * quick on the whole counts as slow. A guess.
 */
export const shortFlushMs = 1

/**
 * So many short flushes in a row make a disk quick. Larger: fewer slow ones block; smaller: one slow flush costs less.
 * A guess.
 */
export const shortFlushesInARow = 32

/** The most that is kept of short flushes: as many again as make a disk quick. */
const maxCredit = 2 * shortFlushesInARow

/**
 * So many short flushes weigh as much as a millisecond of a longer one. Larger: a disk counts as slow sooner. A guess.
 */
export const creditPerSlowMs = 8

/** The most that is written and flushed at once by a call that blocks, bytes. */
export const maxBlockingBytes = 128 * 1024

export class FlushPace {
  readonly #wanted: number
  #credit = 0

  /** `wanted`: so many short flushes make a disk quick; 0 takes it for quick whatever it does. */
  constructor(wanted = shortFlushesInARow) {
    this.#wanted = wanted
  }

  /** Whether `bytes` may be written and flushed by a call that blocks. */
  mayBlock(bytes: number): boolean {
    return bytes <= maxBlockingBytes && this.#credit >= this.#wanted
  }

  /** A flush took `ms`; by way of the thread pool that includes the way. */
  took(ms: number): void {
    const isQuick = this.#credit >= this.#wanted
    if (ms <= shortFlushMs) this.#credit = Math.min(maxCredit, this.#credit + 1)
    // A disk that is not quick yet has to be so without a break.
    else this.#credit = isQuick ? Math.max(0, this.#credit - creditPerSlowMs * ms) : 0
  }
}
