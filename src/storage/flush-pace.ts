// Whether the next flush may block the event loop. On a disk that flushes in a tenth of a millisecond the way to the thread pool and back takes as long again, so what a
// disk has done of late decides: after enough short flushes in a row the next one is made at once, by a call that blocks; after one that was not short they go to
// the thread pool again. So a disk that is slow blocks the event loop for one flush at most before it is found out, and one that always was slow never does.

/** A flush that takes longer is not short, milliseconds. Larger: more that a disk may block; smaller: a disk that is quick on the whole counts as slow. A guess. */
export const shortFlushMs = 1

/** So many short flushes in a row make a disk quick. Larger: fewer slow ones block; smaller: one slow flush costs less. A guess. */
export const shortFlushesInARow = 32

/** The most that is written and flushed at once by a call that blocks, bytes. */
export const maxBlockingBytes = 128 * 1024

export class FlushPace {
  readonly #wanted: number
  #shortInARow = 0

  /** `wanted`: so many short flushes in a row; 0 takes the disk for quick from the start. */
  constructor(wanted = shortFlushesInARow) {
    this.#wanted = wanted
  }

  /** Whether `bytes` may be written and flushed by a call that blocks. */
  mayBlock(bytes: number): boolean {
    return bytes <= maxBlockingBytes && this.#shortInARow >= this.#wanted
  }

  /** A flush took `ms`; by way of the thread pool that includes the way. */
  took(ms: number): void {
    this.#shortInARow = ms <= shortFlushMs ? this.#shortInARow + 1 : 0
  }
}
