// The built-in logger: one JSON line per record, written by pino. A secret that lands in a record's fields is blanked
// here. Lines go to stderr: stdout belongs to a command's answer. Loaded by whoever logs with it: it would be a tenth
// of what each process loads.

import { destination, pino } from 'pino'
import { type LogFields, type Logger, type LogLevel, silentLogger } from './logger.ts'

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
  if ('on' in stream) stream.on('error', () => {})
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
