// `POST /v1/messages`: sends to a member (`to`), publishes (`topic`), does both to one member's subscribers, or without
// either broadcasts.

import type { Receipt, Recipient, SendOptions } from '../channels/channel.ts'
import type { JsonValue, Payload } from '../channels/payload.ts'
import { ClusterError } from '../errors.ts'
import { MAX_PAYLOAD_BYTES } from '../wire/limits.ts'
import type { Answer, Context } from './http-call.ts'
import { readJson } from './request-body.ts'
import type { Resource } from './resource.ts'
import type { AdminNode } from './server.ts'

/** A payload at its maximum in base64, and something around it. */
const maxBodyBytes = Math.ceil(Math.min(MAX_PAYLOAD_BYTES, 1_048_576) * 1.4) + 4_096

/** What a body may say, and of which type. */
const fields: Readonly<Record<string, string>> = {
  channel: 'string',
  to: 'string',
  topic: 'string',
  encoding: 'string',
  ack: 'boolean',
  key: 'string',
  monotonic: 'boolean',
  causal: 'boolean',
  deadlineMs: 'number',
  timeoutMs: 'number',
}

type Body = {
  readonly channel: string
  readonly to?: Recipient
  readonly topic?: string
  readonly payload: JsonValue
} & {
  readonly encoding?: string
} & Omit<SendOptions, 'signal' | 'topic' | 'onFull'>

export function messageResources(node: Pick<AdminNode, 'channel'>): Resource[] {
  const handle = async (context: Context): Promise<Answer> => {
    const body = checked(await readJson(context, maxBodyBytes))
    return context.json(await send(node, body, context.req.signal))
  }
  return [{ path: '/v1/messages', calls: { POST: { needs: 'operate', handle } } }]
}

function send(node: Pick<AdminNode, 'channel'>, body: Body, signal: AbortSignal): Promise<Receipt> {
  const { channel: name, to, topic, payload: raw, encoding, ...rest } = body
  const channel = node.channel(name)
  const payload = encoding === 'base64' ? bytesOf(raw) : raw
  const options: SendOptions = { ...rest, signal }
  if (to === undefined || to === '*')
    return topic === undefined ? channel.broadcast(payload, options) : channel.publish(topic, payload, options)
  return channel.send(to, payload, topic === undefined ? options : { ...options, topic })
}

/** `{ service, key?, … }`, all of them texts. */
function isService(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'service')) return false
  return Object.values(value).every((each) => typeof each === 'string')
}

function checked(body: unknown): Body {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw bad('the body must be an object')
  const problems = Object.entries(body).flatMap(([name, value]) => {
    if (name === 'payload') return []
    if (name === 'to' && isService(value)) return []
    const type = fields[name]
    if (type === undefined) return [`unknown field '${name.slice(0, 40)}'`]
    return typeof value === type ? [] : [`${name} must be a ${type}`]
  })
  for (const name of ['channel', 'payload']) if (!Object.hasOwn(body, name)) problems.push(`${name} is missing`)
  const { encoding } = body as Partial<Body>
  if (encoding !== undefined && encoding !== 'base64') problems.push("encoding is 'base64' or left out")
  if (problems.length > 0) throw bad(problems.join('; '))
  return body as Body
}

function bytesOf(payload: JsonValue): Payload {
  if (typeof payload !== 'string' || !isBase64(payload)) throw bad('the payload is not base64')
  return new Uint8Array(Buffer.from(payload, 'base64'))
}

/**
 * Padded whole or not at all, in either alphabet. (What reads it takes anything, and leaves out what it does not
 * understand.)
 */
function isBase64(text: string): boolean {
  const [, padding = ''] = /^[\w+/-]*(={0,2})$/.exec(text) ?? []
  return padding === '' ? /^[\w+/-]*$/.test(text) && text.length % 4 !== 1 : text.length % 4 === 0
}

function bad(problem: string): ClusterError {
  return new ClusterError('ERR_BAD_REQUEST', problem, { problem })
}
