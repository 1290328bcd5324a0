// Requests as tests need them: any Host, any header, a raw body, and an event stream that is waited on with a deadline.

import { type IncomingMessage, request } from 'node:http'

export type JsonObject = Readonly<Record<string, unknown>>

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  /** Empty when the body is not a JSON object. */
  readonly json: JsonObject
}

export interface Ask {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** One call on a connection of its own. */
export function ask(url: string, { method = 'GET', headers = {}, body }: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      { method, headers, agent: false, signal: AbortSignal.timeout(30_000) },
      async (response) => {
        let text = ''
        for await (const chunk of response) text += chunk
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parse(text) })
      },
    )
    call.on('error', reject)
    call.end(body)
  })
}

function parse(text: string): JsonObject {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

export interface StreamEvent {
  readonly event: string
  readonly data: JsonObject
}

/** Opens an event stream and answers its events one by one; `undefined` when it has ended. */
export async function openStream(url: string, headers: Record<string, string> = {}) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { headers, agent: false, signal: AbortSignal.timeout(30_000) }, resolve)
      .on('error', reject)
      .end()
  })
  const events = read(response)
  return {
    response,
    async next(): Promise<StreamEvent | undefined> {
      const { value, done } = await events.next()
      return done ? undefined : value
    },
    /** The next event of that name. */
    async nextOf(name: string): Promise<StreamEvent> {
      for (;;) {
        const { value, done } = await events.next()
        if (done) throw new Error(`the stream ended before an event '${name}'`)
        if (value.event === name) return value
      }
    },
    close: () => response.destroy(),
  }
}

async function* read(response: IncomingMessage): AsyncGenerator<StreamEvent, undefined> {
  let text = ''
  for await (const chunk of response) {
    text += chunk
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const match = /^event: (.*)\ndata: (.*)$/m.exec(text.slice(0, end))
      text = text.slice(end + 2)
      if (match) yield { event: match[1]!, data: JSON.parse(match[2]!) }
    }
  }
  return undefined
}
