// One lane of a neighbour, as whoever opens and closes its connections keeps it.

import type { Timer } from '../runtime/clock.ts'
import { laneLimits } from './lane-limits.ts'
import type { LaneSocket } from './lane-socket.ts'
import type { SocketLane } from './socket-lane.ts'

/** One lane of a neighbour with what carries it. */
export interface Held {
  readonly lane: SocketLane
  readonly sockets: Set<LaneSocket>
  isOpening: boolean
  failures: number
  retry: Timer | undefined
  /** Looks in a row at which another connection would have helped, or nothing was queued. */
  needy: number
  calm: number
}

export function heldLane(lane: SocketLane): Held {
  return { lane, sockets: new Set(), isOpening: false, failures: 0, retry: undefined, needy: 0, calm: 0 }
}

/**
 * It has all the connections that it may have. One that is being closed counts no more, so that what is sent meanwhile
 * need not wait for the end of that, unless as many are being closed as may be open.
 */
export function isFull({ lane, sockets }: Held): boolean {
  const { connections } = laneLimits[lane.channel]
  return lane.connections.length >= connections || sockets.size >= 2 * connections
}

/** Something is under way on it. */
export function isBusy({ lane, sockets }: Held): boolean {
  return lane.hasQueued || [...sockets].some(({ connection }) => !connection.isQuiet)
}

/** Nothing more is sent over it. */
export function retire(held: Held, socket: LaneSocket): void {
  const at = held.lane.connections.indexOf(socket.connection)
  if (at >= 0) held.lane.connections.splice(at, 1)
}
