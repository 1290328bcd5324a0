// Reads a stream of an admin as it comes, such as `GET /v1/events`: server-sent events, cut anywhere, each bounded. A
// stream that is silent for longer than its `alive` interval is over, as is one that ends; whoever reads comes back by
// itself.

import type { IncomingMessage } from 'node:http'
import { StringDecoder } from 'node:string_decoder'
import { requesterFor } from '../../node-http.ts'
import { type AdminClientOptions, askAdmin, remoteError, urlOf } from '../admin-client.ts'

/** One server-sent event with its data as JSON. */
export interface StreamEvent {
  readonly event: string
  readonly data: unknown
}

/** Which stream. */
interface Stream extends AdminClientOptions {
  readonly path: string
}

/** Above the snapshot of 1,000 members. */
const maxEventCharacters = 8 * 1_048_576
const maxRefusalCharacters = 65_536
/** A node says `alive` every 2 s when there is nothing else. */
export const silenceMs = 6_000

/**
 * The cluster's events. Yields until the stream ends. Throws what {@link askAdmin} does when it cannot be opened,
 * `Error` when it broke.
 */
export async function* watchEvents(
  options: AdminClientOptions,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent, void, undefined> {
  // Refusals and unreachable nodes get their codes from the call that every other command makes.
  await askAdmin('/v1/status', { ...options, signal })
  yield* watchStream({ ...options, path: '/v1/events' }, signal)
}

/**
 * Any stream of an admin. Yields until it ends. Throws `RemoteError` when it is refused, `Error` when it cannot be
 * opened or broke.
 */
export async function* watchStream(stream: Stream, signal: AbortSignal): AsyncGenerator<StreamEvent, void, undefined> {
  const response = await open(stream, signal)
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

async function open({ url, token, path }: Stream, signal: AbortSignal): Promise<IncomingMessage> {
  const target = urlOf(url, path)
  const headers = {
    accept: 'text/event-stream',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
  const request = requesterFor(target.protocol)
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const call = request(target, { headers, signal, agent: false, timeout: silenceMs }, resolve)
    call.on('timeout', () => call.destroy(new Error('it does not answer in time')))
    call.on('error', reject).end()
  })
  if (response.statusCode === 200) return response
  const refusal = await refusalOf(response)
  throw refusal ?? new Error(`it answers with HTTP ${response.statusCode}`)
}

/** What a refusal says, when it comes from an admin. */
async function refusalOf(response: IncomingMessage): Promise<Error | undefined> {
  let text = ''
  for await (const chunk of response) {
    text += chunk
    if (text.length > maxRefusalCharacters) break
  }
  try {
    const body = JSON.parse(text) as Record<string, unknown>
    return typeof body.code === 'string' ? remoteError(body) : undefined
  } catch {
    return undefined
  }
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
