// A message of a channel as JSON: for streams over HTTP, and for clients.

import type { Message } from '../channels/channel.ts'

interface MessageView extends Omit<Message, 'payload' | 'trace'> {
  readonly payload: unknown
  readonly encoding?: 'base64'
  readonly trace: string | null
}

/** Bytes stand in base64, no trace is null. */
export function messageView(message: Message): MessageView {
  const { payload, trace = null } = message
  if (!(payload instanceof Uint8Array)) return { ...message, trace }
  return { ...message, trace, payload: Buffer.from(payload).toString('base64'), encoding: 'base64' }
}
