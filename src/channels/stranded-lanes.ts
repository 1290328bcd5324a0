// What lanes had queued when their link was let go of, as while they waited for their first connection: it goes over
// the next link to the same life of the peer. For a while only; then it is lost, and counted.

import type { Time, Timer } from '../runtime/clock.ts'
import type { SocketLane } from './socket-lane.ts'

/**
 * A link on demand is there after some round trips, or after a dial that failed and another one. Small: lost although a
 * link comes. Large: late. A guess.
 */
const STRANDED_MS = 5_000

export class StrandedLanes {
  readonly #clock: Pick<Time, 'setTimeout'>
  readonly #byPeer = new Map<string, { readonly lanes: readonly SocketLane[]; readonly timer: Timer }>()

  constructor(clock: Pick<Time, 'setTimeout'>) {
    this.#clock = clock
  }

  keep(peer: string, lanes: readonly SocketLane[]): void {
    const timer = this.#clock.setTimeout(() => this.handOver(peer, []), STRANDED_MS)
    timer.unref()
    this.#byPeer.set(peer, { lanes, timer })
  }

  /**
   * To the lanes that there are to `peer` now, which have nothing queued yet. What none of them takes over is lost: it
   * was for an earlier life.
   */
  handOver(peer: string, heirs: readonly SocketLane[]): void {
    const { lanes = [], timer } = this.#byPeer.get(peer) ?? {}
    timer?.[Symbol.dispose]()
    this.#byPeer.delete(peer)
    for (const lane of lanes) {
      const isHeir = ({ ends }: SocketLane): boolean =>
        ends.channel === lane.ends.channel && ends.peerGeneration === lane.ends.peerGeneration
      const heir = heirs.find(isHeir)
      if (heir) heir.inherit(lane)
      else lane.lose()
    }
  }

  close(): void {
    for (const peer of [...this.#byPeer.keys()]) this.handOver(peer, [])
  }
}
