// Log matching (thesis section 3.5): two logs that hold an entry with the same index and term are the same up to it. If
// every (index, term) ever written has one command and one previous term, that follows by induction, so a look at each
// entry as it is written is enough and no two logs are ever compared.

import type { ClusterCommand, Configuration, Entry, LogIndex, Term } from '../../../../consensus/index.ts'
import { check } from '../failure.ts'

/** Terms of one run stay far below; a larger one would still only make the check stricter. */
const MAX_TERM = 2 ** 20

interface Written {
  readonly command: ClusterCommand | undefined
  readonly configuration: Configuration | undefined
  readonly previousTerm: Term
}

export class LogMatching {
  readonly #written = new Map<number, Written>()

  wrote(id: string, entry: Entry<ClusterCommand>, previousTerm: Term): void {
    const key = positionKey(entry.index, entry.term)
    const known = this.#written.get(key)
    if (known === undefined) {
      this.#written.set(key, { command: entry.command, configuration: entry.configuration, previousTerm })
      return
    }
    const place = (): string => `${id} wrote entry ${entry.index} of term ${entry.term}`
    check(
      known.command === entry.command && known.configuration === entry.configuration,
      'log-matching',
      () => `${place()} with another command than elsewhere`,
    )
    check(
      known.previousTerm === previousTerm,
      'log-matching',
      () => `${place()} behind term ${previousTerm}, elsewhere it is behind term ${known.previousTerm}`,
    )
  }
}

function positionKey(index: LogIndex, term: Term): number {
  return index * MAX_TERM + term
}
