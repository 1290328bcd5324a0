// One request to the admin and what answers it, upon `node:http` alone. Requests and answers of the web's `fetch` would
// be the usual shape, but Node loads its whole client with the first of them, 7 MB and more in a process that only
// answers. The router and the reading of paths, queries and cookies are Hono's.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { getPath, getQueryParam, getQueryParams, tryDecodeURIComponent } from 'hono/utils/url'
import { ClusterError } from '../errors.ts'
import { headersOf, type RequestHeaders } from './request-headers.ts'

/** What a call is answered with. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | null
}

/** The handler writes the response itself. */
export const alreadySent: Answer = Object.freeze({ status: 0, headers: {}, body: null })

/** A request as a handler sees it. */
export class CallRequest {
  readonly method: string
  /** Absolute, as a client would write it. */
  readonly url: string
  /** Of the URL, decoded except for what would change its parts. */
  readonly path: string
  readonly headers: RequestHeaders
  readonly #outgoing: ServerResponse
  #params: Readonly<Record<string, string>> = {}
  #gone: AbortController | undefined

  /** Throws `ERR_BAD_REQUEST` when the request line, its path, its query or the Host header is none. */
  constructor(incoming: IncomingMessage, outgoing: ServerResponse) {
    this.method = incoming.method ?? 'GET'
    this.url = urlOf(incoming)
    this.path = getPath({ url: this.url } as Parameters<typeof getPath>[0])
    this.headers = headersOf(incoming)
    this.#outgoing = outgoing
  }

  /** Aborts when the client leaves before it is answered. */
  get signal(): AbortSignal {
    if (this.#gone) return this.#gone.signal
    const gone = new AbortController()
    this.#gone = gone
    const outgoing = this.#outgoing
    const leave = (): void => {
      if (!outgoing.writableFinished) gone.abort(new Error('the client left'))
    }
    if (outgoing.destroyed) leave()
    else outgoing.once('close', leave)
    return gone.signal
  }

  /** Undefined: it is not there. */
  header(name: string): string | undefined {
    return this.headers.get(name) ?? undefined
  }

  /** What the path has in the place of `:name`, decoded. */
  param(name: string): string | undefined {
    const value = this.#params[name]
    return value === undefined ? undefined : tryDecodeURIComponent(value)
  }

  /** One field of the query, the first of that name; without a name all of them. */
  query(): Record<string, string>
  query(name: string): string | undefined
  query(name?: string): Record<string, string> | string | undefined {
    return getQueryParam(this.url, name)
  }

  /** Every field of that name. */
  queries(name: string): string[] | undefined {
    return getQueryParams(this.url, name) as string[] | undefined
  }

  /** The router found the path. */
  found(params: Readonly<Record<string, string>>): void {
    this.#params = params
  }
}

/** One call: the request, and how to answer it. */
export class Context {
  readonly req: CallRequest
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly #headers: Record<string, string> = {}

  constructor(req: CallRequest, incoming: IncomingMessage, outgoing: ServerResponse) {
    this.req = req
    this.incoming = incoming
    this.outgoing = outgoing
  }

  /** Of the answer, whatever it is going to be. */
  header(name: string, value: string): void {
    this.#headers[name] = value
  }

  readonly json = (value: unknown, status = 200): Answer => {
    return { status, headers: { 'content-type': 'application/json', ...this.#headers }, body: JSON.stringify(value) }
  }

  readonly body = (
    body: string | Uint8Array | null,
    status = 200,
    headers: Readonly<Record<string, string>> = {},
  ): Answer => ({ status, headers: { ...this.#headers, ...headers }, body })
}

/**
 * Bytes of a body that nobody wanted which are read all the same, so that the answer arrives and the connection can go
 * on; and for how long.
 */
const maxDrainedBytes = 16 * 1024 * 1024
const maxDrainMs = 1_000

/** Writes the answer. What is left of the request's body is thrown away, or its connection is. */
export function writeAnswer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { status, headers, body }: Answer,
): void {
  const length = body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  outgoing.writeHead(status, { ...headers, ...length })
  if (body === null || incoming.method === 'HEAD') outgoing.end()
  else outgoing.end(body)
  if (!incoming.readableEnded) drain(incoming)
}

function drain(incoming: IncomingMessage): void {
  let bytes = 0
  const timer = setTimeout(() => incoming.destroy(), maxDrainMs)
  incoming.on('data', (chunk: Uint8Array) => {
    bytes += chunk.length
    if (bytes > maxDrainedBytes) incoming.destroy()
  })
  incoming.on('error', () => {})
  incoming.once('close', () => clearTimeout(timer))
  incoming.resume()
}

const malformed = 'the request line or the Host header is malformed'

function urlOf({ headers, url: target = '' }: IncomingMessage): string {
  const { host = '' } = headers
  const [path = ''] = target.split('?', 1)
  const isPath = target.startsWith('/')
  const written = isPath ? `http://${host}${target}` : target
  const isSound = /^[^\s/?#@\\]+$/.test(host) && !path.includes('\\') && (isPath || /^https?:\/\//i.test(target))
  if (!isSound || !URL.canParse(written)) throw new ClusterError('ERR_BAD_REQUEST', malformed, { problem: malformed })
  const { href, pathname, search } = new URL(written)
  requireText('path', pathname)
  requireText('query', search)
  return href
}

function requireText(part: 'path' | 'query', encoded: string): void {
  try {
    decodeURIComponent(encoded)
  } catch (cause) {
    const problem = `the ${part} is not UTF-8 in percent-encoding`
    throw new ClusterError('ERR_BAD_REQUEST', problem, { problem }, { cause })
  }
}
