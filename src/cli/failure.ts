// How a command fails: one line on stderr, `trellis: ERR_CODE: what and why`, or the same as one JSON object with
// `--json`; and the exit code that scripts go by. Never a stack trace: only a bug has one, and only `TRELLIS_LOG=debug`
// shows it.

import { CommanderError } from 'commander'
import { ClusterError, type ErrorCode } from '../errors.ts'

/** 1: refused. 2: the command was used wrongly. 3: the node asked cannot be reached. */
export type ExitCode = 0 | 1 | 2 | 3

const usageCodes: ReadonlySet<string> = new Set<ErrorCode>(['ERR_USAGE', 'ERR_BAD_OPTIONS'])

/** What every error looks like once it is to be shown. */
export interface Failure {
  readonly code: string
  readonly message: string
  readonly details: unknown
  readonly retryable: boolean
  readonly mayHaveHappened: boolean
}

/** An error that an admin answered with. Its code may be one that this release does not know yet. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError'
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message)
    this.failure = failure
  }
}

/** The command has said all there is to say; only the exit code 1 is left. */
export class AnsweredNo extends Error {
  override readonly name = 'AnsweredNo'
}

/** The command was used wrongly; exit code 2. */
export function usageError(problem: string): ClusterError<'ERR_USAGE'> {
  return new ClusterError('ERR_USAGE', problem, { problem })
}

export function toFailure(error: unknown): Failure {
  if (error instanceof ClusterError) return error.toJSON()
  if (error instanceof RemoteError) return error.failure
  if (error instanceof CommanderError) return usageError(usageText(error)).toJSON()
  const message = error instanceof Error ? error.message : String(error)
  return new ClusterError('ERR_INTERNAL', `a bug: ${message}`, {}).toJSON()
}

export function exitCodeOf(error: unknown): ExitCode {
  const { code } = toFailure(error)
  if (usageCodes.has(code)) return 2
  return code === 'ERR_UNREACHABLE' ? 3 : 1
}

/** The line for stderr, with its line break. */
export function describeFailure(error: unknown, json: boolean): string {
  const failure = toFailure(error)
  if (json) return `${JSON.stringify(failure)}\n`
  return `trellis: ${failure.code}: ${oneLine(failure.message)}\n`
}

/** Commander's own text without its prefix, and with the right way to ask for help. */
function usageText(error: CommanderError): string {
  if (error.code === 'commander.help') return "a command is missing; 'trellis --help' lists them"
  return oneLine(error.message.replace(/^error: /, ''))
}

function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ')
}
