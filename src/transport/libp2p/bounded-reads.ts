// A bound for what one connection reads in a turn. Node reads on for as long as more comes, and all of it is decrypted
// and handed up before another socket has its turn: a message on another connection waits for that.

import type { MultiaddrConnection } from '@libp2p/interface'

/**
 * As much as a TLS connection of ours reads in a turn: two reads of the kernel's bytes. Small: a turn for every few
 * bytes.
 */
const READ_BYTES = 128 * 1024

/** What the class of a raw TCP connection has, and its interface does not show; other transports have none of it. */
interface Read {
  readonly socket?: { pause?(): void; resume?(): void }
  readonly readStatus?: string
  onData?(data: { readonly byteLength: number }): void
}

/** Bounds the reads of `raw` from now on, when it is a TCP connection; answers whether it is. */
export function boundReads(raw: MultiaddrConnection): boolean {
  const read = raw as Read
  const { socket } = read
  const receive = read.onData?.bind(raw)
  if (receive === undefined || socket?.pause === undefined || socket.resume === undefined) return false
  let bytes = 0
  const readOn = (): void => {
    bytes = 0
    // Whoever has paused the connection itself meanwhile resumes it, too.
    if (read.readStatus === 'readable') socket.resume!()
  }
  read.onData = (data) => {
    const isBelow = bytes < READ_BYTES
    bytes += data.byteLength
    if (isBelow && bytes >= READ_BYTES) {
      socket.pause!()
      setImmediate(readOn)
    }
    receive(data)
  }
  return true
}
