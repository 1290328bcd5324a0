// A payload on its way over relays, in pieces: which of them are to be sent now. A relay drops what it has no room for,
// so its source sends again what its destination does not say it has, and has no more under way than a few pieces:
// neither end nor a relay keeps more of it.
//
//   sent ahead of what is placed: at most the window ──▶ placed through here: the window moves on
//        │ silence: everything from what is placed on, again, after ever longer pauses
//        └ all placed: asked, now and then, until the destination is done with it
//
// Pieces are taken in order only (go-back-N): what overtakes is thrown away, so that nothing but offsets is remembered.

/** Bytes of one piece: with all that stands before it less than relays pass on. */
export const PIECE_BYTES = 60 * 1024
/** Pieces under way at once: no more than a first relay has room for. */
const WINDOW_PIECES = 4
/**
 * Milliseconds of silence until it is sent again, at first and at most. A guess: above most round trips over relays.
 */
const FIRST_PAUSE_MS = 300
const LONGEST_PAUSE_MS = 4_000
/** A pause is at least so many round trips, as they are measured. */
const ROUND_TRIPS = 4

/** The source's side of one payload. */
export class PieceFlow {
  readonly #bytes: number
  /** Its destination has everything below. */
  #placed = 0
  /** Everything below was sent. Invariant: next - placed <= window. */
  #next = 0
  #pauseMs = FIRST_PAUSE_MS
  #dueAt = Number.POSITIVE_INFINITY
  /** When what ends here was sent for the first time: the next measure of the round trip. */
  #mark: { readonly end: number; readonly at: number } | undefined

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  /** Offsets of the pieces that are to be sent now; that of its end asks, and carries nothing. */
  begin(now: number): readonly number[] {
    return this.#send(now)
  }

  /** Its destination has everything below `through`: less than before when it has begun anew. */
  placed(through: number, now: number): readonly number[] {
    if (through === this.#placed || through > this.#bytes) return []
    const isBack = through < this.#placed
    this.#placed = through
    if (isBack) this.#goBack()
    else this.#next = Math.max(this.#next, through)
    if (this.#mark && through >= this.#mark.end) {
      this.#pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, ROUND_TRIPS * (now - this.#mark.at)))
      this.#mark = undefined
    }
    return this.#send(now)
  }

  /** Time has passed. */
  tick(now: number): readonly number[] {
    if (now < this.#dueAt) return []
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * this.#pauseMs)
    this.#goBack()
    const offsets = this.#send(now)
    return offsets.length > 0 ? offsets : [this.#bytes]
  }

  #goBack(): void {
    this.#next = this.#placed
    this.#mark = undefined
  }

  #send(now: number): readonly number[] {
    const offsets: number[] = []
    while (this.#next < this.#bytes && this.#next - this.#placed < WINDOW_PIECES * PIECE_BYTES) {
      offsets.push(this.#next)
      this.#next = Math.min(this.#bytes, this.#next + PIECE_BYTES)
    }
    if (offsets.length > 0) this.#mark ??= { end: this.#next, at: now }
    this.#dueAt = now + this.#pauseMs
    return offsets
  }
}
