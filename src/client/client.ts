// A client: a program without a port of its own, or a web page, that takes part in a cluster through one of its nodes.
// It publishes, subscribes, asks, calls services and watches, over one WebSocket; when that breaks it connects again
// and goes on where it was. It uses nothing that a browser does not have.
//
//   connecting ── welcome ──▶ connected ── broken ──▶ connecting (same node first: it keeps the session for a while)
//        └── the session is gone: open calls fail with ERR_SESSION_LOST, streams begin anew, `session-lost` is told

import { checkedOptions, checkFunction, checkText, waitChecks } from '../call-options.ts'
import type { Message, Receipt, Recipient, SendOptions } from '../channels/channel.ts'
import { checkChannel } from '../channels/channel-defaults.ts'
import type { ChannelName } from '../channels/lane.ts'
import type { JsonInput, JsonValue, Payload, Sendable } from '../channels/payload.ts'
import { checkPattern, checkTopic } from '../channels/topics.ts'
import { checkPrefix, watchChecks } from '../coordination/config-checks.ts'
import type { ConfigEntry, ConfigEvent } from '../coordination/config-interface.ts'
import { endable } from '../iteration.ts'
import type { MemberView } from '../node-interface.ts'
import { callChecks, queryChecks } from '../services/service-checks.ts'
import type { ServiceCallOptions, ServiceInstance, ServiceQuery } from '../services/service-interface.ts'
import { Calls, MAX_DELAY_MS } from './calls.ts'
import { checkAll, checkedConnect, checkRecipient, checkValue, clientReadChecks, clientSendChecks } from './checks.ts'
import { watchConfig } from './config-stream.ts'
import { payloadFields, payloadOf } from './protocol.ts'
import { type ClientEvent, ClientSession, type WebSocketClass } from './session.ts'

export { ClusterError, type ErrorCode, type ErrorDetails, isClusterError } from '../errors.ts'
export type {
  ChannelName,
  ClientEvent,
  ConfigEntry,
  ConfigEvent,
  JsonInput,
  JsonValue,
  MemberView,
  Message,
  Payload,
  Receipt,
  Recipient,
  Sendable,
  ServiceCallOptions,
  ServiceInstance,
  ServiceQuery,
  WebSocketClass,
}

/** Options of {@link connect}. */
export interface ClientOptions {
  /**
   * Of the nodes' admin API, or what gives it for each connection. Default none: for nodes without one, and for pages
   * that a node serves.
   */
  readonly token?: string | (() => string | Promise<string>)
  /** Milliseconds for a call without a time of its own. 1 to 3,600,000. Default 10,000. */
  readonly timeoutMs?: number
  /** Default: the platform's, which browsers and Node 22 have. */
  readonly WebSocket?: WebSocketClass
}

