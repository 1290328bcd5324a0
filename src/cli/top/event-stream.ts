// Reads `GET /v1/events` of an admin as it comes: server-sent events, cut anywhere, each bounded. A stream that is silent for
// longer than its `alive` interval is over, as is one that ends; whoever reads comes back by itself.

import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { StringDecoder } from 'node:string_decoder'
import { type AdminClientOptions, askAdmin } from '../admin-client.ts'

/** One server-sent event with its data as JSON. */
export interface StreamEvent {
  readonly event: string
  readonly data: unknown
}

/** Above the snapshot of 1,000 members. */
const maxEventCharacters = 8 * 1_048_576
/** A node says `alive` every 2 s when there is nothing else. */
export const silenceMs = 6_000

/** Yields until the stream ends. Throws what {@link askAdmin} does when it cannot be opened, `Error` when it broke. */
export async function* watchEvents(
  options: AdminClientOptions,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent, void, undefined> {
  // Refusals and unreachable nodes get their codes from the call that every other command makes.
  await askAdmin('/v1/status', { ...options, signal })
  const response = await open(options, signal)
  const silence = setTimeout(() => response.destroy(new Error('it says nothing any more')), silenceMs)
  const parse = eventParser()
  try {
    for await (const chunk of response) {
      silence.refresh()
      yield* parse(chunk)
    }
  } finally {
    clearTimeout(silence)
    response.destroy()
  }
}

function open({ url, token }: AdminClientOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const base = new URL(url)
  const target = new URL(`${base.pathname.replace(/\/$/, '')}/v1/events`, base)
  const headers = {
    accept: 'text/event-stream',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
  const request = target.protocol === 'https:' ? requestHttps : requestHttp
  return new Promise((resolve, reject) => {
    const call = request(target, { headers, signal, agent: false, timeout: silenceMs }, (response) => {
      if (response.statusCode === 200) return resolve(response)
      response.destroy()
      reject(new Error(`it answers with HTTP ${response.statusCode}`))
    })
    call.on('timeout', () => call.destroy(new Error('it does not answer in time')))
    call.on('error', reject).end()
  })
}

/** A function from chunks to the events that end in them. Throws for an event that is longer than any. */
export function eventParser(): (chunk: Uint8Array) => StreamEvent[] {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  return (chunk) => {
    const blocks = (rest + decoder.write(Buffer.from(chunk))).split('\n\n')
    rest = blocks.pop() ?? ''
    if (rest.length > maxEventCharacters) throw new Error('it sends an event that is too long')
    return blocks.flatMap((block) => parseEvent(block) ?? [])
  }
}

function parseEvent(block: string): StreamEvent | undefined {
  const lines = block.split('\n')
  const field = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
  const data = field('data')
  if (data === undefined) return undefined
  try {
    return { event: field('event') ?? 'message', data: JSON.parse(data) }
  } catch {
    // Not of this protocol: a newer node may say more than this command understands.
    return undefined
  }
}
