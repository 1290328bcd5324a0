// What clients may ask of a node, and which role each question needs. An operation answers once, or begins a stream
// that lasts until it is stopped or its session ends.

import type { SendOptions } from '../../channels/channel.ts'
import type { JsonValue } from '../../channels/payload.ts'
import { type ClientRequest, payloadFields, payloadOf } from '../../client/protocol.ts'
import { ClusterError } from '../../errors.ts'
import type { AdminRole } from '../access.ts'
import { messageView } from '../message-view.ts'
import type { AdminNode } from '../server.ts'

/** What operations need of a node. */
export type ClientNode = Pick<AdminNode, 'channel' | 'config' | 'services' | 'members' | 'events' | 'status'>

/** Where the items of a stream go. */
export interface StreamSink {
  /** Aborts when the stream is stopped. */
  readonly signal: AbortSignal
  /** Resolves when there is room for the next one; rejects when the session is gone. */
  push(item: unknown): Promise<void>
  /** The stream ends by itself. */
  end(error: unknown): void
}

export interface Operation {
  readonly needs: AdminRole
  /** Resolves to the answer. `signal` aborts when the session ends. */
  run?(node: ClientNode, request: ClientRequest, signal: AbortSignal): Promise<unknown>
  /** Begins a stream; throws what is wrong with the request. */
  stream?(node: ClientNode, request: ClientRequest, sink: StreamSink): void
}

/** Changes of members within this time are told at once. */
const MEMBERS_EVERY_MS = 50

export const operations: Readonly<Record<string, Operation>> = {
  send: {
    needs: 'operate',
    run: async (node, request, signal) => {
      const channel = node.channel(text(request, 'channel'))
      const payload = payloadIn(request)
      const options = optionsIn<SendOptions>(request, signal)
      const { to, topic } = request
      if (to !== undefined) return channel.send(recipient(to), payload, options)
      return topic === undefined
        ? channel.broadcast(payload, options)
        : channel.publish(text(request, 'topic'), payload, options)
    },
  },
  request: {
    needs: 'operate',
    run: async (node, request, signal) => {
      const channel = node.channel(text(request, 'channel'))
      const options = optionsIn<SendOptions>(request, signal)
      const { payload } = await channel.request(recipient(request.to), payloadIn(request), options)
      return payloadFields(payload)
    },
  },
  call: {
    needs: 'operate',
    run: (node, request, signal) => {
      const argument = (request.argument ?? null) as JsonValue
      return node.services.call(text(request, 'service'), text(request, 'method'), argument, optionsIn(request, signal))
    },
  },
  services: {
    needs: 'read',
    run: async (node, { query }) => node.services.find(objectOf(query ?? {}, 'query')),
  },
  members: { needs: 'read', run: async (node) => node.members() },
  'config-get': {
    needs: 'read',
    run: async (node, request, signal) => {
      const consistency = request.stale === true ? 'stale' : 'linearizable'
      return (await node.config.get(text(request, 'key'), { consistency, signal })) ?? null
    },
  },
  'config-set': {
    needs: 'operate',
    run: (node, request, signal) => node.config.set(text(request, 'key'), request.value as JsonValue, { signal }),
  },
  subscribe: {
    needs: 'read',
    stream: (node, request, { signal, push }) => {
      const channel = node.channel(text(request, 'channel'))
      const subscription = channel.subscribe(text(request, 'topic'), (message) => push(messageView(message)))
      signal.addEventListener('abort', () => subscription[Symbol.dispose](), { once: true })
    },
  },
  'config-watch': {
    needs: 'read',
    stream: (node, request, sink) => {
      const from = request.from === undefined ? undefined : wholeNumber(request.from, 'from')
      const watch = node.config.watch(text(request, 'prefix'), { from, signal: sink.signal })
      const tell = async (): Promise<void> => {
        await sink.push(await watch.from)
        for await (const event of watch) await sink.push(event)
      }
      tell().catch((error: unknown) => sink.end(error))
    },
  },
  'members-watch': {
    needs: 'read',
    stream: (node, _request, { signal, push }) => {
      let isDue = true
      let wake = (): void => {}
      const tell = async (): Promise<void> => {
        while (!signal.aborted) {
          if (!isDue) await new Promise<void>((resolve) => (wake = resolve))
          isDue = false
          await push(node.members())
          await new Promise((resolve) => setTimeout(resolve, MEMBERS_EVERY_MS))
        }
      }
      const subscription = node.events.subscribe(({ type }) => {
        if (type !== 'member') return
        isDue = true
        wake()
      })
      signal.addEventListener('abort', () => {
        subscription[Symbol.dispose]()
        wake()
      })
      // Only a session that is gone takes nothing more.
      tell().catch(() => {})
    },
  },
}

function text(request: ClientRequest, field: string): string {
  const value = request[field]
  if (typeof value !== 'string') throw bad(`${field} must be a text`)
  return value
}

function wholeNumber(value: unknown, field: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw bad(`${field} must be a whole number`)
  return value as number
}

function objectOf(value: unknown, field: string): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(`${field} must be an object`)
  return value
}

function recipient(to: unknown): string | { readonly service: string } {
  if (typeof to === 'string') return to
  const given = objectOf(to, 'to')
  if (!Object.hasOwn(given, 'service') || Object.values(given).some((value) => typeof value !== 'string'))
    throw bad('to must be a name, an id or { service }')
  return given as { readonly service: string }
}

function payloadIn(request: ClientRequest): Uint8Array | JsonValue {
  if (!Object.hasOwn(request, 'payload')) throw bad('payload is missing')
  try {
    return payloadOf(request as unknown as { readonly payload: JsonValue })
  } catch {
    throw bad('the payload is not base64')
  }
}

function optionsIn<Options>({ options = {} }: ClientRequest, signal: AbortSignal): Options {
  return { ...objectOf(options, 'options'), signal } as Options
}

function bad(problem: string): ClusterError {
  return new ClusterError('ERR_BAD_REQUEST', problem, { problem })
}
