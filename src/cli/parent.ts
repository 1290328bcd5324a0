// "Do not outlive me": whoever starts `trellis` may hand it the reading end of a pipe and name its number in
// `TRELLIS_PARENT_FD`. When the other end closes, because its holder closed it or was killed in any way, the process
// stops in order. So `kill -9` of `trellis up` leaves no node behind, without anyone having to notice and clean up.

import { Socket } from 'node:net'
import { usageError } from './failure.ts'

export const parentVariable = 'TRELLIS_PARENT_FD'

/** The signal that aborts when the parent's end closes; undefined when no parent asked for it. */
export function watchParent(env: Readonly<Record<string, string | undefined>>): AbortSignal | undefined {
  const value = env[parentVariable]
  if (value === undefined || value === '') return undefined
  const fd = Number(value)
  if (!Number.isInteger(fd) || fd < 3) throw usageError(`${parentVariable} ('${value}') must be the number of a pipe`)
  const gone = new AbortController()
  const end = (): void => gone.abort()
  let pipe: Socket
  try {
    pipe = new Socket({ fd, readable: true, writable: false })
  } catch (cause) {
    throw usageError(`${parentVariable} (${value}) is no open pipe: ${(cause as Error).message}`)
  }
  pipe.on('end', end).on('close', end).on('error', end)
  pipe.resume()
  // Watching is no reason to stay.
  pipe.unref()
  return gone.signal
}
