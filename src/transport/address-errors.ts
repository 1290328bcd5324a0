// From the kernel's errors to the ones users meet.

import { ClusterError } from '../errors.ts'
import { type NetworkAddress, parseAddress } from '../network-address.ts'

/** Reads `host:port`. Throws `ERR_ADDRESS_UNUSABLE` with what is wrong with it. */
export function usableAddress(address: string): NetworkAddress {
  const parsed = parseAddress(address)
  if (typeof parsed !== 'string') return parsed
  throw new ClusterError('ERR_ADDRESS_UNUSABLE', `${address} ${parsed}`, { address })
}

/** Why an address cannot be listened on. */
export function listenError(address: string, cause: NodeJS.ErrnoException): ClusterError {
  if (cause.code === 'EADDRINUSE') {
    return new ClusterError('ERR_ADDRESS_IN_USE', `${address} is in use`, { address }, { cause })
  }
  // EADDRNOTAVAIL, EACCES, ENOTFOUND and the like: another try with the same address ends the same way.
  return new ClusterError('ERR_ADDRESS_UNUSABLE', `cannot listen on ${address}: ${cause.code}`, { address }, { cause })
}

/**
 * Why a dial failed. Its reason: `refused` (the port does), `silent` (no answer in time), `no-identity` (something else
 * lives there), `closed` (while the identities were being proven), else `unreachable`.
 */
export function dialError(address: string, why: unknown): ClusterError {
  const reason = typeof why === 'string' ? why : reasonOf(why)
  const options = why instanceof Error ? { cause: why } : {}
  return new ClusterError(
    'ERR_HANDSHAKE_FAILED',
    `no connection to ${address}: ${reason}`,
    { address, reason },
    options,
  )
}

export function aborted(operation: string, signal: AbortSignal): ClusterError {
  return new ClusterError('ERR_ABORTED', `${operation} was aborted`, { operation }, { cause: signal.reason })
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'closed'
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return 'refused'
  if (code === 'ETIMEDOUT') return 'silent'
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'closed'
  return code?.startsWith('ERR_SSL') ? 'no-identity' : 'unreachable'
}
