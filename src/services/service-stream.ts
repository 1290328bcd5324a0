// A stream from the caller's side: the first items answer the call, and while the reader is busy with some the next
// ones are asked for, so at most two answers are ahead of it. It ends by its end, its deadline, its caller, or the
// failure of its owner; an owner that is gone ends it with what had come.

import type { JsonValue } from '../channels/payload.ts'
import { ClusterError } from '../errors.ts'
import { callAborted } from '../wait.ts'
import type { CallAttempt } from './call-attempt.ts'
import type { CallExchange, OutgoingPull } from './call-exchange.ts'
import type { CallLimits } from './call-limits.ts'
import type { Asked } from './service-call.ts'
import type { ServiceCalls } from './service-calls.ts'
import type { StreamBatch } from './stream-source.ts'

/** Longer than a call: it is for all items together. */
const DEFAULT_STREAM_DEADLINE_MS = 60_000

export async function* readStream(
  calls: ServiceCalls,
  exchange: CallExchange,
  asked: Asked,
): AsyncGenerator<JsonValue, void, undefined> {
  const operation = `${asked.name}.${asked.method}`
  const limits = calls.limits(asked.options, DEFAULT_STREAM_DEADLINE_MS)
  const { value, attempt } = await calls.begin(asked, limits)
  yield* restOf(value, attempt, exchange, limits, operation)
}

/** The items of the first answer, and then of all further ones. */
export async function* restOf(
  value: JsonValue,
  attempt: CallAttempt,
  exchange: CallExchange,
  limits: CallLimits,
  operation: string,
): AsyncGenerator<JsonValue, void, undefined> {
  const pulls = new Pulls(exchange, attempt, limits, operation)
  try {
    let batch = batchOf(value, operation)
    for (;;) {
      if (batch.isDone) pulls.done()
      const next = batch.isDone ? undefined : pulls.next()
      // Who stops reading does not ask what became of it.
      next?.catch(() => {})
      for (const item of batch.items) {
        if (limits.isAborted) throw callAborted(operation, true)
        yield item
      }
      if (!next) return
      batch = batchOf(await next, operation)
    }
  } finally {
    pulls.end()
  }
}

class Pulls {
  readonly #exchange: CallExchange
  readonly #attempt: CallAttempt
  readonly #limits: CallLimits
  readonly #operation: string
  #waiting: number | undefined
  #isOver = false

  constructor(exchange: CallExchange, attempt: CallAttempt, limits: CallLimits, operation: string) {
    this.#exchange = exchange
    this.#attempt = attempt
    this.#limits = limits
    this.#operation = operation
  }

  next(): Promise<JsonValue> {
    return new Promise((resolve, reject) => {
      const release = this.#limits.onAborted(() => {
        this.end()
        reject(callAborted(this.#operation, true))
      })
      const settled = (): void => {
        release?.()
        this.#waiting = undefined
      }
      const { to, deadline, id: call } = this.#attempt
      const pull: OutgoingPull = {
        id: 0,
        call,
        to,
        deadline,
        failsFast: false,
        answered: (value) => {
          settled()
          resolve(value)
        },
        ended: (how, error) => {
          settled()
          // Its handler has ended it by failing; of anything else it is still to be told.
          if (how === 'failed') this.done()
          reject(error.code === 'ERR_TIMEOUT' ? this.#limits.exceeded(this.#operation, error) : error)
        },
      }
      this.#exchange.pull(pull)
      this.#waiting = pull.id
    })
  }

  done(): void {
    this.#isOver = true
  }

  /** Tells the owner that nobody reads any further. Idempotent. */
  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#exchange.abandon(this.#attempt.to, this.#attempt.id, this.#waiting)
  }
}

function batchOf(value: JsonValue, operation: string): StreamBatch {
  const { items, isDone } = (value ?? {}) as Partial<StreamBatch>
  if (Array.isArray(items) && typeof isDone === 'boolean') return { items, isDone }
  const details = { member: '', subject: operation, reason: 'its answer is no stream' }
  throw new ClusterError('ERR_HANDLER_FAILED', `'${operation}' was answered with no stream`, details)
}
