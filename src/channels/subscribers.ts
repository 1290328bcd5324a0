// Who wants the messages of one channel, and the calling of all who want one: a message is handled when all of them are
// done, and failed when one of them failed, or when all of them have gone without having looked at it.

import { checkFunction } from '../call-options.ts'
import { ClusterError } from '../errors.ts'
import type { Message, MessageHandler } from './channel.ts'
import type { ChannelName } from './lane.ts'
import { topicMatcher } from './topics.ts'

interface Subscriber {
  /** Undefined: every message. */
  readonly matches: ((topic: string) => boolean) | undefined
  readonly handler: MessageHandler
}

export class Subscribers {
  readonly #subscribers = new Set<Subscriber>()
  /** Who wants every message, as a list that is made when one comes or goes. */
  #unconditional: readonly MessageHandler[] = []

  /** `pattern`, as `checkPattern` takes it: only what is published to topics that fit. */
  add(handler: MessageHandler, pattern?: string): Disposable {
    const subscriber = { matches: pattern === undefined ? undefined : topicMatcher(pattern), handler }
    this.#subscribers.add(subscriber)
    this.#list()
    return {
      [Symbol.dispose]: () => {
        this.#subscribers.delete(subscriber)
        this.#list()
      },
    }
  }

  clear(): void {
    this.#subscribers.clear()
    this.#list()
  }

  /** Who wants what was published to `topic`, or was sent without one. */
  wanting(topic: string | undefined): readonly MessageHandler[] {
    if (topic === undefined) return this.#unconditional
    const handlers: MessageHandler[] = []
    for (const { matches, handler } of this.#subscribers)
      if (matches === undefined || matches(topic)) handlers.push(handler)
    return handlers
  }

  #list(): void {
    this.#unconditional = [...this.#subscribers]
      .filter(({ matches }) => matches === undefined)
      .map(({ handler }) => handler)
  }
}

/** What handlers refuse with that have gone. */
const departures = new WeakSet<object>()

/**
 * `refusal`, of a handler that has gone before it looked at the message: where others handle that nothing has failed.
 */
export function departed<Refusal extends Error>(refusal: Refusal): Refusal {
  departures.add(refusal)
  return refusal
}

/**
 * Calls all; gives a promise only if one of them did. Throws, or rejects with, the first failure when all have ended.
 */
export function callAll(handlers: readonly MessageHandler[], message: Message): void | Promise<void> {
  if (handlers.length === 1) return promiseOf(handlers[0]?.(message))
  const failures: unknown[] = []
  const pending: Promise<void>[] = []
  for (const handler of handlers) {
    try {
      const handled = promiseOf(handler(message))
      if (handled) pending.push(handled.catch((error: unknown) => void failures.push(error)))
    } catch (error) {
      failures.push(error)
    }
  }
  const end = (): void => {
    const position = failures.findIndex((failure) => !departures.has(failure as object))
    if (position >= 0) throw failures[position]
    if (failures.length === handlers.length) throw failures[0]
  }
  return pending.length === 0 ? end() : Promise.all(pending).then(end)
}

/** Handlers in plain JavaScript may return anything; only what can be waited for is. */
function promiseOf(handled: unknown): Promise<void> | undefined {
  return isThenable(handled) ? Promise.resolve(handled as Promise<void>) : undefined
}

/** It can be waited for. */
export function isThenable<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

/** Plain JavaScript may hand in anything; throws `ERR_BAD_OPTIONS`. */
export function checkHandler(handler: unknown): void {
  checkFunction('the handler', handler)
}

/** Why what nobody wants was not handled. */
export function noHandler(member: string, channel: ChannelName, what = 'messages'): ClusterError {
  return new ClusterError('ERR_NO_HANDLER', `${member} has no handler for ${what} on '${channel}'`, {
    member,
    subject: channel,
  })
}
