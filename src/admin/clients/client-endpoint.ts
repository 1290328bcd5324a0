// `/v1/client`: where clients connect by WebSocket. Who may is decided as for every other call of the admin API: host
// and origin first, then the token, which a client shows in its hello since a browser cannot put it into the upgrade.
// Until then it is a stranger, within the bounds of strangers; afterwards it has a session.

import { randomBytes } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import {
  ALIVE_INTERVAL_MS,
  CLIENT_PATH,
  CLIENT_PROTOCOL,
  type ClientHello,
  MAX_CLIENT_FRAME_BYTES,
  type NodeGreeting,
} from '../../client/protocol.ts'
import { ClusterError } from '../../errors.ts'
import type { Logger } from '../../observability/logger.ts'
import { defaultHalfOpenLimits, type HalfOpen, HalfOpenTable } from '../../transport/half-open.ts'
import { nodeStopping } from '../../wait.ts'
import type { Access, AdminRole } from '../access.ts'
import { errorStatus } from '../http-errors.ts'
import type { OriginGuard } from '../origin.ts'
import { headersOf } from '../request-headers.ts'
import type { ClientNode } from './client-operations.ts'
import { errorJson, NodeSession } from './client-session.ts'

export interface ClientEndpointOptions {
  readonly node: ClientNode
  readonly guard: OriginGuard
  readonly access: Access
  /** Of web pages elsewhere that may be clients. */
  readonly origins: readonly string[]
  readonly logger: Logger
  /** Milliseconds that a session is kept without a connection. Default 30,000. */
  readonly keepMs?: number
}

/** Sessions of one node, those without a connection included. */
const MAX_SESSIONS = 1_000
const SESSION_ID_BYTES = 16
const DEFAULT_KEEP_MS = 30_000
/** Bytes that the kernel has not taken yet, past which nothing is added. */
const MAX_BUFFERED_BYTES = 1024 * 1024
/** Close codes of RFC 6455 section 7.4. */
const GOING_AWAY = 1001
const POLICY_VIOLATION = 1008

