// Messages from part to part of two nodes, over a channel with all that it promises: acknowledged, resent over another
// link, slowed by credit. Their subject begins with a sign that no topic of a user may hold, so that neither ever meets
// the other.

import { ClusterError } from '../errors.ts'
import type { Arrival } from './arrival.ts'
import type { ChannelContext } from './channel-context.ts'
import type { Outbound } from './outbound.ts'

/** Who sent a message: one life of a member. */
export interface CarriedFrom {
  readonly id: string
  readonly generation: number
}

/**
 * Calls `handled` once it is done with a message; not at all when it throws. What is sent in the same turn leaves
 * together with the acknowledgement.
 */
export type CarriedHandler = (from: CarriedFrom, payload: Uint8Array, handled: () => void) => void

export interface Carrier {
  /**
   * Sends to a member, exactly once while both live; the payload must not change any more. `settled` is told once:
   * without an error the handler there has taken it. Throws `ERR_UNKNOWN_MEMBER`, `ERR_MEMBER_DOWN`, `ERR_BUFFER_FULL`,
   * `ERR_PAYLOAD_TOO_LARGE`.
   */
  post(member: string, payload: Uint8Array, timeoutMs: number, settled: (error: ClusterError | undefined) => void): void
  /**
   * Sends to every other member that is alive, as well as the channel does without acknowledgement: what is lost is
   * lost.
   */
  broadcast(payload: Uint8Array): void
  /** Hands over what comes until disposed. What `handler` throws fails the message. */
  handle(handler: CarriedHandler): Disposable
}

const SIGN = '$'
/** What is not acknowledged waits for room no longer. */
const UNACKNOWLEDGED_MS = 5_000

/** All carriers of one channel. */
export class Carriers {
  readonly #context: ChannelContext
  readonly #outbound: Outbound
  readonly #handlers = new Map<string, CarriedHandler>()

  constructor(context: ChannelContext, outbound: Outbound) {
    this.#context = context
    this.#outbound = outbound
  }

  carrier(name: string): Carrier {
    const subject = `${SIGN}${name}`
    return {
      post: (member, payload, timeoutMs, settled) => {
        const prepared = this.#outbound.prepareOwn(payload, subject, timeoutMs)
        const destination = this.#context.destination(member)
        this.#outbound.post(prepared, destination, { settled: (_, error) => settled(error) })
      },
      broadcast: (payload) => {
        const prepared = this.#outbound.prepareOwn(payload, subject, UNACKNOWLEDGED_MS, false)
        // Nobody is told: whoever needs all of it compares.
        const nobody = (): void => {}
        this.#outbound.postToAll(prepared, this.#context.others(), nobody, nobody)
      },
      handle: (handler) => {
        this.#handlers.set(subject, handler)
        return { [Symbol.dispose]: () => void this.#handlers.delete(subject) }
      },
    }
  }

  /** False: it is a user's. */
  take(arrival: Arrival): boolean {
    const { topic = '', source, sourceGeneration, payload } = arrival.envelope
    if (!topic.startsWith(SIGN)) return false
    const { driver, self } = this.#context
    try {
      const handler = this.#handlers.get(topic)
      if (!handler) throw unknown(self.name, topic)
      handler({ id: source, generation: sourceGeneration }, payload, () => driver.handled(arrival, undefined))
    } catch (error) {
      driver.handled(arrival, error)
    }
    return true
  }
}

function unknown(member: string, subject: string): ClusterError {
  return new ClusterError('ERR_NO_HANDLER', `${member} knows nothing of '${subject}'`, { member, subject })
}
