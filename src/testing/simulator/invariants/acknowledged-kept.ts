// An acknowledged command is never lost: what a client was told is committed stands at the index it
// was told, in the history and, when all faults are over, in the log of every voter.

import type { ClusterCommand, LogIndex, Term } from '../../../../consensus/index.ts'
import { check } from '../failure.ts'
import type { CommitHistory, ObservedVoter } from './commit-history.ts'

interface Acknowledged {
  readonly index: LogIndex
  readonly term: Term
  readonly command: ClusterCommand
}

export class AcknowledgedKept {
  readonly #acknowledged: Acknowledged[] = []

  get count(): number {
    return this.#acknowledged.length
  }

  /** A client was told that `command` stands at `index`. */
  acknowledge(command: ClusterCommand, index: LogIndex, term: Term, history: CommitHistory): void {
    const entry = history.entryAt(index)
    check(
      entry !== undefined && entry.command === command && entry.term === term,
      'acknowledged-kept',
      () => `a client was told that its command is at ${index}, where another stands`,
    )
    this.#acknowledged.push({ index, term, command })
  }

  /** All faults are over and everybody caught up. */
  atEnd(voters: readonly ObservedVoter[]): void {
    for (const { index, term, command } of this.#acknowledged) {
      for (const voter of voters) {
        const entry = voter.durableEntryAt(index)
        check(
          entry !== undefined && entry.term === term && entry.command === command,
          'acknowledged-kept',
          () => `${voter.id} lost the acknowledged entry ${index} of term ${term}`,
        )
      }
    }
  }
}
