// What a voter gathers in one turn of the event loop, and does at its end: all that was proposed becomes one input of
// Raft, so one write and one message to each follower, and messages that can travel together do
// (`consensus/outgoing.ts`). A caller that writes again as soon as its last write is answered does so before the turn
// ends: then the news of the commit travels with its next entry. And the rest of the node hears that entries were
// applied when those that follow are on their way: it does not stand between a caller and its next write. Most entries
// are of clients: then only who waits for what clients keep is told, at once, for mostly nobody does. A heartbeat and
// the answer to one are all that an idle voter says: they leave at once, without a turn of their own.

import type { ClusterCommand, Entry, RaftMessage } from '../../consensus/index.ts'
import { isOfClients, Outgoing, type Proposal } from '../../consensus/index.ts'
import type { Time } from '../runtime/clock.ts'
import { behindNextTurn, type Turn } from '../runtime/turn.ts'

export interface VoterTurnOptions {
  readonly clock: Pick<Time, 'setImmediate'>
  readonly turn: Pick<Turn, 'enter'>
  /** Entries in one message at most. */
  readonly maxEntries: number
  /** Gives Raft what was proposed, in order. */
  readonly propose: (proposals: readonly Proposal<ClusterCommand>[]) => void
  readonly send: (to: string, message: RaftMessage<ClusterCommand>) => void
  /** All that was sent in this turn is on its way. */
  readonly onSent: () => void
  /** Entries of members were applied, in this turn or the one before, perhaps some of clients among them. */
  readonly onApplied: () => void
  /**
   * Entries of clients were applied, within this step: what follows from it waits until those behind them are on their
   * way.
   */
  readonly onAppliedOfClients: () => void
}

export class VoterTurn {
  readonly #options: VoterTurnOptions
  readonly #outgoing: Outgoing<ClusterCommand>
  #proposals: Proposal<ClusterCommand>[] = []
  #isPlanned = false
  #hasNews = false

  constructor(options: VoterTurnOptions) {
    this.#options = options
    this.#outgoing = new Outgoing(options.maxEntries)
  }

  propose(proposal: Proposal<ClusterCommand>): void {
    this.#proposals.push(proposal)
    this.#plan()
  }

  send(to: string, message: RaftMessage<ClusterCommand>): void {
    this.#outgoing.add(to, message)
    this.#plan()
  }

  /**
   * Runs `step`. If nothing was gathered before, what it sends does not wait for the end of the turn; what it proposes
   * does.
   */
  atOnce(step: () => void): void {
    const isFirst = !this.#isPlanned
    this.#isPlanned = true
    step()
    if (!isFirst) return
    this.#isPlanned = false
    if (this.#proposals.length > 0) this.#plan()
    else this.#sendAll()
  }

  /** Of members it is told once the present turn, and what its end begins, are over. */
  applied(entries: readonly Entry<ClusterCommand>[]): void {
    if (this.#hasNews) return
    if (entries.every(({ command }) => command !== undefined && isOfClients(command))) {
      this.#options.onAppliedOfClients()
      return
    }
    this.#hasNews = true
    behindNextTurn(this.#options, () => {
      this.#hasNews = false
      this.#options.onApplied()
    })
  }

  /** Raft gets what was proposed so far, before it gets anything else. */
  givePending(): void {
    if (this.#proposals.length === 0) return
    const proposals = this.#proposals
    this.#proposals = []
    this.#options.propose(proposals)
  }

  /** What waits leaves now. */
  flush(): void {
    this.#sendAll()
    this.#options.onSent()
  }

  #sendAll(): void {
    for (const { to, message } of this.#outgoing.take()) this.#options.send(to, message)
  }

  #plan(): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    const { clock, turn } = this.#options
    clock.setImmediate(() => turn.enter(() => this.#end()))
  }

  #end(): void {
    this.givePending()
    this.#isPlanned = false
    // What Raft was given may have led to more.
    if (this.#proposals.length > 0) this.#plan()
    this.flush()
  }
}
