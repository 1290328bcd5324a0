// What a sequence of writes adds up to: the hard state, and the entries after every overwriting (the rule of etcd's WAL: an
// entry replaces everything from its index on). Shared by all log stores, so that they cannot differ in it.

import type { LogWrite, StoredEntry, StoredHardState } from './log-store.ts'

/** Stored bytes that have a good checksum and still make no sense. */
export class Malformed extends Error {
  override readonly name = 'Malformed'
}

export function malformed(problem: string): never {
  throw new Malformed(problem)
}

export class LogContents {
  hardState: StoredHardState = { term: 0, votedFor: undefined }
  /** Invariant: `entries[i].index === i + 1`. */
  readonly entries: StoredEntry[] = []

  setHardState(hardState: StoredHardState): void {
    this.hardState = hardState
  }

  put(entry: StoredEntry): void {
    const { index } = entry
    if (index < 1 || index > this.entries.length + 1) malformed(`entry ${index} behind entry ${this.entries.length}`)
    this.entries.length = index - 1
    this.entries.push(entry)
  }

  apply(writes: readonly LogWrite[]): void {
    for (const { hardState, entries } of writes) {
      if (hardState !== undefined) this.setHardState(hardState)
      for (const entry of entries) this.put(entry)
    }
  }
}

/**
 * The index of the last entry after `writes`, on a log that ends at `lastIndex`. Throws when they would leave a hole or
 * are out of order: a bug of the caller, noticed before it is on the disk.
 */
export function lastIndexAfter(writes: readonly LogWrite[], lastIndex: number): number {
  let last = lastIndex
  for (const { entries } of writes) {
    entries.forEach(({ index }, position) => {
      const wanted = entries[0]!.index + position
      if (index < 1 || index > last + 1 || index !== wanted) {
        throw new RangeError(`entry ${index} cannot follow entry ${last}: a bug in the caller of append`)
      }
      last = index
    })
  }
  return last
}
