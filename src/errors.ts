// Every error that a user can meet, in one list. `docs/errors.md` explains each code: when, whether the operation may
// have happened, whether to retry. A test compares code, docs and types in both directions.

/** Typed details by code. */
export interface ErrorDetails {
  ERR_BAD_OPTIONS: { readonly problems: readonly string[] }
  ERR_USAGE: { readonly problem: string }
  ERR_UNREACHABLE: { readonly url: string }
  ERR_SECRET_REQUIRED: { readonly listen: string }
  ERR_ADMIN_TOKEN_REQUIRED: { readonly admin: string }
  ERR_ADDRESS_IN_USE: { readonly address: string }
  ERR_ADDRESS_UNUSABLE: { readonly address: string }
  ERR_DATA_UNWRITABLE: { readonly path: string }
  ERR_DATA_IN_USE: { readonly path: string; readonly pid: number | undefined }
  ERR_DATA_FOREIGN: { readonly path: string; readonly expected: string; readonly found: string }
  ERR_DATA_ROLLED_BACK: { readonly id: string; readonly generation: number; readonly seen: number }
  ERR_DATA_VERSION: { readonly path: string; readonly found: number; readonly supported: number }
  ERR_LOG_CORRUPT: { readonly path: string; readonly offset: number }
  ERR_DISK: { readonly path: string }
  ERR_HANDSHAKE_FAILED: { readonly address: string; readonly reason: string }
  ERR_WRONG_SECRET: { readonly address: string }
  ERR_VERSION_MISMATCH: { readonly address: string; readonly ours: string; readonly theirs: string }
  ERR_FOREIGN_CLUSTER: { readonly address: string; readonly ours: string; readonly theirs: string }
  ERR_MERGE_REFUSED: { readonly reason: MergeRefusal; readonly names: readonly string[] }
  ERR_CLUSTER_MERGED: { readonly from: string; readonly into: string; readonly addresses: readonly string[] }
  ERR_NAME_TAKEN: { readonly name: string; readonly holder: string }
  ERR_CLUSTER_UNREACHABLE: { readonly join: readonly string[] }
  ERR_NOT_LEADER: { readonly leader: string | undefined }
  ERR_NO_QUORUM: { readonly voters: readonly string[] }
  ERR_UPGRADE_PENDING: { readonly level: number; readonly agreed: number }
  ERR_STALE_TOKEN: { readonly token: number; readonly current: number }
  ERR_LEASE_LOST: { readonly lease: string; readonly fencingToken: number }
  ERR_KEY_NOT_FOUND: { readonly key: string }
  ERR_REVISION_MISMATCH: { readonly key: string; readonly revision: number }
  ERR_COMPACTED: { readonly compacted: number }
  ERR_INVALID_VALUE: { readonly key: string; readonly issues: readonly string[] }
  ERR_CONFIG_FULL: { readonly reason: string }
  ERR_LOCK_HELD: { readonly name: string; readonly owner: string; readonly token: number }
  ERR_UNKNOWN_MEMBER: { readonly member: string }
  ERR_MEMBER_DOWN: { readonly member: string }
  ERR_UNKNOWN_CHANNEL: { readonly channel: string }
  ERR_NO_ROUTE: { readonly member: string }
  ERR_NO_HANDLER: { readonly member: string; readonly subject: string }
  ERR_HANDLER_FAILED: { readonly member: string; readonly subject: string; readonly reason: string }
  ERR_UNKNOWN_SERVICE: { readonly service: string }
  ERR_PAYLOAD_TOO_LARGE: { readonly bytes: number; readonly limit: number }
  ERR_BUFFER_FULL: { readonly queue: string; readonly limit: number }
  ERR_UNKNOWN_TOPOLOGY: { readonly name: string; readonly known: readonly string[] }
  ERR_SWITCH_IN_PROGRESS: { readonly to: string }
  ERR_TOPOLOGY_MISMATCH: { readonly expected: string; readonly current: string }
  ERR_NO_SERVER_NODES: { readonly topology: string }
  ERR_TIMEOUT: { readonly operation: string; readonly timeoutMs: number }
  ERR_DEADLINE_EXCEEDED: { readonly operation: string; readonly deadlineMs: number }
  ERR_ABORTED: { readonly operation: string }
  ERR_SHUTTING_DOWN: Record<string, never>
  ERR_UNAUTHORIZED: Record<string, never>
  ERR_FORBIDDEN: { readonly role: string; readonly needs: string }
  ERR_FORBIDDEN_ORIGIN: { readonly header: string; readonly value: string }
  ERR_FAULTS_NOT_ALLOWED: Record<string, never>
  ERR_NOT_FOUND: { readonly path: string }
  ERR_UPGRADE_REQUIRED: { readonly protocol: string }
  ERR_METHOD_NOT_ALLOWED: { readonly method: string; readonly allowed: readonly string[] }
  ERR_UNSUPPORTED_MEDIA_TYPE: { readonly contentType: string }
  ERR_BAD_REQUEST: { readonly problem: string }
  ERR_UNSUPPORTED: { readonly feature: string; readonly engine: string }
  ERR_SESSION_LOST: { readonly node: string }
  ERR_INTERNAL: Record<string, never>
}

