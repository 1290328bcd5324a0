// What a leader knows about one follower's log, and how fast it may send (etcd-io/raft calls this a tracker). Three
// modes: `probe`, one message at a time, to find where the logs agree; `replicate`, from there on, a bounded number of
// messages ahead of their answers (thesis section 10.2.1); `snapshot`, while it lacks what the leader's log no longer
// has (chapter 5).

import type { LogIndex, Snapshot } from './types.ts'

/** A snapshot on its way to one follower, one message at a time. */
export interface Sending {
  readonly snapshot: Snapshot
  /** The follower has everything before. */
  offset: number
  /** For what the next step waits: the driver's bytes, or the follower's answer. */
  awaits: 'chunk' | 'reply'
  /** Since when. */
  since: number
  /** The round in which the last bytes were sent. */
  round: number
}

export class Progress {
  /** The last index known to be durable at the follower and equal to the leader's. Only grows. */
  match: LogIndex = 0
  /** The first index of the next message. Invariant: match < next. */
  next: LogIndex
  mode: 'probe' | 'replicate' | 'snapshot' = 'probe'
  /** The log it answers with; undefined before its first answer. */
  storeId: string | undefined
  /** When it was last heard. */
  heardAt: number | undefined
  /** Since when this leader has sent to it. */
  readonly since: number
  /** In mode `snapshot`: how far that is. */
  sending: Sending | undefined
  /** The latest round it answered. */
  answeredRound = 0
  /** The commit index it was told last. */
  toldCommit: LogIndex = 0
  /** What it was told as a spare counts until then. */
  sparedUntil = Number.NEGATIVE_INFINITY
  /** A probe is under way; the next heartbeat sends another. */
  #probing = false
  /** Last index of each message with entries that is not answered, ascending. */
  #inflight: LogIndex[] = []
  readonly #maxInflight: number

  constructor(next: LogIndex, maxInflight: number, now: number) {
    this.next = next
    this.#maxInflight = maxInflight
    this.since = now
  }

  /** Whether a message with entries may be sent now. */
  get hasRoom(): boolean {
    if (this.mode === 'snapshot') return false
    return this.mode === 'probe' ? !this.#probing : this.#inflight.length < this.#maxInflight
  }

  /** A message up to `lastIndex` was sent; `count` of its entries are new ones. */
  sent(lastIndex: LogIndex, count: number): void {
    if (this.mode === 'probe') {
      this.#probing = true
    } else if (this.mode === 'replicate' && count > 0) {
      this.#inflight.push(lastIndex)
      this.next = lastIndex + 1
    }
  }

  /** The follower has everything up to `index`. */
  accepted(index: LogIndex): void {
    if (this.mode === 'snapshot' && index < this.next - 1) return
    if (this.mode !== 'replicate') {
      this.mode = 'replicate'
      this.sending = undefined
      this.next = index + 1
    }
    this.match = Math.max(this.match, index)
    this.next = Math.max(this.next, this.match + 1)
    this.#inflight = this.#inflight.filter((last) => last > this.match)
  }

  /**
   * Whether a refusal of `previousIndex` says something new, rather than repeating what was acted on. Below `match` it
   * cannot be true: a follower that lost what it acknowledged is left to the heartbeats, not argued with at the speed
   * of the wire.
   */
  isNews(previousIndex: LogIndex): boolean {
    if (this.mode === 'snapshot') return false
    return previousIndex > this.match && (this.mode === 'replicate' || previousIndex === this.next - 1)
  }

  /** The logs can agree at `index` at most: look there. */
  refused(index: LogIndex): void {
    this.next = Math.max(index, this.match) + 1
    this.lookAgain()
  }

  /** What was under way is lost: begin again after the last sure place, or keep looking for it. */
  restart(): void {
    if (this.mode === 'snapshot') return
    if (this.mode === 'replicate') this.next = this.match + 1
    this.lookAgain()
  }

  /** What it lacks is only in `snapshot` any more. */
  needsSnapshot(snapshot: Snapshot, now: number): Sending {
    this.mode = 'snapshot'
    this.next = snapshot.index + 1
    this.#probing = false
    this.#inflight = []
    this.sending = { snapshot, offset: 0, awaits: 'chunk', since: now, round: 0 }
    return this.sending
  }

  /** The probe under way may be lost: another may go. */
  lookAgain(): void {
    this.mode = 'probe'
    this.#probing = false
    this.#inflight = []
  }
}
