// What the four channels are for, as numbers: the table of the design. A message says otherwise by its options.

import { checkText } from '../call-options.ts'
import { ClusterError } from '../errors.ts'
import type { OnFull } from './channel.ts'
import type { ChannelName } from './lane.ts'

/** Every channel, the most important first. */
export const channelNames: readonly ChannelName[] = ['coordination', 'events', 'gossip', 'data']

/** Throws `ERR_UNKNOWN_CHANNEL`, `ERR_BAD_OPTIONS`. */
export function checkChannel(name: string): asserts name is ChannelName {
  if (channelNames.includes(name as ChannelName)) return
  checkText('the name of a channel', name)
  const text = `there is no channel '${name}', only ${channelNames.join(', ')}`
  throw new ClusterError('ERR_UNKNOWN_CHANNEL', text, { channel: name.slice(0, 100) })
}

export interface ChannelDefaults {
  /** Messages are acknowledged: coordination guarantees, events come at least once. */
  readonly ack: boolean
  /** Only the newest of a key matters. */
  readonly monotonic: boolean
  /** Messages to one member that may wait or be unacknowledged; past it senders wait or fail. */
  readonly queueMessages: number
  /** At a full lane. */
  readonly onFull: OnFull
}

export const channelDefaults: Readonly<Record<ChannelName, ChannelDefaults>> = {
  coordination: { ack: true, monotonic: false, queueMessages: 1_000, onFull: 'wait' },
  events: { ack: true, monotonic: false, queueMessages: 5_000, onFull: 'wait' },
  gossip: { ack: false, monotonic: true, queueMessages: 5_000, onFull: 'drop-oldest' },
  data: { ack: false, monotonic: false, queueMessages: 10_000, onFull: 'wait' },
}

/** Handlers of one channel that run at once, unless the node's options say otherwise. */
export const HANDLER_CONCURRENCY = 64
/** Milliseconds that a call waits when it says nothing else. */
export const DEFAULT_TIMEOUT_MS = 30_000
/** Bytes of payloads that may wait for one lane, beside one message of any size. */
export const QUEUE_BYTES = 64 * 1024 * 1024
/** Calls of one channel that may wait beside what its queues hold; further ones fail with `ERR_BUFFER_FULL`. */
export const MAX_WAITING_CALLS = 65_536
/** Bytes of payloads that calls of one channel may have unsettled, beside one message of any size. */
export const MAX_UNSETTLED_BYTES = 256 * 1024 * 1024
