// How a refusal looks over HTTP: the status of each code, and the body that `ClusterError` describes of itself.
// Whatever is not a `ClusterError` is a bug of ours: it is logged in full and answered with nothing but `ERR_INTERNAL`.

import { ClusterError, type ErrorCode } from '../errors.ts'
import type { Logger } from '../observability/logger.ts'
import type { Answer } from './http-call.ts'

/** Codes that are not here are 500: the caller could not have done better. */
const statusOf: Readonly<Partial<Record<ErrorCode, number>>> = {
  ERR_BAD_REQUEST: 400,
  ERR_BAD_OPTIONS: 400,
  ERR_UNAUTHORIZED: 401,
  ERR_FORBIDDEN: 403,
  ERR_FORBIDDEN_ORIGIN: 403,
  ERR_FAULTS_NOT_ALLOWED: 403,
  ERR_NOT_FOUND: 404,
  ERR_UNKNOWN_CHANNEL: 404,
  ERR_UNKNOWN_MEMBER: 404,
  ERR_KEY_NOT_FOUND: 404,
  ERR_UNKNOWN_SERVICE: 404,
  ERR_METHOD_NOT_ALLOWED: 405,
  ERR_SESSION_LOST: 410,
  ERR_LOCK_HELD: 409,
  ERR_STALE_TOKEN: 409,
  ERR_NAME_TAKEN: 409,
  ERR_UNKNOWN_TOPOLOGY: 400,
  ERR_SWITCH_IN_PROGRESS: 409,
  ERR_TOPOLOGY_MISMATCH: 409,
  ERR_NO_SERVER_NODES: 409,
  ERR_COMPACTED: 410,
  ERR_REVISION_MISMATCH: 412,
  ERR_UPGRADE_REQUIRED: 426,
  ERR_PAYLOAD_TOO_LARGE: 413,
  ERR_UNSUPPORTED_MEDIA_TYPE: 415,
  ERR_INVALID_VALUE: 422,
  ERR_BUFFER_FULL: 503,
  ERR_LEASE_LOST: 503,
  ERR_MEMBER_DOWN: 503,
  ERR_NO_QUORUM: 503,
  ERR_MERGE_REFUSED: 409,
  ERR_FOREIGN_CLUSTER: 409,
  ERR_WRONG_SECRET: 409,
  ERR_VERSION_MISMATCH: 409,
  ERR_HANDSHAKE_FAILED: 502,
  ERR_UPGRADE_PENDING: 503,
  ERR_NO_ROUTE: 503,
  ERR_NOT_LEADER: 503,
  ERR_SHUTTING_DOWN: 503,
  ERR_NO_HANDLER: 503,
  ERR_HANDLER_FAILED: 502,
  ERR_TIMEOUT: 504,
  ERR_CONFIG_FULL: 507,
  ERR_UNSUPPORTED: 501,
  ERR_DEADLINE_EXCEEDED: 504,
}

/** The status for an error that is known by its code; 500 for any other. */
export function errorStatus(error: unknown): number {
  return (error instanceof ClusterError ? statusOf[error.code as ErrorCode] : undefined) ?? 500
}

/** The answer to a call that failed with `error`. */
export function errorAnswer(error: unknown, logger: Logger): Answer {
  const known: ClusterError = error instanceof ClusterError ? error : internal(error, logger)
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (known.code === 'ERR_UNAUTHORIZED') headers['www-authenticate'] = 'Bearer realm="trellis"'
  if (known.code === 'ERR_METHOD_NOT_ALLOWED')
    headers.allow = (known as ClusterError<'ERR_METHOD_NOT_ALLOWED'>).details.allowed.join(', ')
  return { status: errorStatus(known), headers, body: JSON.stringify(known) }
}

function internal(error: unknown, logger: Logger): ClusterError {
  logger.error('an admin call failed', { error })
  return new ClusterError('ERR_INTERNAL', 'the call failed because of a bug; the log has it', {}, { cause: error })
}
