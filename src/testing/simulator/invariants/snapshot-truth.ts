// A snapshot says what the log said (thesis section 5.1): it ends with a committed entry, in that entry's term, carries
// the configuration of that place, and whoever captures or takes it up has the same state there.

import type { Configuration, LogIndex, Snapshot, Term } from '../../../../consensus/index.ts'
import { check } from '../failure.ts'
import type { CommitHistory } from './commit-history.ts'

interface Place {
  readonly index: LogIndex
  readonly term: Term
  readonly configuration: Configuration
}

export class SnapshotTruth {
  readonly #digests = new Map<LogIndex, number>()
  restores = 0

  captured(id: string, place: Place, digest: number, history: CommitHistory): void {
    this.#compare(`${id} captures`, place, digest, history)
  }

  restored(id: string, snapshot: Snapshot, digest: number, history: CommitHistory): void {
    this.restores++
    this.#compare(`${id} takes up`, snapshot, digest, history)
  }

  #compare(who: string, { index, term, configuration }: Place, digest: number, history: CommitHistory): void {
    const entry = history.entryAt(index)
    check(entry?.term === term, 'snapshot-truth', () => `${who} ${index} of term ${term}, where ${entry?.term} stands`)
    const there = history.configurationAt(index)
    check(
      there === undefined || JSON.stringify(there) === JSON.stringify(configuration),
      'snapshot-truth',
      () => `${who} ${index} with ${JSON.stringify(configuration)}, where ${JSON.stringify(there)} was in force`,
    )
    const known = this.#digests.get(index) ?? digest
    this.#digests.set(index, known)
    check(known === digest, 'snapshot-truth', () => `${who} ${index} with another state than others had there`)
  }
}
