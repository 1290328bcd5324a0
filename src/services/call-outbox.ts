// What is to be said to other members about calls, gathered into messages. All that one turn of the loop brings leaves
// as one; and while enough is on its way to a member unacknowledged, what follows waits for an acknowledgement, but not
// for long: a message costs both ends many times what a call does, and callers that begin together would otherwise
// drift apart into messages of a few calls each. (Nagle's way, RFC 896, with two on the way in place of one.)
//
//   say ──▶ gathered ── turn ends, fewer than ON_THE_WAY under way, or full ───▶ sent ── settled ──▶ one less under way
//              └── held ── one is settled, or HELD_MS are over ───────────────────▲

import type { Time, Timer } from '../runtime/clock.ts'
import { type Kind, OutgoingBatch } from './call-messages.ts'

/**
 * Messages to one member that are not acknowledged yet. Two: the other end works on one while this one makes the next.
 */
const ON_THE_WAY = 2
/** Members far away acknowledge late: nothing waits for that longer than this. */
const HELD_MS = 1

export interface CallOutboxOptions {
  readonly clock: Time
  /** Whatever must be done before what is gathered is sent. */
  readonly beforeSending: () => void
  /** Calls `settled` once, when the message was acknowledged or given up. */
  readonly send: (to: string, batch: OutgoingBatch, settled: () => void) => void
}

export class CallOutbox implements Disposable {
  readonly #options: CallOutboxOptions
  #batches = new Map<string, OutgoingBatch>()
  /** How many messages to each member are not settled yet; none is not kept. */
  readonly #onTheWay = new Map<string, number>()
  #release: Timer | undefined
  #isScheduled = false
  #isClosed = false

  constructor(options: CallOutboxOptions) {
    this.#options = options
  }

  /** The message it is in. `text` is JSON; `until`: when nobody waits for it any more, 0 when nobody does now. */
  say(to: string, kind: Kind, text: string, until: number): OutgoingBatch {
    if (this.#batches.get(to)?.isFull) this.sendTo(to)
    let batch = this.#batches.get(to)
    if (!batch) {
      batch = new OutgoingBatch()
      if (!this.#isClosed) this.#batches.set(to, batch)
    }
    batch.add(kind, text, until)
    this.schedule()
    return batch
  }

  /** Sends what is gathered for a member, whatever is on its way. */
  sendTo(to: string): void {
    const batch = this.#batches.get(to)
    // Before it is sent: what cannot be may be said again at once.
    this.#batches.delete(to)
    if (batch) this.#send(to, batch)
  }

  /**
   * Sends when everything that runs now has said what it has to say: after the microtasks, of which more may come while
   * they run.
   */
  schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => process.nextTick(() => this.#flush()))
  }

  /** What was held would have been sent by now. */
  [Symbol.dispose](): void {
    this.#isClosed = true
    this.#release?.[Symbol.dispose]()
    for (const [to, batch] of this.#batches) if (batch.heldSince !== undefined) this.#send(to, batch)
    this.#batches.clear()
  }

  #flush(): void {
    this.#isScheduled = false
    this.#options.beforeSending()
    this.#sendAll((to, batch) => batch.isFull || (this.#onTheWay.get(to) ?? 0) < ON_THE_WAY)
  }

  /** Those that are ready; the others are held. */
  #sendAll(isReady: (to: string, batch: OutgoingBatch) => boolean): void {
    // Not cleared: a cleared map keeps what was in it from the collector until it is collected itself.
    const batches = this.#batches
    this.#batches = new Map()
    const ready: [string, OutgoingBatch][] = []
    for (const [to, batch] of batches)
      if (isReady(to, batch)) ready.push([to, batch])
      else this.#hold(to, batch)
    // Last: what cannot be sent may be said again at once, to a member for which some is held.
    for (const [to, batch] of ready) this.#send(to, batch)
  }

  #hold(to: string, batch: OutgoingBatch): void {
    const { clock } = this.#options
    this.#batches.set(to, batch)
    batch.heldSince ??= clock.now()
    // One that goes off while nothing is due any more costs less than one that is called off each time.
    this.#release ??= clock.setTimeout(() => this.#overdue(), HELD_MS)
  }

  #overdue(): void {
    this.#release = undefined
    const last = this.#options.clock.now() - HELD_MS
    this.#sendAll((_, { heldSince }) => heldSince !== undefined && heldSince <= last)
  }

  #send(to: string, batch: OutgoingBatch): void {
    this.#onTheWay.set(to, (this.#onTheWay.get(to) ?? 0) + 1)
    this.#options.send(to, batch, () => {
      const left = this.#onTheWay.get(to)! - 1
      if (left > 0) this.#onTheWay.set(to, left)
      else this.#onTheWay.delete(to)
      if (this.#batches.has(to)) this.schedule()
    })
  }
}
