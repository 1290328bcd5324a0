// What this node keeps of its reasons: the last entries about each member, for a bounded number of members. The member
// about which nothing was written for longest goes first.

import type { Evidence } from './why-interface.ts'

/** Entries about one member; older ones go. A guess: several falls and returns. */
export const MAX_ENTRIES_PER_MEMBER = 32
/** Members with entries; at some 300 bytes an entry a full book stays below 5 MB. */
export const MAX_MEMBERS = 512

type Omitted<Entry> = Entry extends Evidence ? Omit<Entry, 'observer' | 'sequence' | 'at'> : never
/** An entry as it is handed in. */
export type NewEvidence = Omitted<Evidence>

export class EvidenceBook {
  readonly #observer: string
  readonly #wall: () => number
  readonly #entries = new Map<string, Evidence[]>()
  #sequence = 0

  /** `wall`: milliseconds since the epoch. */
  constructor(observer: string, wall: () => number) {
    this.#observer = observer
    this.#wall = wall
  }

  write(member: string, entry: NewEvidence): void {
    const entries = this.#entries.get(member) ?? []
    // Most recently written last.
    this.#entries.delete(member)
    this.#entries.set(member, entries)
    entries.push({ ...entry, observer: this.#observer, sequence: ++this.#sequence, at: Math.round(this.#wall()) })
    if (entries.length > MAX_ENTRIES_PER_MEMBER) entries.shift()
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > MAX_MEMBERS && oldest !== undefined) this.#entries.delete(oldest)
  }

  about(member: string): readonly Evidence[] {
    return this.#entries.get(member) ?? []
  }

  forget(member: string): void {
    this.#entries.delete(member)
  }
}
