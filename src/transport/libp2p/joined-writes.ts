// One system call for what libp2p sends at once. A chunk becomes a yamux header, one or two Noise messages, and a
// length and a tag for each: seven pieces, which its TCP transport would write one by one, each a packet of its own.
// Corked for the rest of the turn, they leave together, and so do the window updates of a turn, with what its owner
// says last: the grant of credit for the same bytes.

import type { MultiaddrConnection } from '@libp2p/interface'
import { sent } from './noise-cipher.ts'

/** What the class of a raw TCP connection has, and its interface does not show; other transports have none of it. */
interface Written {
  readonly socket?: { cork?(): void; uncork?(): void; write?(bytes: Uint8Array, onWritten?: () => void): boolean }
  sendData?(data: Iterable<Uint8Array> & { readonly byteLength: number }): unknown
}

/** Joins the writes of `raw` from now on, when it is a TCP connection; answers whether it is. */
export function joinWrites(raw: MultiaddrConnection): boolean {
  const written = raw as Written
  const { socket } = written
  if (written.sendData === undefined || !socket?.cork || !socket.uncork || !socket.write) return false
  let isCorked = false
  const uncork = (): void => {
    isCorked = false
    socket.uncork!()
  }
  /** Behind what a connection sends at the turn's end, which comes by the same way. */
  const uncorkLast = (): void => process.nextTick(uncork)
  written.sendData = (data) => {
    if (!isCorked) {
      isCorked = true
      socket.cork!()
      queueMicrotask(uncorkLast)
    }
    let takesMore = true
    // All of it, also past what the socket calls full: the rest would be a packet of its own.
    for (const bytes of data) takesMore = socket.write!(bytes, () => sent(bytes))
    return { sentBytes: data.byteLength, canSendMore: takesMore }
  }
  return true
}
