// How often a stream tells its sender that the window is open again. yamux does so for each frame that comes: a message
// of its own in Noise, a system call at both ends, and a turn of the sender's loop, for 64 KiB each. When half of the
// window is used is soon enough, for the sender has the other half, and it is when a lane grants credit for the same
// bytes.

import type { Stream } from '@libp2p/interface'

/** What the class of a yamux stream has, and the interface does not show; other muxers have none of it. */
interface Windowed {
  readonly recvWindow?: number
  /** What of it the sender may still use. */
  readonly recvWindowCapacity?: number
  sendWindowUpdate?(): void
}

/** From now on `stream`, which is open at both ends, updates its window by halves; answers whether it can. */
export function updateWindowByHalves(stream: Stream): boolean {
  const windowed = stream as Windowed
  const update = windowed.sendWindowUpdate?.bind(stream)
  if (update === undefined || windowed.recvWindow === undefined) return false
  windowed.sendWindowUpdate = () => {
    if (windowed.recvWindowCapacity! <= windowed.recvWindow! / 2) update()
  }
  return true
}
