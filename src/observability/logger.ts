// Structured logs: one JSON line per record, written by pino behind an interface of our own, so that a user can pass any
// other. Silent in the API unless asked, `info` for the command. A secret that lands in a record's fields is blanked here;
// what is said often is limited by {@link oncePer}. Lines go to stderr: stdout belongs to a command's answer.

import { destination, pino } from 'pino'

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

export interface LoggerOptions {
  /** Default `info`. */
  readonly level?: LogLevel
  /** Where the lines go. Default: stderr, written at once so that a crash loses none. */
  readonly write?: (line: string) => void
}

/** Fields whose value never reaches a log, wherever they stand in the first three levels of a record. */
const secretFields = [
  'secret',
  'secrets',
  'adminToken',
  'adminTokens',
  'authorization',
  'cookie',
  'password',
  'privateKey',
]
const redacted = secretFields.flatMap((name) => [name, `*.${name}`, `*.*.${name}`])

/** A logger that writes JSON lines: `{"level":"info","time":…,"pid":…,"message":…,…fields}`. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const level = options.level ?? 'info'
  if (level === 'silent') return silentLogger
  const { write } = options
  const stream = write ? { write } : destination({ fd: 2, sync: true })
  // A closed stderr must not end the node: without its reader a log line has nowhere to go, and that is all.
  if ('on' in stream) stream.on('error', nothing)
  return adapt(
    pino(
      {
        level,
        messageKey: 'message',
        errorKey: 'error',
        base: { pid: process.pid },
        formatters: { level: (label) => ({ level: label }) },
        redact: { paths: redacted, censor: '[redacted]' },
      },
      stream,
    ),
  )
}

/** The four methods of pino that are used. */
interface PinoLike {
  error(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  debug(fields: LogFields, message: string): void
  child(fields: LogFields): PinoLike
}

function adapt(target: PinoLike): Logger {
  return {
    error: (message, fields = {}) => target.error(fields, message),
    warn: (message, fields = {}) => target.warn(fields, message),
    info: (message, fields = {}) => target.info(fields, message),
    debug: (message, fields = {}) => target.debug(fields, message),
    child: (fields) => adapt(target.child({ ...fields })),
  }
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
 * Limits a line that a stranger can provoke at will. The result answers, per reason, `undefined` when it was said less than
 * `intervalMs` ago, else how often it was held back since: `const held = limit(code); if (held !== undefined) log(…, { held })`.
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
