// `for await (const message of channel.messages())`: the loop is a handler like any other. One message at a time; it is
// finished, and its sender told so, when the loop asks for the next or ends. Who asks for several at once has as many
// in work, of which the oldest is finished first. What still waits for a loop that ends has found no handler, unless
// others handle it.

import type { Message } from './channel.ts'
import { departed, type Subscribers } from './subscribers.ts'

interface Offer {
  readonly message: Message
  readonly finish: () => void
  readonly refuse: (error: Error) => void
}

export function messagesOf(
  subscribers: Subscribers,
  options: { readonly signal?: AbortSignal; readonly topic?: string },
  owner: {
    /** Why what still waits is not handled. */
    readonly refusal: () => Error
    /** Registers what ends the loop when the channel closes. */
    readonly onEnd: (end: () => void) => Disposable
  },
): AsyncIterableIterator<Message> {
  const { signal, topic } = options
  const offers: Offer[] = []
  /** In work, the oldest first. */
  const handed: Offer[] = []
  const waiting: ((result: IteratorResult<Message>) => void)[] = []
  let isDone = false

  const subscription = subscribers.add(
    (message) =>
      new Promise<void>((finish, refuse) => {
        offers.push({ message, finish, refuse })
        hand()
      }),
    topic,
  )
  const end = (): void => {
    if (isDone) return
    isDone = true
    subscription[Symbol.dispose]()
    registration[Symbol.dispose]()
    signal?.removeEventListener('abort', end)
    for (const { finish } of handed.splice(0)) finish()
    for (const { refuse } of offers.splice(0)) refuse(departed(owner.refusal()))
    for (const wake of waiting.splice(0)) wake({ done: true, value: undefined })
  }
  const registration = owner.onEnd(end)
  const hand = (): void => {
    if (waiting.length === 0) return
    const offer = offers.shift()
    if (offer === undefined) return
    handed.push(offer)
    waiting.shift()?.({ done: false, value: offer.message })
  }
  if (signal?.aborted) end()
  else signal?.addEventListener('abort', end, { once: true })

  return {
    next() {
      handed.shift()?.finish()
      if (isDone) return Promise.resolve({ done: true, value: undefined })
      return new Promise((resolve) => {
        waiting.push(resolve)
        hand()
      })
    },
    return() {
      end()
      return Promise.resolve({ done: true, value: undefined })
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
