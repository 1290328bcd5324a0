// What a leader knows about one follower's log, and how fast it may send (etcd-io/raft calls this a tracker). Two modes:
// `probe`, one message at a time, to find where the logs agree; `replicate`, from there on, a bounded number of messages
// ahead of their answers (thesis section 10.2.1). A third, for a follower that needs a snapshot, will stand beside them.

import type { LogIndex } from './types.ts'

export class Progress {
  /** The last index known to be durable at the follower and equal to the leader's. Only grows. */
  match: LogIndex = 0
  /** The first index of the next message. Invariant: match < next. */
  next: LogIndex
  mode: 'probe' | 'replicate' = 'probe'
  /** The latest round it answered. */
  answeredRound = 0
  /** The commit index it was told last. */
  toldCommit: LogIndex = 0
  /** A probe is under way; the next heartbeat sends another. */
  #probing = false
  /** Last index of each message with entries that is not answered, ascending. */
  #inflight: LogIndex[] = []
  readonly #maxInflight: number

  constructor(next: LogIndex, maxInflight: number) {
    this.next = next
    this.#maxInflight = maxInflight
  }

  /** Whether a message with entries may be sent now. */
  get hasRoom(): boolean {
    return this.mode === 'probe' ? !this.#probing : this.#inflight.length < this.#maxInflight
  }

  /** A message up to `lastIndex` was sent; `count` of its entries are new ones. */
  sent(lastIndex: LogIndex, count: number): void {
    if (this.mode === 'probe') {
      this.#probing = true
    } else if (count > 0) {
      this.#inflight.push(lastIndex)
      this.next = lastIndex + 1
    }
  }

  /** The follower has everything up to `index`. */
  accepted(index: LogIndex): void {
    if (this.mode === 'probe') {
      this.mode = 'replicate'
      this.next = index + 1
    }
    this.match = Math.max(this.match, index)
    this.next = Math.max(this.next, this.match + 1)
    this.#inflight = this.#inflight.filter((last) => last > this.match)
  }

  /**
   * Whether a refusal of `previousIndex` says something new, rather than repeating what was acted on. Below `match` it cannot be true: a
   * follower that lost what it acknowledged is left to the heartbeats, not argued with at the speed of the wire.
   */
  isNews(previousIndex: LogIndex): boolean {
    return previousIndex > this.match && (this.mode === 'replicate' || previousIndex === this.next - 1)
  }

  /** The logs can agree at `index` at most: look there. */
  refused(index: LogIndex): void {
    this.next = Math.max(index, this.match) + 1
    this.lookAgain()
  }

  /** What was under way is lost: begin again after the last sure place, or keep looking for it. */
  restart(): void {
    if (this.mode === 'replicate') this.next = this.match + 1
    this.lookAgain()
  }

  /** The probe under way may be lost: another may go. */
  lookAgain(): void {
    this.mode = 'probe'
    this.#probing = false
    this.#inflight = []
  }
}
