// What a channel needs of its node.

import type { DeliveryOptions } from '../../topology/index.ts'
import type { Broadcaster } from '../broadcasts/broadcaster.ts'
import type { Logger } from '../observability/logger.ts'
import type { Time } from '../runtime/clock.ts'
import type { Turn } from '../runtime/turn.ts'
import type { ChannelStats, Recipient } from './channel.ts'
import type { DeliveryDriver } from './delivery-driver.ts'
import type { ChannelName } from './lane.ts'
import type { Destination } from './outgoing-message.ts'

export interface ChannelContext {
  readonly self: Destination
  readonly clock: Time
  readonly logger: Logger
  readonly turn: Turn
  readonly delivery: DeliveryOptions
  /** Handlers of one channel that run at once. */
  readonly handlerConcurrency: number
  readonly driver: DeliveryDriver
  /** Throws `ERR_UNKNOWN_MEMBER` or `ERR_MEMBER_DOWN`. */
  readonly destination: (to: Recipient) => Destination
  /** Every other member that is alive. */
  readonly others: () => readonly Destination[]
  readonly nameOf: (id: string) => string
  /**
   * Ways to everybody at once for what nobody acknowledges, the first that carries it is taken; none: each is sent its
   * own.
   */
  readonly broadcasters?: readonly Broadcaster[]
  /** Whether others than members publish and subscribe there. */
  readonly isOpen?: (channel: ChannelName, topic: string) => boolean
  /** What the lanes know of a channel. */
  readonly lanes: (channel: ChannelName) => Pick<ChannelStats, 'queue' | 'credit' | 'connections' | 'dropped' | 'lanes'>
}
