// Structured logs behind an interface of our own, so that a user can pass any logger. Silent in the API unless asked,
// `info` for the command; what writes then is `pino-logger.ts`. What is said often is limited by {@link oncePer}.

/** How much is said; each level includes those before it. */
export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug'

/** From the quietest to the loudest. */
export const logLevels: readonly LogLevel[] = ['silent', 'error', 'warn', 'info', 'debug']

/** What a record says beside its message. Values are JSON; an `Error` belongs under `error`. */
export type LogFields = Readonly<Record<string, unknown>>

/** Anything that takes records. No method may throw. */
export interface Logger {
  error(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  debug(message: string, fields?: LogFields): void
  /** A logger that adds `fields` to every record. */
  child(fields: LogFields): Logger
}

const nothing = (): void => {}

/** Says nothing, costs nothing: the default of the API. */
export const silentLogger: Logger = {
  error: nothing,
  warn: nothing,
  info: nothing,
  debug: nothing,
  child: () => silentLogger,
}

export interface OncePerOptions {
  /** Milliseconds during which a reason is said once. */
  readonly intervalMs: number
  /** Reasons remembered at once; past that the oldest is forgotten, and may be said again early. Default 256. */
  readonly maxReasons?: number
  /** A monotonic clock in milliseconds. */
  readonly now: () => number
}

/**
 * Limits a line that a stranger can provoke at will. The result answers, per reason, `undefined` when it was said less
 * than `intervalMs` ago, else how often it was held back since: `const held = limit(code); if (held !== undefined)
 * log(…, { held })`.
 */
export function oncePer(options: OncePerOptions): (reason: string) => number | undefined {
  const { intervalMs, maxReasons = 256, now } = options
  const said = new Map<string, { at: number; held: number }>()
  return (reason) => {
    const last = said.get(reason)
    if (last && now() - last.at < intervalMs) {
      last.held += 1
      return undefined
    }
    said.delete(reason)
    said.set(reason, { at: now(), held: 0 })
    for (const oldest of said.keys()) {
      if (said.size <= maxReasons) break
      said.delete(oldest)
    }
    return last?.held ?? 0
  }
}
