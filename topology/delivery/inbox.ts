// The destination's end of one stream: each message goes to its handler once, those with a key in the order of their
// sequences, and the source is told what has finished. Bounded by the window: a sequence above floor + window is
// refused, and no correct source sends one.
//
//      (unseen) ──comes──▶ received ──handler has finished──▶ finished
//          │                  │ has a key and one before it is missing: held until that comes or is skipped
//          └──skipped─────────┴──────────────────────────────▶ finished
//
// Everything below the floor is forgotten: the source does not ask after it again.

import { type Acknowledgement, type Floor, type Incoming, MAX_FAILURES, MAX_RANGES, type Range } from './messages.ts'
import { Newest } from './newest.ts'
import type { DeliveryOptions } from './options.ts'

/** Why a message was not handed over. `late`: its source had given it up; `duplicate` and `stale` lose nothing. */
export type InboxDropReason = 'duplicate' | 'late' | 'stale' | 'beyond-window' | 'held-full' | 'malformed'

export interface InboxEffects<In> {
  readonly deliver: In[]
  /** Kept here until those before them have come; later in `deliver` or `dropped`. */
  readonly held: In[]
  readonly dropped: { message: In; reason: InboxDropReason }[]
}

const UNSEEN = 0
const RECEIVED = 1
const FINISHED = 2
const FIRST_RING_MESSAGES = 64

export class Inbox<In extends Incoming, Failure> {
  readonly #options: DeliveryOptions
  /** What became of each sequence from the floor on, by sequence modulo its length, a power of two. */
  #ring = new Uint8Array(FIRST_RING_MESSAGES)
  #floor = 1
  /** Everything below was received, skipped or is below the floor. */
  #expected = 1
  /** Everything below is finished or below the floor. */
  #unfinished = 1
  /** The highest sequence received or skipped. */
  #highest = 0
  readonly #held = new Map<number, In>()
  readonly #failures = new Map<number, Failure>()
  readonly #newest: Newest
  /** The source is owed an acknowledgement. */
  isOwing = false
  #probedThrough = 0
  #isAnswerOwed = false

  constructor(options: DeliveryOptions) {
    this.#options = options
    this.#newest = new Newest(options.maxKeys)
  }

  receive(messages: readonly In[], effects: InboxEffects<In>): void {
    for (const message of messages) {
      const reason = this.#receive(message, effects)
      if (reason === undefined) continue
      effects.dropped.push({ message, reason })
      // It may be a repeat because the acknowledgement was lost.
      this.isOwing = true
    }
  }

