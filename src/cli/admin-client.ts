// Asks an admin: one call, one JSON object, bounded in time and size. What is refused comes back as the error that the
// admin sent; what cannot be reached as `ERR_UNREACHABLE`, for which scripts have the exit code 3. What was to change
// something and had left by then may have happened.

import type { IncomingMessage, RequestOptions } from 'node:http'
import { ClusterError, type ClusterErrorOptions } from '../errors.ts'
import { requesterFor } from '../node-http.ts'
import { RemoteError, usageError } from './failure.ts'

export interface AdminClientOptions {
  /** `http://127.0.0.1:7501`, with or without a path before `/v1`. */
  readonly url: string
  readonly token?: string | undefined
  readonly timeoutMs?: number
  /** Ends the call early. */
  readonly signal?: AbortSignal
}

/** What is asked, when it is not a plain GET. */
export interface AdminCall {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** Sent as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

const defaultTimeoutMs = 5_000
/** Above the status of 1,000 members. */
const maxAnswerBytes = 8 * 1_048_576
/** A backup with every key at its bound. */
const maxFileBytes = 1_073_741_824
const fileTimeoutMs = 60_000

/** The bytes that `url/path` answers: for files. */
export async function askAdminBytes(path: string, options: AdminClientOptions): Promise<Uint8Array> {
  const target = urlOf(options.url, path)
  const long = { ...options, timeoutMs: options.timeoutMs ?? fileTimeoutMs }
  const { status, bytes } = await exchange(target, long, {}, maxFileBytes)
  if (status >= 200 && status < 300) return bytes
  const body = parseObject(Buffer.from(bytes).toString('utf8'))
  if (body !== undefined && typeof body.code === 'string') throw remoteError(body)
  throw unreachable(options.url, `answers, but is no Trellis admin (HTTP ${status})`, { mayHaveHappened: false })
}

/** The JSON that `url/path` answers. */
export async function askAdmin(path: string, options: AdminClientOptions, call: AdminCall = {}): Promise<unknown> {
  const target = urlOf(options.url, path)
  const { status, bytes } = await exchange(target, options, call, maxAnswerBytes)
  const text = Buffer.from(bytes).toString('utf8')
  const body = parseObject(text)
  if (body !== undefined && status >= 200 && status < 300) return body
  if (body !== undefined && typeof body.code === 'string') throw remoteError(body)
  // A gateway on the way may have passed it on.
  const mayHaveHappened = changes(call)
  throw unreachable(options.url, `answers, but is no Trellis admin (HTTP ${status})`, { mayHaveHappened })
}

/** As {@link askAdmin}, for an answer that has these fields: JSON without them is none of a node. */
export async function askFor<Answer extends object>(
  fields: readonly (keyof Answer & string)[],
  path: string,
  options: AdminClientOptions,
  call: AdminCall = {},
): Promise<Answer> {
  const answer = (await askAdmin(path, options, call)) as Partial<Answer>
  if (fields.every((field) => answer[field] !== undefined)) return answer as Answer
  const mayHaveHappened = changes(call)
  throw unreachable(options.url, 'answers, but not as a Trellis admin does', { mayHaveHappened })
}

/** Whether it may change anything. */
function changes({ method = 'GET' }: AdminCall): boolean {
  return method !== 'GET'
}

/** `path`, with its query, behind whatever path the admin's own URL has. */
export function urlOf(admin: string, path: string): URL {
  const url = parseUrl(admin)
  const [pathname = '', query = ''] = path.split('?', 2)
  const dots = pathname.split('/').find((part) => part === '.' || part === '..')
  if (dots !== undefined) throw usageError(`no URL can name '${dots}': it cannot be asked for alone`)
  url.pathname = url.pathname.replace(/\/+$/, '') + pathname
  url.search = query
  url.hash = ''
  return url
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text)) throw usageError(`--admin ('${text}') must be a URL such as http://127.0.0.1:7501`)
  const url = new URL(text)
  if (url.protocol === 'http:' || url.protocol === 'https:') return url
  throw usageError(`--admin ('${text}') must begin with http:// or https://`)
}

async function exchange(
  url: URL,
  options: AdminClientOptions,
  call: AdminCall,
  maxBytes: number,
): Promise<{ status: number; bytes: Uint8Array }> {
  const { method = 'GET', body, headers: own = {} } = call
  const timeout = AbortSignal.timeout(options.timeoutMs ?? defaultTimeoutMs)
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout
  const headers = {
    accept: 'application/json',
    ...own,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
  }
  let isConnected = false
  const onConnected = (): void => {
    isConnected = true
  }
  try {
    const response = await send(url, { method, headers, signal, agent: false }, body, onConnected)
    return { status: response.statusCode ?? 0, bytes: await readBytes(response, maxBytes) }
  } catch (cause) {
    // Nothing leaves before that.
    const mayHaveHappened = isConnected && changes(call)
    if (options.signal?.aborted)
      throw new ClusterError('ERR_ABORTED', 'the call was ended', { operation: url.href }, { cause, mayHaveHappened })
    const { code, message } = cause as NodeJS.ErrnoException
    const reason = timeout.aborted ? 'does not answer in time' : `cannot be reached (${code ?? message})`
    throw unreachable(options.url, reason, { cause, mayHaveHappened })
  }
}

function send(url: URL, options: RequestOptions, body: unknown, onConnected: () => void): Promise<IncomingMessage> {
  const request = requesterFor(url.protocol)
  const connected = url.protocol === 'https:' ? 'secureConnect' : 'connect'
  return new Promise((resolve, reject) => {
    request(url, options, resolve)
      .on('socket', (socket) => socket.once(connected, onConnected))
      .on('error', reject)
      .end(body === undefined ? undefined : JSON.stringify(body))
  })
}

async function readBytes(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    size += chunk.length
    if (size > maxBytes) throw new Error('the answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** The error that an admin answered with. */
export function remoteError(body: Record<string, unknown>): RemoteError {
  return new RemoteError({
    code: String(body.code),
    message: String(body.message ?? 'no reason was given'),
    details: body.details ?? {},
    retryable: body.retryable === true,
    mayHaveHappened: body.mayHaveHappened === true,
  })
}

function unreachable(url: string, reason: string, options: ClusterErrorOptions): ClusterError {
  const hint = options.mayHaveHappened ? '; it may have happened' : ''
  return new ClusterError('ERR_UNREACHABLE', `${url} ${reason}${hint}`, { url }, options)
}
