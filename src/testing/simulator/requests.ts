// What is asked of one voter and not answered yet: proposals, from the offer to the applied entry, and reads. The
// runtime keeps the same books in `coordination/proposals.ts`.

import type { ClusterReply, Entry, LogIndex, Term } from '../../../consensus/index.ts'

export type Acknowledged = (index: LogIndex, term: Term) => void
/** Gets the index up to which the machine had applied when it was read. */
export type Served = (index: LogIndex) => void

/** Gets the machine's reply; undefined: it was not taken, and never will be. */
export type Replied = (reply: ClusterReply | undefined) => void

/**
 * Who waits for a proposal: a client, who wants to know where it stands or what was answered, or the host whose
 * `activate` or `release` it is, which only wants to know of a loss.
 */
export type Proposer =
  | { readonly type: 'client'; readonly acknowledged: Acknowledged }
  | { readonly type: 'user'; readonly replied: Replied }
  | { readonly type: 'host'; readonly lost: () => void }

export class Requests {
  readonly #offered = new Map<number, Proposer>()
  readonly #accepted = new Map<LogIndex, { readonly term: Term; readonly proposer: Proposer }>()
  readonly #reads = new Map<number, { readonly served: Served; readonly refused: () => void }>()
  #next = 1

  /** A number that no other request of this life has. */
  number(): number {
    return this.#next++
  }

  offer(proposer: Proposer): number {
    const proposal = this.number()
    this.#offered.set(proposal, proposer)
    return proposal
  }

  accepted(proposal: number, index: LogIndex, term: Term): void {
    const proposer = this.#offered.get(proposal)
    this.#offered.delete(proposal)
    if (proposer !== undefined) this.#accepted.set(index, { term, proposer })
  }

  rejected(proposal: number): void {
    const proposer = this.#offered.get(proposal)
    this.#offered.delete(proposal)
    if (proposer?.type === 'host') proposer.lost()
    if (proposer?.type === 'user') proposer.replied(undefined)
  }

  applied({ index, term }: Entry<unknown>, reply: ClusterReply | undefined): void {
    const waiting = this.#accepted.get(index)
    this.#accepted.delete(index)
    if (waiting === undefined) return
    const isOurs = waiting.term === term
    if (waiting.proposer.type === 'client' && isOurs) waiting.proposer.acknowledged(index, term)
    if (waiting.proposer.type === 'host' && !isOurs) waiting.proposer.lost()
    if (waiting.proposer.type === 'user') waiting.proposer.replied(isOurs ? reply : undefined)
  }

  /** A snapshot took the place of everything up to `index`: what became of proposals there is not known. */
  skipped(through: LogIndex): void {
    for (const index of this.#accepted.keys()) if (index <= through) this.#accepted.delete(index)
  }

  read(served: Served, refused: () => void = () => {}): number {
    const read = this.number()
    this.#reads.set(read, { served, refused })
    return read
  }

  readable(read: number, index: LogIndex): void {
    const waiting = this.#reads.get(read)
    this.#reads.delete(read)
    waiting?.served(index)
  }

  unreadable(read: number): void {
    const waiting = this.#reads.get(read)
    this.#reads.delete(read)
    waiting?.refused()
  }
}
