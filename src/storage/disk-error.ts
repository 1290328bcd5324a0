// From what the system says to what a user reads: one clear line with a code and the path.

import { ClusterError } from '../errors.ts'
import { errnoOf } from './file-system.ts'

/** Errors that name a cause the operator can remove: rights, space, or something else in the folder's place. */
const unwritable: ReadonlySet<string> = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOSPC',
  'EDQUOT',
  'ENOENT',
  'ENOTDIR',
  'EISDIR',
  'EEXIST',
  'ELOOP',
  'ENAMETOOLONG',
  'ENOTSUP',
])

/**
 * What an operation on `path` ended with, as a caller sees it: a failure of the system becomes `ERR_DISK`, in doubt
 * whether it happened; our own errors, and bugs, stay what they are.
 */
export function diskError(path: string, cause: unknown): unknown {
  const errno = errnoOf(cause)
  if (cause instanceof ClusterError || errno === undefined) return cause
  const message = `the disk failed at ${path}: ${errno}`
  return new ClusterError('ERR_DISK', message, { path }, { cause, mayHaveHappened: true })
}

/** What kept a directory from being opened. */
export function openingError(path: string, cause: unknown): unknown {
  const errno = errnoOf(cause) ?? ''
  if (cause instanceof ClusterError || !unwritable.has(errno)) return diskError(path, cause)
  return new ClusterError(
    'ERR_DATA_UNWRITABLE',
    `cannot use ${path} as a data directory: ${errno}`,
    { path },
    { cause },
  )
}

export function corrupt(path: string, offset: number, problem: string): ClusterError<'ERR_LOG_CORRUPT'> {
  const where = offset === 0 ? '' : ` at byte ${offset}`
  return new ClusterError('ERR_LOG_CORRUPT', `${path} is damaged${where}: ${problem}`, { path, offset })
}

export function foreign(path: string, what: string, expected: string, found: string): ClusterError<'ERR_DATA_FOREIGN'> {
  const message = `${path} belongs to another ${what}: expected ${expected}, found ${found}`
  return new ClusterError('ERR_DATA_FOREIGN', message, { path, expected, found })
}

export function rolledBack(
  path: string,
  id: string,
  generation: number,
  seen: number,
): ClusterError<'ERR_DATA_ROLLED_BACK'> {
  const message = `${path} is a copy or was restored: its cluster saw generation ${seen} of it before. Remove it; the node comes back as a new member`
  return new ClusterError('ERR_DATA_ROLLED_BACK', message, { id, generation, seen })
}

export function newerVersion(path: string, found: number, supported: number): ClusterError<'ERR_DATA_VERSION'> {
  const message = `${path} has format ${found}; this release reads up to ${supported}`
  return new ClusterError('ERR_DATA_VERSION', message, { path, found, supported })
}
