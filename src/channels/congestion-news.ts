// Congestion as an event of the node: what every channel tells its own listeners at once is told here at most once a second for each lane, for
// a lane that is filled and drained again and again would drown everything else.

import type { ClusterEvent } from '../node-interface.ts'
import type { ChannelName, CongestionCause } from './lane.ts'

type CongestionEvent = Extract<ClusterEvent, { type: 'congestion' }>

const INTERVAL_MS = 1_000

export interface CongestionNewsOptions {
  readonly now: () => number
  readonly wall: () => number
  readonly nameOf: (id: string) => string
  readonly emit: (event: CongestionEvent) => void
}

interface Told {
  at: number
  state: CongestionEvent['state']
}

export class CongestionNews {
  readonly #options: CongestionNewsOptions
  /** By peer, then channel: what was said last. Bounded by the lanes there are. */
  readonly #told = new Map<string, Map<ChannelName, Told>>()

  constructor(options: CongestionNewsOptions) {
    this.#options = options
  }

  /** A lane is congested, or no more. Whoever was told of the first is told of the second. */
  tell(peer: string, channel: ChannelName, state: CongestionEvent['state'], cause: CongestionCause): void {
    const now = this.#options.now()
    let ofPeer = this.#told.get(peer)
    const told = ofPeer?.get(channel)
    if (state === (told?.state ?? 'relieved')) return
    if (state === 'congested' && told !== undefined && now - told.at < INTERVAL_MS) return
    if (ofPeer === undefined) {
      ofPeer = new Map()
      this.#told.set(peer, ofPeer)
    }
    ofPeer.set(channel, { at: state === 'congested' ? now : (told?.at ?? now), state })
    this.#emit(peer, channel, state, cause)
  }

  /** The link is gone, and what waited for it. */
  lost(peer: string): void {
    const ofPeer = this.#told.get(peer)
    this.#told.delete(peer)
    for (const [channel, { state }] of ofPeer ?? [])
      if (state === 'congested') this.#emit(peer, channel, 'relieved', 'link')
  }

  #emit(peer: string, channel: ChannelName, state: CongestionEvent['state'], cause: CongestionCause): void {
    const { wall, nameOf, emit } = this.#options
    emit({ type: 'congestion', at: wall(), channel, peer: nameOf(peer), state, cause })
  }
}
