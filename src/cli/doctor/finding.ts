// What the doctor says of one thing it looked at.

/** `warning`: it will run, and something may go worse than it could. `problem`: it will not run, or not for long. */
export type Level = 'ok' | 'warning' | 'problem'

export interface Finding {
  /**
   * What was looked at: `node`, `options`, `listen`, `admin`, `clock`, `data`, `disk`, `files`, `join`, and of a node
   * that runs `members`, `quorum`, `s5`.
   */
  readonly check: string
  readonly level: Level
  /** What was found, on one line. */
  readonly text: string
  /** What to do about it, on the same line. */
  readonly advice?: string
  /** The code of the error that a node would meet. */
  readonly code?: string
  /** What was measured, in milliseconds unless a name says otherwise. */
  readonly measured?: Readonly<Record<string, number>>
}

/** Milliseconds with as many digits as help: `0.31 ms`, `12 ms`. */
export function ms(value: number): string {
  return `${value < 10 ? Number(value.toFixed(2)) : Math.round(value)} ms`
}
