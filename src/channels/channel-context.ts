// What a channel needs of its node.

import type { DeliveryOptions } from '../../topology/index.ts'
import type { Logger } from '../observability/logger.ts'
import type { Time } from '../runtime/clock.ts'
import type { Turn } from '../runtime/turn.ts'
import type { Envelope } from '../wire/envelope.ts'
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
  readonly driver: DeliveryDriver
  /** Throws `ERR_UNKNOWN_MEMBER` or `ERR_MEMBER_DOWN`. */
  readonly destination: (to: Recipient) => Destination
  /** Every other member that is alive. */
  readonly others: () => readonly Destination[]
  readonly nameOf: (id: string) => string
  /** A way to everybody at once for what nobody acknowledges; undefined: each is sent its own. */
  readonly tree?: {
    carries(bytes: number): boolean
    broadcast(envelope: Envelope): void
  }
  /** What the lanes know of a channel. */
  readonly lanes: (channel: ChannelName) => Pick<ChannelStats, 'queue' | 'credit' | 'connections' | 'dropped'>
}
