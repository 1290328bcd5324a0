// What delivery says between the two ends of a stream, and what it must know of a user's message to do so. A stream is
// all acknowledged messages of one (source generation, destination generation, channel); its sequences count from 1
// without gaps. The words are the core's; how they look as bytes is the wire's.

/** Sequences from `first` to `last`, both included. */
export interface Range {
  readonly first: number
  readonly last: number
}

/**
 * A message of this member's, as it is kept until it is settled: the runtime's own object, so that nothing is copied.
 * The last two fields belong to the core; the runtime makes them 0 and `waiting` and only reads them.
 */
export interface Outgoing {
  /** First in, first out among messages of one source with the same key. */
  readonly key: string | undefined
  /** Of messages with the same key only the newest matters; an older one may be left out. */
  readonly isMonotonic: boolean
  /** When its sender stops waiting, in the unit of `now`. Infinity: never. */
  readonly expiresAt: number
  /** 0 until it was first transmitted; a message with 0 has surely not happened. */
  sequence: number
  progress: Progress
}

/** `received`: the other end has it, so it is not sent again. `abandoned`: nobody waits for it any more. */
export type Progress = 'waiting' | 'sent' | 'received' | 'abandoned' | 'settled'

/** A message of another member, as it came. */
export interface Incoming {
  /** From 1. 0: unordered, never resent; delivery does not look at it. */
  readonly sequence: number
  /**
   * Nothing below it is sent again or asked after. 0: the message is not acknowledged, `sequence` only orders its key.
   */
  readonly floor: number
  readonly key: string | undefined
  readonly isMonotonic: boolean
}

/**
 * Destination to source, after handlers have finished and whenever it is asked. It says everything each time, so that
 * one that is lost needs no repeat but the next. The source settles what is finished, and resends what an answer does
 * not mention.
 */
export interface Acknowledgement<Failure> {
  /** All sequences up to this one are finished. */
  readonly finishedThrough: number
  /** The lists say all there is to say of the sequences above that, up to this one. */
  readonly until: number
  readonly finished: readonly Range[]
  /** The destination has them, and their handlers have not finished. */
  readonly received: readonly Range[]
  /** Finished ones of which the handler failed or was missing. Repeated until the floor has passed them. */
  readonly failures: readonly { readonly sequence: number; readonly failure: Failure }[]
  /** It answers a probe: what it does not mention up to `until` is missing, and is sent again. */
  readonly isAnswer: boolean
}

/**
 * Source to destination, when it abandoned a message or has heard nothing for a while. The destination answers with
 * what it has.
 */
export interface Floor {
  readonly floor: number
  /** The highest sequence that was transmitted. */
  readonly sentThrough: number
  /** Abandoned sequences at or above the floor: the destination no longer waits for them. */
  readonly skipped: readonly Range[]
}

/** Ranges in one message at most; what is beyond them is said by a later one. */
export const MAX_RANGES = 128
/** Failures in one acknowledgement at most; it then says nothing beyond the last of them. */
export const MAX_FAILURES = 32

/** The ascending `sequences` as ranges, at most {@link MAX_RANGES}. */
export function rangesOf(sequences: Iterable<number>): Range[] {
  const ranges: { first: number; last: number }[] = []
  for (const sequence of sequences) {
    const range = ranges.at(-1)
    if (range && range.last === sequence - 1) range.last = sequence
    else if (ranges.length === MAX_RANGES) break
    else ranges.push({ first: sequence, last: sequence })
  }
  return ranges
}
