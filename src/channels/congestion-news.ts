// Congestion as an event of the node: what every channel tells its own listeners at once is told here at most once a
// second for each lane, for a lane that is filled and drained again and again would drown everything else. One that
// comes too soon is told when its second is over, if it lasts.

import type { ClusterEvent } from '../node-interface.ts'
import type { Timer } from '../runtime/clock.ts'
import type { ChannelName, CongestionCause } from './lane.ts'

type CongestionEvent = Extract<ClusterEvent, { type: 'congestion' }>

const INTERVAL_MS = 1_000

export interface CongestionNewsOptions {
  readonly now: () => number
  readonly wall: () => number
  /** Once, in so many milliseconds. */
  readonly after: (ms: number, work: () => void) => Timer
  readonly nameOf: (id: string) => string
  readonly emit: (event: CongestionEvent) => void
}

/** Of one lane. */
interface Told {
  /** When congestion was told last. */
  at: number
  /** It was told, and its end was not. */
  isOpen: boolean
  /** It is to be told when this comes. */
  due: Timer | undefined
}

export class CongestionNews {
  readonly #options: CongestionNewsOptions
  /** By peer, then channel. Bounded by the lanes there are. */
  readonly #told = new Map<string, Map<ChannelName, Told>>()

  constructor(options: CongestionNewsOptions) {
    this.#options = options
  }

  /** A lane is congested, or no more. Whoever was told of the first is told of the second. */
  tell(peer: string, channel: ChannelName, state: CongestionEvent['state'], cause: CongestionCause): void {
    const told = this.#of(peer, channel)
    if (state === 'relieved') this.#relieved(peer, channel, told, cause)
    else if (!told.isOpen && told.due === undefined) this.#congested(peer, channel, told, cause)
  }

  /** The link is gone, and what waited for it. */
  lost(peer: string): void {
    for (const [channel, told] of this.#told.get(peer) ?? []) this.#relieved(peer, channel, told, 'link')
    this.#told.delete(peer)
  }

  close(): void {
    for (const ofPeer of this.#told.values()) for (const { due } of ofPeer.values()) due?.[Symbol.dispose]()
    this.#told.clear()
  }

  #of(peer: string, channel: ChannelName): Told {
    const ofPeer = this.#told.get(peer) ?? new Map<ChannelName, Told>()
    this.#told.set(peer, ofPeer)
    const told = ofPeer.get(channel) ?? { at: Number.NEGATIVE_INFINITY, isOpen: false, due: undefined }
    ofPeer.set(channel, told)
    return told
  }

  #congested(peer: string, channel: ChannelName, told: Told, cause: CongestionCause): void {
    const now = this.#options.now()
    const wait = told.at + INTERVAL_MS - now
    if (wait > 0) {
      told.due = this.#options.after(wait, () => {
        told.due = undefined
        this.#congested(peer, channel, told, cause)
      })
      return
    }
    told.at = now
    told.isOpen = true
    this.#emit(peer, channel, 'congested', cause)
  }

  #relieved(peer: string, channel: ChannelName, told: Told, cause: CongestionCause): void {
    told.due?.[Symbol.dispose]()
    told.due = undefined
    if (!told.isOpen) return
    told.isOpen = false
    this.#emit(peer, channel, 'relieved', cause)
  }

  #emit(peer: string, channel: ChannelName, state: CongestionEvent['state'], cause: CongestionCause): void {
    const { wall, nameOf, emit } = this.#options
    emit({ type: 'congestion', at: wall(), channel, peer: nameOf(peer), state, cause })
  }
}
