// Whose word counts on the log. Every member may repeat the cluster record, and every link can carry messages of Raft;
// a single member that is broken must neither depose a leader nor unseat a voter with them. So Raft is spoken only with
// those who hold the log, as far as this member knows, and a record is believed from a voter, or once two others say
// that there is a newer one: a member that was away while all voters were replaced hears it from everybody. Whoever
// holds the log and has a leader by it needs no such word: what others say of a newer one does not count, however many
// they are, for a broken member may come back under as many keys as it likes. In a sparse overlay a member without the
// log hears of a leader over one neighbor alone, and believes it.

import type { Configuration } from '../../consensus/index.ts'
import type { ClusterRecord } from '../wire/record.ts'

export interface VoicesOptions {
  /** Who votes and learns by the own log; undefined without one. */
  readonly configuration: () => Configuration | undefined
  /** The same by the cluster record, or as it was told at the beginning. */
  readonly said: () => Pick<Configuration, 'voters' | 'learners'>
  /** The highest term this member has seen; undefined without a log. */
  readonly term: () => number | undefined
  /** It holds the log, and has heard of a leader by it not long ago. */
  readonly isLed: () => boolean
  /** It has to believe whoever passes records on: it holds no log, and knows no record or has few neighbors. */
  readonly isCredulous: () => boolean
}

/** By so much a term may be ahead: at one election a second, a century. */
export const MAX_TERM_LEAP = 2 ** 32
/** Others that have told of a newer record and were not believed. */
const MAX_TELLERS = 64

export class Voices {
  readonly #options: VoicesOptions
  /** By member, the index of the newest record that it told and that was not believed. */
  readonly #told = new Map<string, number>()
  /** What the present set of holders was made of: it is asked for with every message. */
  #madeOf: { readonly configuration: unknown; readonly voters: unknown; readonly learners: unknown } | undefined
  #holders: ReadonlySet<string> = new Set()

  constructor(options: VoicesOptions) {
    this.#options = options
  }

  /** A message of Raft with this term may be heard from `from`. */
  mayTakePart(from: string, term: number): boolean {
    const holders = this.#holdersNow()
    return (holders.size === 0 || holders.has(from)) && term <= (this.#options.term() ?? 0) + MAX_TERM_LEAP
  }

  /** `record`, told by `from`, may replace the one with `knownIndex`. */
  believes({ index }: ClusterRecord, from: string, knownIndex: number): boolean {
    const holders = this.#holdersNow()
    if (holders.size === 0 || holders.has(from) || this.#options.isCredulous()) return true
    if (index <= knownIndex) return false
    this.#told.delete(from)
    const isSaidByOthers = [...this.#told.values()].some((other) => other > knownIndex)
    this.#told.set(from, index)
    for (const teller of this.#told.keys()) if (this.#told.size > MAX_TELLERS) this.#told.delete(teller)
    return isSaidByOthers && !this.#options.isLed()
  }

  #holdersNow(): ReadonlySet<string> {
    const configuration = this.#options.configuration()
    const { voters, learners } = this.#options.said()
    const of = this.#madeOf
    if (of?.configuration === configuration && of?.voters === voters && of?.learners === learners) return this.#holders
    const own = configuration ? [...configuration.voters, ...configuration.outgoing, ...configuration.learners] : []
    this.#holders = new Set([...own, ...voters, ...learners].map(({ id }) => id))
    this.#madeOf = { configuration, voters, learners }
    return this.#holders
  }
}