export class ClientEndpoint {
  readonly #options: ClientEndpointOptions
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_CLIENT_FRAME_BYTES,
    perMessageDeflate: false,
    handleProtocols: (protocols) => (protocols.has(CLIENT_PROTOCOL) ? CLIENT_PROTOCOL : false),
  })
  readonly #strangers = new HalfOpenTable(defaultHalfOpenLimits)
  readonly #sessions = new Map<string, NodeSession>()
  /** By session: the connection that carries it. */
  readonly #carriers = new Map<NodeSession, WebSocket>()
  #isClosed = false

  constructor(options: ClientEndpointOptions) {
    this.#options = options
  }

  attach(server: Server): void {
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
  }

  /** Ends every session and connection. Idempotent. */
  close(): void {
    this.#isClosed = true
    for (const session of [...this.#sessions.values()]) session.end()
    for (const socket of this.#server.clients) {
      socket.close(GOING_AWAY, 'the node is stopping')
      socket.terminate()
    }
    this.#server.close()
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    try {
      if (new URL(request.url ?? '', 'http://node').pathname !== CLIENT_PATH) {
        const path = String(request.url).slice(0, 100)
        throw new ClusterError('ERR_NOT_FOUND', `there is no ${path} to upgrade`, { path })
      }
      this.#options.guard({ method: request.method ?? 'GET', headers: headersOf(request) }, this.#options.origins)
    } catch (error) {
      const body = JSON.stringify(errorJson(error))
      const status = errorStatus(error)
      socket.end(
        `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      )
      return
    }
    this.#server.handleUpgrade(request, socket, head, (upgraded) => this.#meet(upgraded, request))
  }

  #meet(socket: WebSocket, request: IncomingMessage): void {
    const entry: HalfOpen = {
      remoteAddress: request.socket.remoteAddress ?? '',
      isProven: false,
      bytesRead: () => 0,
      refuse: (reason) => {
        this.#options.logger.debug('a client was turned away', { reason })
        socket.terminate()
      },
    }
    this.#strangers.add(entry)
    socket.on('error', () => socket.terminate())
    socket.once('close', () => this.#strangers.remove(entry))
    socket.once('message', (data) => {
      this.#strangers.remove(entry)
      try {
        this.#greet(socket, helloOf(data), request.headers.cookie)
      } catch (error) {
        this.#say(socket, { type: 'refused', error: errorJson(error) })
        socket.close(POLICY_VIOLATION, 'refused')
      }
    })
  }

  /** Throws what is to be said to whoever is not let in. */
  #greet(socket: WebSocket, hello: ClientHello, cookie: string | undefined): void {
    if (this.#isClosed) throw nodeStopping()
    const role = this.#options.access.identify(hello.token, cookie)
    if (role === undefined) throw new ClusterError('ERR_UNAUTHORIZED', 'this node asks clients for a token', {})
    const known = hello.session === undefined ? undefined : this.#sessions.get(hello.session)
    // The client knows better than we that the old connection is dead.
    if (known?.role === role) this.#carriers.get(known)?.terminate()
    const session = known?.role === role ? known : this.#open(role)
    const line = this.#line(socket, session)
    const welcome: NodeGreeting = {
      type: 'welcome',
      session: session.id,
      resumed: session === known,
      received: session.conversation.received,
      node: this.#options.node.status().node.name,
    }
    this.#say(socket, welcome)
    if (!session.connect(line, session === known ? hello.received : 0)) {
      session.end()
      throw new ClusterError('ERR_BAD_REQUEST', 'the session cannot be so', { problem: 'received' })
    }
    this.#carry(socket, session)
  }

  #open(role: AdminRole): NodeSession {
    if (this.#sessions.size >= MAX_SESSIONS) {
      const details = { queue: 'clients', limit: MAX_SESSIONS }
      throw new ClusterError('ERR_BUFFER_FULL', `${MAX_SESSIONS} clients are here already`, details)
    }
    const { node, keepMs = DEFAULT_KEEP_MS } = this.#options
    const id = randomBytes(SESSION_ID_BYTES).toString('base64url')
    const session: NodeSession = new NodeSession({
      node,
      id,
      role,
      keepMs,
      onEnd: () => {
        this.#sessions.delete(id)
        this.#carriers.get(session)?.close(GOING_AWAY, 'the session has ended')
      },
    })
    this.#sessions.set(id, session)
    return session
  }

  #line(socket: WebSocket, session: NodeSession) {
    return {
      get hasRoom(): boolean {
        return socket.bufferedAmount < MAX_BUFFERED_BYTES
      },
      write: (text: string): void => {
        if (socket.readyState !== socket.OPEN) return
        socket.send(text, () => session.conversation.flush())
      },
    }
  }

  #carry(socket: WebSocket, session: NodeSession): void {
    this.#carriers.set(session, socket)
    // A client that does not answer in time is gone, and may come back.
    let isAlive = true
    const alive = setInterval(() => {
      if (!isAlive) return socket.terminate()
      isAlive = false
      socket.ping()
      session.conversation.alive()
    }, ALIVE_INTERVAL_MS)
    alive.unref()
    socket.on('pong', () => (isAlive = true))
    socket.on('message', (data) => {
      isAlive = true
      try {
        session.conversation.receive(textOf(data))
      } catch (error) {
        this.#options.logger.debug('a client said what cannot be', { error })
        session.end()
        socket.close(POLICY_VIOLATION, 'no frame')
      }
    })
    socket.once('close', (code) => {
      clearInterval(alive)
      if (this.#carriers.get(session) !== socket) return
      this.#carriers.delete(session)
      // A normal closure is the client's end of the session.
      if (code === 1000) session.end()
      else session.disconnect()
    })
  }

  #say(socket: WebSocket, greeting: NodeGreeting): void {
    socket.send(JSON.stringify(greeting))
  }
}

function helloOf(data: RawData): ClientHello {
  const hello: unknown = JSON.parse(textOf(data))
  const { type, token, session, received } = (hello ?? {}) as Partial<ClientHello>
  const isText = (value: unknown): boolean => value === undefined || typeof value === 'string'
  if (type !== 'hello' || !isText(token) || !isText(session) || !Number.isSafeInteger(received))
    throw new ClusterError('ERR_BAD_REQUEST', 'a client begins with a hello', { problem: 'no hello' })
  return hello as ClientHello
}

function textOf(data: RawData): string {
  return Array.isArray(data) ? Buffer.concat(data).toString() : Buffer.from(data as ArrayBuffer).toString()
}