  /** The source says where it stands, and wants to hear the same. */
  probe({ floor, sentThrough, skipped }: Floor, effects: InboxEffects<In>): void {
    this.#raiseFloor(floor, effects)
    const end = this.#floor + this.#options.windowMessages - 1
    for (const { first, last } of skipped)
      for (let sequence = Math.max(first, this.#floor); sequence <= Math.min(last, end); sequence++)
        this.#skip(sequence, effects)
    this.#release(effects)
    this.#probedThrough = Math.min(sentThrough, end)
    this.#isAnswerOwed = true
    this.isOwing = true
  }

  /** The handler of `sequence` is done, or never was one: then there is a `failure`. */
  finish(sequence: number, failure: Failure | undefined): void {
    this.isOwing = true
    // Below the floor the source has given it up; what was never received cannot be finished.
    if (sequence < this.#floor || this.#stateOf(sequence) !== RECEIVED) return
    if (failure !== undefined) this.#failures.set(sequence, failure)
    this.#setFinished(sequence)
  }

  /** What the source must know; nothing is owed afterwards. */
  acknowledgement(): Acknowledgement<Failure> {
    this.isOwing = false
    const isAnswer = this.#isAnswerOwed
    this.#isAnswerOwed = false
    const failures = []
    let until = Math.max(this.#highest, isAnswer ? this.#probedThrough : 0)
    for (const [sequence, failure] of this.#failures) {
      failures.push({ sequence, failure })
      if (failures.length === MAX_FAILURES) break
    }
    // A failure that found no room must not look like a success.
    for (const [sequence] of this.#rest(failures.length)) until = Math.min(until, sequence - 1)
    const finishedThrough = Math.min(this.#unfinished - 1, until)
    const { finished, received, told } = this.#ranges(finishedThrough + 1, until)
    return { finishedThrough, until: told, finished, received, failures, isAnswer }
  }

  #rest(conveyed: number): [number, Failure][] {
    return this.#failures.size > conveyed ? [...this.#failures].slice(conveyed) : []
  }

  #ranges(first: number, until: number): { finished: Range[]; received: Range[]; told: number } {
    const finished: Range[] = []
    const received: Range[] = []
    let start = first
    for (let sequence = first; sequence <= until; sequence++) {
      const state = this.#stateOf(sequence)
      if (sequence < until && this.#stateOf(sequence + 1) === state) continue
      if (state !== UNSEEN) (state === FINISHED ? finished : received).push({ first: start, last: sequence })
      start = sequence + 1
      if (finished.length + received.length === MAX_RANGES) return { finished, received, told: sequence }
    }
    return { finished, received, told: Math.max(until, first - 1) }
  }

  #receive(message: In, effects: InboxEffects<In>): InboxDropReason | undefined {
    const { sequence, floor } = message
    if (floor < 1 || floor > sequence) return 'malformed'
    if (floor > this.#floor) this.#raiseFloor(floor, effects)
    if (sequence < this.#floor) return 'late'
    if (sequence >= this.#floor + this.#options.windowMessages) return 'beyond-window'
    if (this.#stateOf(sequence) !== UNSEEN) return 'duplicate'
    const { key, isMonotonic } = message
    const isStale = isMonotonic && !this.#newest.admits(key ?? '', sequence)
    const mustWait = key !== undefined && !isMonotonic && sequence > this.#expected
    if (mustWait && this.#held.size === this.#options.maxHeldMessages) return 'held-full'
    this.#set(sequence, RECEIVED)
    if (isStale) this.#setFinished(sequence)
    else if (mustWait) {
      this.#held.set(sequence, message)
      effects.held.push(message)
    } else effects.deliver.push(message)
    if (sequence === this.#expected) this.#release(effects)
    return isStale ? 'stale' : undefined
  }

  #stateOf(sequence: number): number {
    // Above what the ring holds nothing has come.
    return sequence < this.#floor + this.#ring.length
      ? (this.#ring[sequence & (this.#ring.length - 1)] as number)
      : UNSEEN
  }

  #set(sequence: number, state: number): void {
    while (sequence >= this.#floor + this.#ring.length) this.#grow()
    this.#ring[sequence & (this.#ring.length - 1)] = state
    if (sequence > this.#highest) this.#highest = sequence
  }

  #grow(): void {
    const old = this.#ring
    const ring = new Uint8Array(2 * old.length)
    for (let sequence = this.#floor; sequence < this.#floor + old.length; sequence++)
      ring[sequence & (ring.length - 1)] = old[sequence & (old.length - 1)] as number
    this.#ring = ring
  }

  #setFinished(sequence: number): void {
    this.#set(sequence, FINISHED)
    while (this.#unfinished <= this.#highest && this.#stateOf(this.#unfinished) === FINISHED) this.#unfinished += 1
  }

  #skip(sequence: number, effects: InboxEffects<In>): void {
    const state = this.#stateOf(sequence)
    const held = this.#held.get(sequence)
    if (held) {
      this.#held.delete(sequence)
      effects.dropped.push({ message: held, reason: 'late' })
    }
    // One whose handler runs goes on; its source just does not wait for it.
    if (state === UNSEEN || held) this.#setFinished(sequence)
  }

  /** Hands over what waited for what is there now. */
  #release(effects: InboxEffects<In>): void {
    while (this.#expected <= this.#highest && this.#stateOf(this.#expected) !== UNSEEN) {
      if (this.#held.size > 0) {
        const held = this.#held.get(this.#expected)
        if (held) {
          this.#held.delete(this.#expected)
          effects.deliver.push(held)
        }
      }
      this.#expected += 1
    }
  }

  #raiseFloor(floor: number, effects: InboxEffects<In>): void {
    if (floor <= this.#floor) return
    const cleared = Math.min(floor, this.#floor + this.#ring.length)
    for (let sequence = this.#floor; sequence < cleared; sequence++)
      this.#ring[sequence & (this.#ring.length - 1)] = UNSEEN
    this.#floor = floor
    this.#highest = Math.max(this.#highest, floor - 1)
    if (this.#failures.size > 0)
      for (const sequence of this.#failures.keys()) if (sequence < floor) this.#failures.delete(sequence)
    if (this.#held.size > 0)
      for (const [sequence, message] of this.#held)
        if (sequence < floor) {
          this.#held.delete(sequence)
          effects.dropped.push({ message, reason: 'late' })
        }
    if (this.#unfinished < floor) {
      this.#unfinished = floor
      while (this.#unfinished <= this.#highest && this.#stateOf(this.#unfinished) === FINISHED) this.#unfinished += 1
    }
    if (this.#expected < floor) {
      this.#expected = floor
      this.#release(effects)
    }
  }
}
