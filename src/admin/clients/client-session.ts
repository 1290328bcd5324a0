// A client's session on its node: what the client has asked for, and the numbered conversation with it. It outlives
// connections for a while; then, or when it holds too much for a client that is away, it ends, and the client is told
// so when it returns.

import { departed } from '../../channels/subscribers.ts'
import { Conversation, type Line } from '../../client/conversation.ts'
import type { ClientRequest, ErrorJson } from '../../client/protocol.ts'
import { asClusterError, ClusterError } from '../../errors.ts'
import { type AdminRole, adminRoles } from '../access.ts'
import { type ClientNode, type Operation, operations } from './client-operations.ts'

export interface ClientSessionOptions {
  readonly node: ClientNode
  readonly id: string
  readonly role: AdminRole
  /** Milliseconds that it is kept without a connection. */
  readonly keepMs: number
  readonly onEnd: () => void
}

/**
 * Kept for a client that has not taken them: past that its subscriptions wait while it is connected, and it ends while
 * it is not.
 */
const MAX_ITEMS = 10_000
const MAX_CHARACTERS = 8 * 1024 * 1024
/** Operations that one client has under way. */
const MAX_RUNNING = 1_024
const MAX_STREAMS = 64

export class NodeSession {
  readonly id: string
  readonly role: AdminRole
  readonly conversation: Conversation
  readonly #options: ClientSessionOptions
  readonly #ending = new AbortController()
  readonly #streams = new Map<number, AbortController>()
  #running = 0
  #timer: NodeJS.Timeout | undefined
  #isConnected = false

  constructor(options: ClientSessionOptions) {
    this.#options = options
    this.id = options.id
    this.role = options.role
    this.conversation = new Conversation({
      maxItems: MAX_ITEMS,
      maxBytes: MAX_CHARACTERS,
      take: (item) => this.#take(item),
    })
  }

  /** Goes on over this connection. False: what the client claims to have cannot be. */
  connect(line: Line, received: number): boolean {
    clearTimeout(this.#timer)
    this.#isConnected = true
    return this.conversation.resume(line, received)
  }

  /** The connection is gone; the client may come back. */
  disconnect(): void {
    if (this.#ending.signal.aborted) return
    this.conversation.suspend()
    this.#isConnected = false
    this.#timer = setTimeout(() => this.end(), this.#options.keepMs)
    this.#timer.unref()
    if (this.conversation.isFull) this.end()
  }

  /** Idempotent. */
  end(): void {
    if (this.#ending.signal.aborted) return
    const gone = this.#gone()
    this.#ending.abort(gone)
    clearTimeout(this.#timer)
    for (const stream of this.#streams.values()) stream.abort(gone)
    this.#streams.clear()
    this.conversation.end(gone)
    this.#options.onEnd()
  }

  #take(item: unknown): undefined {
    const request = item as ClientRequest
    if (
      typeof item !== 'object' ||
      item === null ||
      !Number.isSafeInteger(request.id) ||
      typeof request.op !== 'string'
    )
      throw new Error('a request has an id and an op')
    if (request.op === 'stop') return void this.#stop(request.stream)
    const operation = Object.hasOwn(operations, request.op) ? operations[request.op] : undefined
    try {
      if (operation === undefined) throw badRequest(`there is no operation '${request.op.slice(0, 40)}'`)
      if (adminRoles.indexOf(this.role) < adminRoles.indexOf(operation.needs)) {
        const details = { role: this.role, needs: operation.needs }
        throw new ClusterError(
          'ERR_FORBIDDEN',
          `the token has the role ${this.role}, this needs ${operation.needs}`,
          details,
        )
      }
      if (operation.stream) this.#begin(operation.stream, request)
      else this.#run(operation, request)
    } catch (error) {
      this.#refuse(request, operation, error)
    }
    return undefined
  }

  #run({ run }: Operation, request: ClientRequest): void {
    if (this.#running >= MAX_RUNNING) {
      const details = { queue: 'client', limit: MAX_RUNNING }
      throw new ClusterError('ERR_BUFFER_FULL', `${MAX_RUNNING} operations are under way already`, details)
    }
    this.#running += 1
    const answer = async (): Promise<void> => {
      try {
        const ok = await run!(this.#options.node, request, this.#ending.signal)
        this.#put({ id: request.id, ok: ok ?? null })
      } catch (error) {
        this.#put({ id: request.id, error: errorJson(error) })
      } finally {
        this.#running -= 1
      }
    }
    void answer()
  }

  #begin(begin: NonNullable<Operation['stream']>, request: ClientRequest): void {
    const { id } = request
    if (this.#streams.has(id)) throw badRequest(`there is a stream ${id} already`)
    if (this.#streams.size >= MAX_STREAMS) {
      const details = { queue: 'streams', limit: MAX_STREAMS }
      throw new ClusterError('ERR_BUFFER_FULL', `${MAX_STREAMS} streams are open already`, details)
    }
    const stop = new AbortController()
    begin(this.#options.node, request, {
      signal: stop.signal,
      push: (item) => this.#push(id, stop.signal, item),
      end: (error) => {
        if (stop.signal.aborted) return
        this.#stop(id)
        this.#put({ on: id, end: errorJson(error) })
      },
    })
    this.#streams.set(id, stop)
  }

  #stop(id: unknown): void {
    this.#streams.get(id as number)?.abort()
    this.#streams.delete(id as number)
  }

  async #push(id: number, stopped: AbortSignal, item: unknown): Promise<void> {
    if (this.conversation.isFull) {
      // A client that is away must not hold up those who send.
      if (!this.#isConnected) this.end()
      await this.conversation.room()
    }
    if (this.#ending.signal.aborted) throw this.#gone()
    if (!stopped.aborted) this.#put({ on: id, item })
  }

  #refuse(request: ClientRequest, operation: Operation | undefined, error: unknown): void {
    if (operation?.stream) this.#put({ on: request.id, end: errorJson(error) })
    else this.#put({ id: request.id, error: errorJson(error) })
  }

  #put(item: object): void {
    if (!this.#ending.signal.aborted) this.conversation.put(JSON.stringify(item))
  }

  /** Others may handle what this client had subscribed to. */
  #gone(): ClusterError {
    const { name: node } = this.#options.node.status().node
    return departed(new ClusterError('ERR_SESSION_LOST', 'the session of this client has ended', { node }))
  }
}

export function errorJson(error: unknown): ErrorJson {
  return asClusterError(error).toJSON()
}

function badRequest(problem: string): ClusterError {
  return new ClusterError('ERR_BAD_REQUEST', problem, { problem })
}
