// Linearizability of reads (thesis section 6.4; Herlihy and Wing 1990). All clients act on one log: a write is one
// entry, a read sees the machine behind some index. Such a history is linearizable exactly if no read sees less than
// any write or read that had been answered before it was asked: the log orders the writes, and reads fit between them
// by what they saw.

import type { LogIndex } from '../../../../consensus/index.ts'
import { check } from '../failure.ts'

export class LinearizableReads {
  /** The largest index that any answer has shown. */
  #shown: LogIndex = 0
  served = 0

  /** A write at `index` was acknowledged. */
  completed(index: LogIndex): void {
    this.#shown = Math.max(this.#shown, index)
  }

  /** A read is asked for; the function takes its answer: the index that the machine at `at` stood behind. */
  begins(): (at: string, index: LogIndex) => void {
    const least = this.#shown
    return (at, index) => {
      check(
        index >= least,
        'linearizable-reads',
        () => `a read at ${at} saw ${index}, when ${least} had been shown before it was asked`,
      )
      this.served++
      this.completed(index)
    }
  }
}