/** Why two clusters are not merged; `names` are those that both have, where that is why. */
export type MergeRefusal = 'both-hold-data' | 'names-in-common' | 'log-too-far-behind' | 'dissolved-elsewhere'

/** The stable codes, one for each way a call can fail; `docs/errors.md` explains each. */
export type ErrorCode = keyof ErrorDetails

/** Codes after which the same call may succeed later without anyone changing anything. */
const retryable: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_UNREACHABLE',
  'ERR_CLUSTER_UNREACHABLE',
  'ERR_HANDSHAKE_FAILED',
  'ERR_NOT_LEADER',
  'ERR_NO_QUORUM',
  'ERR_UPGRADE_PENDING',
  'ERR_SWITCH_IN_PROGRESS',
  'ERR_MEMBER_DOWN',
  'ERR_UNKNOWN_SERVICE',
  'ERR_NO_ROUTE',
  'ERR_BUFFER_FULL',
  'ERR_TIMEOUT',
])

export interface ClusterErrorOptions {
  readonly cause?: unknown
  /** The operation may have taken effect although the call failed. Default false: it has not, and never will. */
  readonly mayHaveHappened?: boolean
}

/** A failed call of the public API. Tell errors apart by `code`, never by message. */
export class ClusterError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'ClusterError'
  readonly code: Code
  readonly details: ErrorDetails[Code]
  readonly retryable: boolean
  readonly mayHaveHappened: boolean

  constructor(code: Code, message: string, details: ErrorDetails[Code], options: ClusterErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = details
    this.retryable = retryable.has(code)
    this.mayHaveHappened = options.mayHaveHappened ?? false
  }

  /** What HTTP and `--json` show: never a stack, never the cause. */
  toJSON(): { code: Code; message: string; details: ErrorDetails[Code]; retryable: boolean; mayHaveHappened: boolean } {
    const { code, message, details, retryable: again, mayHaveHappened } = this
    return { code, message, details, retryable: again, mayHaveHappened }
  }
}

/** True for a {@link ClusterError} of that code; narrows `details`. */
export function isClusterError<Code extends ErrorCode>(error: unknown, code: Code): error is ClusterError<Code> {
  return error instanceof ClusterError && error.code === code
}

/**
 * The error itself if it is a {@link ClusterError}; anything else is a bug, and becomes `ERR_INTERNAL` with it as the
 * cause.
 */
export function asClusterError(error: unknown): ClusterError {
  if (error instanceof ClusterError) return error
  return new ClusterError('ERR_INTERNAL', 'the node met a bug and stops', {}, { cause: error })
}
