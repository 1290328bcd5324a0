// The connection of a client and what outlives it: the session. Finds a node, proves who it is, connects again when the
// connection breaks, and says when the node has kept nothing of the session before.

import { ClusterError, type ErrorCode } from '../errors.ts'
import { Conversation } from './conversation.ts'
import {
  ALIVE_INTERVAL_MS,
  CLIENT_PATH,
  CLIENT_PROTOCOL,
  type ClientHello,
  type ErrorJson,
  type NodeGreeting,
} from './protocol.ts'

/** What a WebSocket must be able to do: the platform's own, or that of the package `ws`. */
export type WebSocketClass = new (url: string, protocols: string) => WebSocket

/** What happens to a client. */
export type ClientEvent =
  | { readonly type: 'connected'; readonly node: string; readonly resumed: boolean }
  | { readonly type: 'disconnected'; readonly reason: string }
  /** Open calls have failed, and streams begin anew: between the two, messages may be missing. */
  | { readonly type: 'session-lost'; readonly error: ClusterError<'ERR_SESSION_LOST'> }
  /** A handler of a subscription threw; the message counts as handled. Without a listener it is thrown again. */
  | { readonly type: 'handler-failed'; readonly error: unknown }
  /** The node does not take this client, or cannot be connected to from here. It goes on trying. */
  | { readonly type: 'refused'; readonly error: ClusterError }

export interface SessionOptions {
  readonly token?: string | (() => string | Promise<string>)
  readonly WebSocket?: WebSocketClass
}

/** Whom a session tells what. */
export interface SessionOwner {
  take(item: unknown): Promise<unknown> | undefined
  /** A session begins, and nothing of an earlier one is left. */
  begun(lost: ClusterError | undefined): void
}

/** What waits to be taken by the node; past that, calls wait. */
const MAX_ITEMS = 512
const MAX_CHARACTERS = 8 * 1024 * 1024
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000
/** Attempts at the node that has the session, before another is tried. */
const ATTEMPTS_TO_RESUME = 3
const CONNECT_TIMEOUT_MS = 5_000
/** Characters that the platform has not sent yet, past which nothing is added. */
const MAX_BUFFERED = 1024 * 1024
const ROOM_LOOK_MS = 10

export class ClientSession {
  readonly #urls: readonly string[]
  readonly #options: SessionOptions
  readonly #listeners = new Set<(event: ClientEvent) => void>()
  #owner: SessionOwner | undefined
  #conversation: Conversation
  /** The node's word for the session; undefined before the first welcome, and when it cannot be resumed. */
  #id: string | undefined
  #hadSession = false
  #node: string | undefined
  #lastNode = ''
  #at = 0
  #failures = 0
  #socket: WebSocket | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #silence: ReturnType<typeof setTimeout> | undefined
  #isClosed = false

  constructor(urls: readonly string[], options: SessionOptions) {
    this.#urls = urls.map((url) => new URL(CLIENT_PATH, url).href.replace(/^http/, 'ws'))
    this.#options = options
    this.#conversation = this.#fresh()
  }

  get node(): string | undefined {
    return this.#node
  }

  /** There is a session: what is put into its conversation will be heard. */
  get hasBegun(): boolean {
    return this.#id !== undefined
  }

  get conversation(): Conversation {
    return this.#conversation
  }

  start(owner: SessionOwner): void {
    this.#owner = owner
    void this.#connect()
  }