/** What each call takes. */
export interface ClientCallOptions {
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

/** How a message is sent; see `SendOptions` of a node. */
export type ClientSendOptions = Omit<SendOptions, 'signal' | 'topic' | 'onFull'> & ClientCallOptions

/** A channel as a client has it. */
export interface ClientChannel {
  /** To all who subscribe; the receipt says how many of how many. */
  publish(topic: string, payload: Sendable, options?: ClientSendOptions): Promise<Receipt>
  send(to: Recipient, payload: Sendable, options?: ClientSendOptions): Promise<Receipt>
  /** Asks a member; rejects with what its handler threw. */
  request(to: Recipient, payload: Sendable, options?: ClientSendOptions): Promise<Payload>
  /**
   * Calls `handler` with each message that fits, in order, exactly once as long as the session lives. What it returns
   * is waited for before the node is told that the message is done; a client that is slow slows the senders. Ended by
   * disposing it.
   */
  subscribe(topicPattern: string, handler: (message: Message) => void | Promise<void>): Disposable
}

/** A client of a cluster. */
export interface Client extends AsyncDisposable {
  /** Name of the node that it is connected to; undefined while it is not. */
  readonly node: string | undefined
  /**
   * Resolves when it is connected. Rejects with why it cannot be: `ERR_UNAUTHORIZED`, `ERR_UNREACHABLE`, `ERR_TIMEOUT`,
   * `ERR_ABORTED`.
   */
  ready(options?: ClientCallOptions): Promise<void>
  /** Throws `ERR_UNKNOWN_CHANNEL`. */
  channel(name: ChannelName): ClientChannel
  readonly services: {
    call(service: string, method: string, argument?: JsonInput, options?: ServiceCallOptions): Promise<JsonValue>
    find(query?: ServiceQuery, options?: ClientCallOptions): Promise<readonly ServiceInstance[]>
  }
  readonly config: {
    /** Undefined: there is no such key. Linearizable unless `stale`. */
    get(key: string, options?: ClientCallOptions & { readonly stale?: boolean }): Promise<ConfigEntry | undefined>
    set(key: string, value: JsonInput, options?: ClientCallOptions): Promise<ConfigEntry>
    /**
     * Each change from `from` on (default: from now), without a gap also over lost sessions, until `signal` aborts.
     * Throws `ERR_COMPACTED`.
     */
    watch(
      prefix?: string,
      options?: { readonly from?: number; readonly signal?: AbortSignal },
    ): AsyncIterable<ConfigEvent>
  }
  members(options?: ClientCallOptions): Promise<readonly MemberView[]>
  /** All members, now and after each change, until `signal` aborts. What happened between two reads is one change. */
  watchMembers(options?: { readonly signal?: AbortSignal }): AsyncIterable<readonly MemberView[]>
  /** Hears of connections made and lost, and of sessions lost with what was in them. */
  onEvent(listener: (event: ClientEvent) => void): Disposable
  /** Ends the session. Idempotent. */
  close(): Promise<void>
}

/**
 * A client of the cluster that one of `urls` belongs to, such as `http://127.0.0.1:7501`: the admin address of a node,
 * at which the next is tried when one is away. Connects by itself, again and again, until it is closed. Throws
 * `ERR_BAD_OPTIONS`.
 */
export function connect(urls: string | readonly string[], options: ClientOptions = {}): Client {
  const session = new ClientSession(checkedConnect(urls, options), options)
  const calls = new Calls(session, options.timeoutMs ?? 10_000)
  return {
    get node() {
      return session.node
    },
    ready: async (given = {}) => calls.ready(checkedOptions(given, waitChecks)),
    channel: (name) => channelOf(calls, name),
    services: {
      call: async (service, method, argument = null, given = {}) => {
        checkAll(
          () => checkText('the name of a service', service),
          () => checkText('the method', method),
          () => checkedOptions(given, callChecks),
        )
        const { signal, deadlineMs, timeoutMs = deadlineMs } = given
        const wait = { signal, timeoutMs: timeoutMs && Math.min(timeoutMs, deadlineMs ?? timeoutMs) }
        const fields = { service, method, argument, options: toldOf(given) }
        return (await calls.call('call', fields, wait)) as JsonValue
      },
      find: async (query = {}, given = {}) => {
        checkAll(
          () => checkedOptions(query, queryChecks),
          () => checkedOptions(given, waitChecks),
        )
        return (await calls.call('services', { query }, given)) as ServiceInstance[]
      },
    },
    config: {
      get: async (key, given = {}) => {
        checkAll(
          () => checkText('a key', key),
          () => checkedOptions(given, clientReadChecks),
        )
        const { stale = false } = given
        return ((await calls.call('config-get', { key, stale }, given)) ?? undefined) as ConfigEntry | undefined
      },
      set: async (key, value, given = {}) => {
        checkAll(
          () => checkText('a key', key),
          () => checkValue('the value', value),
          () => checkedOptions(given, waitChecks),
        )
        return (await calls.call('config-set', { key, value }, given)) as ConfigEntry
      },
      watch: (prefix = '', given = {}) => {
        checkAll(
          () => checkPrefix(prefix),
          () => checkedOptions(given, watchChecks),
        )
        return watchConfig(calls, prefix, given.from, given.signal)
      },
    },
    members: async (given = {}) =>
      (await calls.call('members', {}, checkedOptions(given, waitChecks))) as readonly MemberView[],
    watchMembers: (given = {}) => {
      const { signal } = checkedOptions(given, { signal: waitChecks.signal })
      const source = () => ({ op: 'members-watch', fields: {} }) as const
      return endable((ending) => calls.stream(source, ending), [signal]) as AsyncIterable<readonly MemberView[]>
    },
    onEvent: (listener) => {
      checkFunction('a listener', listener)
      return session.onEvent(listener)
    },
    close: () => calls.close(),
    [Symbol.asyncDispose]: () => calls.close(),
  }
}

function channelOf(calls: Calls, channel: ChannelName): ClientChannel {
  checkChannel(channel)
  const say = (
    op: 'send' | 'request',
    whom: { readonly to: Recipient } | { readonly topic: string },
    payload: Payload,
    given: ClientSendOptions = {},
  ): Promise<unknown> => {
    checkAll(
      () => ('to' in whom ? checkRecipient(whom.to) : checkTopic(whom.topic)),
      () => checkValue('the payload', payload),
      () => checkedOptions(given, clientSendChecks),
    )
    return calls.call(op, { channel, ...whom, ...payloadFields(payload), options: toldOf(given) }, given)
  }
  return {
    publish: async (topic, payload, options) => (await say('send', { topic }, payload, options)) as Receipt,
    send: async (to, payload, options) => (await say('send', { to }, payload, options)) as Receipt,
    request: async (to, payload, options) => {
      const answer = await say('request', { to }, payload, options)
      return payloadOf(answer as { readonly payload: JsonValue; readonly encoding?: unknown })
    },
    subscribe: (topic, handler) => {
      checkAll(
        () => checkPattern(topic),
        () => checkFunction('the handler', handler),
      )
      return calls.subscribe({ op: 'subscribe', fields: { channel, topic } }, (item) => handler(messageOf(item)))
    },
  }
}

/** Options as the node is told of them: a signal cannot travel, and JSON knows no infinity. */
function toldOf({ signal: _, ...options }: ClientSendOptions | ServiceCallOptions): object {
  const finite = (ms: number | undefined) => (ms === undefined ? undefined : Math.min(ms, MAX_DELAY_MS))
  return { ...options, timeoutMs: finite(options.timeoutMs), deadlineMs: finite(options.deadlineMs) }
}

function messageOf(item: unknown): Message {
  const { encoding, trace, ...message } = item as Message & {
    readonly encoding?: string
    readonly trace: string | null
  }
  const payload = payloadOf({ payload: message.payload as JsonValue, encoding })
  return { ...message, payload, trace: trace ?? undefined }
}
