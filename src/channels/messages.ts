// `for await (const message of channel.messages())`: the loop is a handler like any other. One message at a time; it is finished, and its
// sender told so, when the loop asks for the next or ends. What still waits for a loop that ends has found no handler.

import type { Message } from './channel.ts'
import type { Subscribers } from './subscribers.ts'

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
  let current: Offer | undefined
  let wake: ((result: IteratorResult<Message>) => void) | undefined
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
    current?.finish()
    for (const { refuse } of offers.splice(0)) refuse(owner.refusal())
    wake?.({ done: true, value: undefined })
    wake = undefined
  }
  const registration = owner.onEnd(end)
  const hand = (): void => {
    if (wake === undefined) return
    const offer = offers.shift()
    if (offer === undefined) return
    current = offer
    const resolve = wake
    wake = undefined
    resolve({ done: false, value: offer.message })
  }
  if (signal?.aborted) end()
  else signal?.addEventListener('abort', end, { once: true })

  return {
    next() {
      current?.finish()
      current = undefined
      if (isDone) return Promise.resolve({ done: true, value: undefined })
      return new Promise((resolve) => {
        wake = resolve
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