  onEvent(listener: (event: ClientEvent) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  /** A handler threw. */
  handlerFailed(error: unknown): void {
    if (this.#listeners.size > 0) this.#tell({ type: 'handler-failed', error })
    else
      queueMicrotask(() => {
        throw error
      })
  }

  /** Ends it at the node, too, when that can be told. */
  close(error: ClusterError): void {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#timer)
    clearTimeout(this.#silence)
    this.#conversation.flush()
    this.#conversation.end(error)
    this.#node = undefined
    this.#socket?.close(1000, 'closed')
  }

  #fresh(): Conversation {
    const take = (item: unknown): Promise<unknown> | undefined => this.#owner?.take(item)
    return new Conversation({ maxItems: MAX_ITEMS, maxBytes: MAX_CHARACTERS, take })
  }

  async #connect(): Promise<void> {
    const { token, WebSocket: Chosen = WebSocket } = this.#options
    let hello: ClientHello = { type: 'hello', received: this.#conversation.received }
    try {
      const proof = typeof token === 'function' ? await token() : token
      if (proof !== undefined) hello = { ...hello, token: proof }
    } catch (cause) {
      const error = new ClusterError('ERR_UNAUTHORIZED', 'there is no token to show', {}, { cause })
      this.#tell({ type: 'refused', error })
      return this.#again()
    }
    if (this.#isClosed) return
    if (this.#id !== undefined) hello = { ...hello, session: this.#id }
    const url = this.#urls[this.#at]!
    let socket: WebSocket
    try {
      socket = new Chosen(url, CLIENT_PROTOCOL)
    } catch (cause) {
      // Browsers refuse some at once: without TLS from a page that came with it.
      const error = new ClusterError('ERR_UNREACHABLE', `no WebSocket to ${url} can be made here`, { url }, { cause })
      this.#tell({ type: 'refused', error })
      return this.#again()
    }
    this.#socket = socket
    this.#listen(socket, CONNECT_TIMEOUT_MS)
    socket.onopen = () => socket.send(JSON.stringify(hello))
    socket.onmessage = ({ data }) => {
      this.#guarded(socket, () => this.#greeted(socket, JSON.parse(String(data)) as NodeGreeting))
    }
    socket.onerror = () => {}
    socket.onclose = ({ reason }) => this.#lost(socket, reason || 'the connection was closed')
  }

  #greeted(socket: WebSocket, greeting: NodeGreeting): void {
    if (greeting.type === 'refused') {
      this.#tell({ type: 'refused', error: errorOf(greeting.error) })
      socket.close()
      return
    }
    if (!greeting.resumed) {
      const isLost = this.#hadSession
      const lost = new ClusterError(
        'ERR_SESSION_LOST',
        `${this.#lastNode} keeps nothing of this session any more`,
        { node: this.#lastNode },
        { mayHaveHappened: true },
      )
      if (isLost) {
        this.#conversation.end(lost)
        this.#conversation = this.#fresh()
        this.#tell({ type: 'session-lost', error: lost })
      }
      this.#id = greeting.session
      this.#hadSession = true
      this.#owner?.begun(isLost ? lost : undefined)
    }
    const line = this.#line(socket)
    if (!this.#conversation.resume(line, greeting.received)) throw new Error('the node has what was never sent')
    socket.onmessage = ({ data }) => {
      this.#listen(socket, 3 * ALIVE_INTERVAL_MS)
      this.#guarded(socket, () => this.#conversation.receive(String(data)))
    }
    this.#failures = 0
    this.#node = greeting.node
    this.#lastNode = greeting.node
    this.#listen(socket, 3 * ALIVE_INTERVAL_MS)
    this.#tell({ type: 'connected', node: greeting.node, resumed: greeting.resumed })
  }

  #line(socket: WebSocket) {
    const look = (): void => {
      if (socket.readyState !== socket.OPEN) return
      if (socket.bufferedAmount < MAX_BUFFERED) this.#conversation.flush()
      else setTimeout(look, ROOM_LOOK_MS)
    }
    return {
      get hasRoom(): boolean {
        if (socket.bufferedAmount < MAX_BUFFERED) return true
        setTimeout(look, ROOM_LOOK_MS)
        return false
      },
      write: (text: string): void => {
        if (socket.readyState === socket.OPEN) socket.send(text)
      },
    }
  }

  /** A connection that says nothing for so long is dead, whatever the platform believes. */
  #listen(socket: WebSocket, ms: number): void {
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => {
      socket.close()
      this.#lost(socket, 'the node was silent')
    }, ms)
  }

  /** What is no frame of ours ends the session: what was in it can no longer be told apart. */
  #guarded(socket: WebSocket, read: () => void): void {
    try {
      read()
    } catch (error) {
      this.#id = undefined
      socket.close()
      this.#lost(socket, `the node said what cannot be: ${String(error)}`)
    }
  }

  #lost(socket: WebSocket, reason: string): void {
    if (this.#socket !== socket) return
    this.#socket = undefined
    clearTimeout(this.#silence)
    this.#conversation.suspend()
    const wasConnected = this.#node !== undefined
    this.#node = undefined
    if (this.#isClosed) return
    if (wasConnected) this.#tell({ type: 'disconnected', reason })
    this.#again()
  }

  #again(): void {
    this.#failures += 1
    if (this.#id === undefined || this.#failures >= ATTEMPTS_TO_RESUME) this.#at = (this.#at + 1) % this.#urls.length
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(this.#failures - 1, 10), LONGEST_PAUSE_MS)
    if (this.#isClosed) return
    this.#timer = setTimeout(() => void this.#connect(), pause * (0.5 + Math.random() / 2))
  }

  #tell(event: ClientEvent): void {
    // What a listener throws is its program's to hear, and no reason to lose the session.
    for (const listener of [...this.#listeners]) queueMicrotask(() => listener(event))
  }
}

/** An error of the node, as one of this program. */
export function errorOf({ code, message, details = {}, mayHaveHappened = false }: ErrorJson): ClusterError {
  return new ClusterError(code as ErrorCode, message, details as never, { mayHaveHappened })
}
