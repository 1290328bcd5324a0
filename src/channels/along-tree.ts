// Messages to everybody that nobody acknowledges and that ask for no order travel along a tree, or by an open topic, where there is
// one: one copy for each member is enough, whoever brings it.

import type { ChannelContext } from './channel-context.ts'
import type { ChannelName } from './lane.ts'
import { OutgoingMessage } from './outgoing-message.ts'
import type { EncodedPayload } from './payload.ts'
import type { ResolvedSendOptions } from './send-options.ts'

const everybody = { id: '', name: '*', generation: 0 }

/** True: it is on its way. False: it has to be sent to each member. */
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
): boolean {
  const { id, encoded, startedAt, trace } = message
  const { ack, key, causal, monotonic, deadlineMs, topic } = message.options
  if (ack || causal || monotonic || key !== undefined) return false
  const broadcast = { channel, topic, encoding: encoded.encoding, bytes: encoded.payload.length }
  const broadcaster = broadcasters.find((each) => each.carries(broadcast))
  if (broadcaster === undefined) return false
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
  return true
}
