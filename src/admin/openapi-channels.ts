// The calls of `/v1/messages`, `/v1/stream` and `/v1/channels`, described, and what they answer.

import type { Operation } from './openapi-paths.ts'
import { json, object, orNull, ref, type Schema } from './openapi-schemas.ts'

const text: Schema = { type: 'string' }
const truth: Schema = { type: 'boolean' }
const whole: Schema = { type: 'integer', minimum: 0 }
const amount: Schema = { type: ['number', 'integer'], minimum: 0 }
const described = (schema: Schema, description: string): Schema => ({ ...schema, description })
const channel: Schema = { type: 'string', enum: ['coordination', 'events', 'gossip', 'data'] }
const counts = object({ messages: whole, bytes: whole })
const base64 = { const: 'base64' }

/** Shapes that only these calls have. */
export const channelSchemas: Readonly<Record<string, Schema>> = {
  OutgoingMessage: object(
    {
      channel,
      to: described(
        {
          oneOf: [
            text,
            object({ service: text, key: text, namespace: text, version: text }, ['key', 'namespace', 'version']),
          ],
        },
        'A member by name or id, or one that offers a service; left out: subscribers of `topic`, or without one every other member.',
      ),
      topic: text,
      payload: described({}, 'Any JSON value; base64 of bytes when `encoding` says so.'),
      encoding: base64,
      ack: described(truth, 'Wait until the handlers have finished. Default: true on `coordination` and `events`.'),
      key: text,
      monotonic: truth,
      causal: truth,
      deadlineMs: amount,
      timeoutMs: amount,
    },
    ['to', 'topic', 'encoding', 'ack', 'key', 'monotonic', 'causal', 'deadlineMs', 'timeoutMs'],
  ),
  Receipt: object({
    id: text,
    to: described(text, 'The name of the member, or `*`.'),
    acked: described(truth, 'All that it was sent to have acknowledged it.'),
    durationMs: amount,
    members: described(whole, 'How many it was sent to.'),
    reached: described(whole, 'How many of them have acknowledged it, or whose lane took it.'),
  }),
  Message: object(
    {
      id: text,
      from: described(text, 'The name of the member that sent it.'),
      channel,
      topic: text,
      key: text,
      payload: {},
      encoding: base64,
      trace: described(orNull('string'), 'W3C `traceparent`.'),
      receivedAt: described(whole, 'Milliseconds since 1970.'),
    },
    ['topic', 'key', 'encoding'],
  ),
  Channels: object({ channels: { type: 'array', items: ref('ChannelStats') } }),
  ChannelStats: object({
    channel,
    queue: object({ messages: whole, bytes: whole, oldestMs: amount }),
    credit: described(whole, 'Bytes that may be sent before receivers grant more.'),
    connections: whole,
    unacknowledged: whole,
    sent: counts,
    received: counts,
    handlers: object({ running: whole, waiting: whole }),
    dropped: described({ type: 'object', additionalProperties: whole }, 'By reason.'),
    latency: described(
      object({ count: whole, p50Ms: amount, p99Ms: amount, maxMs: amount }, ['p50Ms', 'p99Ms', 'maxMs']),
      'Of acknowledged messages and requests.',
    ),
    lanes: described(
      { type: 'array', items: ref('Lane') },
      'To each neighbor to which it has a connection or something queued.',
    ),
  }),
  Lane: object(
    {
      peer: described(text, 'The name of the neighbor.'),
      connections: whole,
      queue: object({ messages: whole, bytes: whole, oldestMs: amount }),
      credit: whole,
      sent: counts,
      received: counts,
      dropped: described({ type: 'object', additionalProperties: whole }, 'By reason.'),
      latencyMs: described(amount, 'From sending to the credit for it, so with the time that handlers take.'),
    },
    ['latencyMs'],
  ),
}

export const channelOperations: Readonly<Record<string, Readonly<Partial<Record<'GET' | 'POST', Operation>>>>> = {
  '/v1/messages': {
    POST: {
      operationId: 'sendMessage',
      summary: 'Sends to a member, publishes to a topic, or broadcasts.',
      tag: 'channels',
      body: ref('OutgoingMessage'),
      answers: { 200: json('What became of it.', 'Receipt') },
      errors: {
        400: ['ERR_BAD_REQUEST', 'ERR_BAD_OPTIONS'],
        404: ['ERR_UNKNOWN_CHANNEL', 'ERR_UNKNOWN_MEMBER', 'ERR_UNKNOWN_SERVICE'],
        413: ['ERR_PAYLOAD_TOO_LARGE'],
        415: ['ERR_UNSUPPORTED_MEDIA_TYPE'],
        502: ['ERR_HANDLER_FAILED'],
        503: ['ERR_NO_HANDLER', 'ERR_MEMBER_DOWN', 'ERR_NO_ROUTE', 'ERR_BUFFER_FULL', 'ERR_SHUTTING_DOWN'],
        504: ['ERR_TIMEOUT', 'ERR_DEADLINE_EXCEEDED'],
      },
    },
  },
  '/v1/stream': {
    GET: {
      operationId: 'streamMessages',
      summary: 'The messages of a channel as they come; an open stream is a handler (server-sent events).',
      tag: 'channels',
      query: { channel: text, topic: described(text, 'A pattern: `*` stands for one word, `**` for any number.') },
      answers: {
        200: {
          description: 'A stream without an end; `data` is one message.',
          type: 'text/event-stream',
          schema: text,
        },
      },
      errors: { 404: ['ERR_UNKNOWN_CHANNEL'], 503: ['ERR_BUFFER_FULL', 'ERR_SHUTTING_DOWN'] },
      events: { message: ref('Message') },
    },
  },
  '/v1/channels': {
    GET: {
      operationId: 'getChannels',
      summary: 'Queues, credit, counts, drops and latency of the four channels of this node.',
      tag: 'channels',
      answers: { 200: json('The channels, the most important first.', 'Channels') },
    },
  },
}
