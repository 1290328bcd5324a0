// What a command has of the world around it, so that tests can hand in another one.

export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The command's answer. */
  readonly out: (text: string) => void
  /** Everything else. */
  readonly err: (text: string) => void
  /** Both are a terminal: somebody watches, so progress is shown. */
  readonly isTerminal: boolean
  /** Aborts when the process that started this one, and asked for that, is gone; see `parent.ts`. */
  readonly parentGone: AbortSignal | undefined
  /**
   * Aborts when an answer cannot be written, or its reader went away: who only shows what comes has nothing left to do.
   */
  readonly outputGone: AbortSignal | undefined
}

/** The flag that every command takes. */
export interface JsonFlag {
  readonly json?: boolean
}
