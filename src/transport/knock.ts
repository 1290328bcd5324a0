// Does anything accept at a TCP port? A connection that says nothing and is closed at once.

import { createConnection, type Socket } from 'node:net'
import type { NetworkAddress } from '../network-address.ts'
import { aborted } from './address-errors.ts'
import type { Reachability } from './transport.ts'

export interface KnockOptions {
  /** Milliseconds after which there is no answer. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Sees the socket while it lives. */
  readonly onSocket: (socket: Socket) => void
}

/** Rejects with `ERR_ABORTED`, and with nothing else. */
export function knock({ host, port }: NetworkAddress, options: KnockOptions): Promise<Reachability> {
  const { timeoutMs, signal, onSocket } = options
  return new Promise((resolve, reject) => {
    if (signal.aborted) throw aborted('reach', signal)
    const socket = createConnection({ host, port })
    onSocket(socket)
    const settle = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      socket.destroy()
    }
    const answer = (reachability: Reachability): void => {
      settle()
      resolve(reachability)
    }
    const abort = (): void => {
      settle()
      reject(aborted('reach', signal))
    }
    const timer = setTimeout(() => answer('silent'), timeoutMs)
    signal.addEventListener('abort', abort, { once: true })
    socket.once('connect', () => answer('accepts'))
    socket.on('error', (error: NodeJS.ErrnoException) => answer(error.code === 'ECONNREFUSED' ? 'refuses' : 'silent'))
    socket.once('close', () => answer('silent'))
  })
}
