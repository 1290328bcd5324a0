// What a witness prints, one JSON object a line, and the oracle reads. `at`, `from` and `to` of times are microseconds
// of the machine's monotonic clock, which is one and the same for all processes on it, in whatever network namespace
// they are.

/** `life` tells the lives of one member apart: the moment at which its process began. */
export type Observed =
  | { readonly type: 'began'; readonly life: number }
  /** The lease of S5 held at `from` and at `to`, and whenever it was asked in between. */
  | { readonly type: 'held'; readonly token: number; readonly from: number; readonly to: number }
  /** A decision of S5 was acknowledged; each counts one on from the last one that its host knew. */
  | { readonly type: 'decided'; readonly token: number; readonly index: number; readonly n: number }
  /** A command of S5 was accepted here; printed when the token differs from that of the one before. */
  | { readonly type: 'accepted'; readonly token: number }
  /** This member's handler has seen the message. */
  | { readonly type: 'handled'; readonly from: string; readonly life: number; readonly seq: number }
  /** This member's message was acknowledged. */
  | { readonly type: 'acknowledged'; readonly to: string; readonly life: number; readonly seq: number }
  | Memory

/** Bytes, right after a collection of all garbage. */
export interface Memory {
  readonly type: 'memory'
  /** In seconds of this life. */
  readonly at: number
  readonly rss: number
  /** In the heap and held by it outside, without `code`. */
  readonly live: number
  /**
   * What V8 has made of the program: it compiles what is called often, for hours, and there is no more of it than of
   * the program.
   */
  readonly code: number
  /** All of V8's heap, with what is free in its pages. */
  readonly heap: number
  /** What the C library's arenas hold, in use or kept for later. */
  readonly arenas: number
}

/** Now, on the clock of the records. */
export function microseconds(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}
