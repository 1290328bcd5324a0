// Messages to everybody that nobody acknowledges and that ask for no order travel along a tree, or by an open topic,
// where there is one: one copy for each member is enough, whoever brings it.

import type { Broadcaster } from '../broadcasts/broadcaster.ts'
import type { ChannelContext } from './channel-context.ts'
import type { ChannelName } from './lane.ts'
import { OutgoingMessage } from './outgoing-message.ts'
import type { EncodedPayload } from './payload.ts'
import type { ResolvedSendOptions } from './send-options.ts'

const everybody = { id: '', name: '*', generation: 0 }

/** On its way to all whom the answer reaches; the others have to be sent it, one by one. */
export function sendAlongTree(
  { self, clock, broadcasters = [] }: ChannelContext,
  channel: ChannelName,
  message: {
    readonly id: number
    readonly options: ResolvedSendOptions
    readonly encoded: EncodedPayload
    readonly startedAt: number
    readonly trace: string | undefined
  },
): Broadcaster | undefined {
  const { id, encoded, startedAt, trace } = message
  const { ack, key, causal, monotonic, deadlineMs, topic } = message.options
  if (ack || causal || monotonic || key !== undefined) return undefined
  const broadcast = { channel, topic, encoding: encoded.encoding, bytes: encoded.payload.length }
  const broadcaster = broadcasters.find((each) => each.carries(broadcast))
  if (broadcaster === undefined) return undefined
  const deadlineAt = startedAt + (deadlineMs ?? Number.POSITIVE_INFINITY)
  const fields = {
    kind: 'message',
    id,
    channel,
    destination: everybody,
    isAcknowledged: false,
    topic,
    trace,
    encoded,
  } as const
  broadcaster.broadcast(new OutgoingMessage({ ...fields, deadlineAt }).envelope(self, 0, clock.now()))
  return broadcaster
}
