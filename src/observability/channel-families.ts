// The metrics of a node's channels, as a table like `families.ts`: one series for each channel, and for each reason
// that something was dropped for. Reasons come from this code; their number is bounded here once more.

import { MAX_REASONS, type Sample } from './counted.ts'
import type { DistributionView } from './distribution.ts'

/** What metrics need of a channel. */
export interface ObservedChannel {
  readonly channel: string
  readonly queue: { readonly messages: number; readonly bytes: number; readonly oldestMs: number }
  readonly credit: number
  readonly unacknowledged: number
  readonly connections: number
  readonly sent: { readonly messages: number; readonly bytes: number }
  readonly received: { readonly messages: number; readonly bytes: number }
  readonly handlers: { readonly running: number; readonly waiting: number }
  readonly dropped: Readonly<Record<string, number>>
}

export interface ChannelFamily {
  readonly name: string
  readonly help: string
  readonly type: 'gauge' | 'counter'
  readonly labels: readonly string[]
  readonly samples: (channel: ObservedChannel) => readonly Sample[]
}

/** How long acknowledged messages and requests took. */
export const latencyFamily = {
  name: 'trellis_channel_latency_seconds',
  help: 'Time from the call until an acknowledged message was handled, or a request answered.',
}

const one = (channel: ObservedChannel, value: number, labels: Readonly<Record<string, string>> = {}): Sample => ({
  labels: { channel: channel.channel, ...labels },
  value,
})

const gauge = (name: string, help: string, value: (channel: ObservedChannel) => number): ChannelFamily => ({
  name,
  help,
  type: 'gauge',
  labels: ['channel'],
  samples: (channel) => [one(channel, value(channel))],
})

const bothWays = (name: string, help: string, of: 'messages' | 'bytes'): ChannelFamily => ({
  name,
  help,
  type: 'counter',
  labels: ['channel', 'direction'],
  samples: (channel) => [
    one(channel, channel.sent[of], { direction: 'sent' }),
    one(channel, channel.received[of], { direction: 'received' }),
  ],
})

export const channelFamilies: readonly ChannelFamily[] = [
  bothWays('trellis_channel_messages_total', 'Messages of users, by channel and direction.', 'messages'),
  bothWays('trellis_channel_bytes_total', 'Bytes of their payloads, by channel and direction.', 'bytes'),
  {
    name: 'trellis_channel_dropped_total',
    help: 'Messages of a channel that were not sent or not handed over, by reason.',
    type: 'counter',
    labels: ['channel', 'reason'],
    samples: (channel) =>
      Object.entries(channel.dropped)
        .slice(0, MAX_REASONS)
        .map(([reason, value]) => one(channel, value, { reason })),
  },
  gauge(
    'trellis_channel_queue_messages',
    'Messages that wait for room, credit or a link.',
    ({ queue }) => queue.messages,
  ),
  gauge('trellis_channel_queue_bytes', 'Bytes of their payloads.', ({ queue }) => queue.bytes),
  gauge(
    'trellis_channel_queue_age_seconds',
    'How long the oldest has waited in its lane.',
    ({ queue }) => queue.oldestMs / 1_000,
  ),
  gauge('trellis_channel_credit_bytes', 'Bytes that may be sent before receivers grant more.', ({ credit }) => credit),
  gauge(
    'trellis_channel_unacknowledged',
    'Messages sent and not yet acknowledged.',
    ({ unacknowledged }) => unacknowledged,
  ),
  gauge(
    'trellis_channel_connections',
    'Connections of the channel, all members together.',
    ({ connections }) => connections,
  ),
  {
    name: 'trellis_channel_handlers',
    help: 'Handlers that run, and messages that wait for one.',
    type: 'gauge',
    labels: ['channel', 'state'],
    samples: (channel) => [
      one(channel, channel.handlers.running, { state: 'running' }),
      one(channel, channel.handlers.waiting, { state: 'waiting' }),
    ],
  },
]

/** What a node has measured of each channel. */
export type Latencies = ReadonlyMap<string, DistributionView>
