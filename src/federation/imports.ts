// What other clusters offer, as this gateway offers it to its own: each group once, whichever gateways over there have
// it, as long as one of them is linked. A call goes to one of those, and to the next where it has certainly not
// happened.

import type { JsonValue } from '../channels/payload.ts'
import { ClusterError } from '../errors.ts'
import type { Time } from '../runtime/clock.ts'
import { type AttemptedCall, type AttemptOwner, CallAttempt, type CallOutcome } from '../services/call-attempt.ts'
import type { CallExchange } from '../services/call-exchange.ts'
import { encodeValue } from '../services/call-exchange.ts'
import { CallLimits } from '../services/call-limits.ts'
import { InstanceLoad } from '../services/instance-loads.ts'
import { NotServed, type RunningCall } from '../services/running-call.ts'
import type { ServiceFacts } from '../services/service-facts.ts'
import type { FindHandler } from '../services/service-host.ts'
import { restOf } from '../services/service-stream.ts'
import { callAborted } from '../wait.ts'
import { type ExportList, groupOf } from './exports.ts'

/** Puts what is imported before this node's own cluster. */
export type Offer = (
  facts: ServiceFacts,
  handler: FindHandler,
) => (Disposable & { update(facts: ServiceFacts): void }) | undefined

interface Imported {
  readonly offer: NonNullable<ReturnType<Offer>>
  facts: ServiceFacts
  /** Number over there by gateway. */
  readonly sources: Map<string, number>
  turn: number
}

export interface ImportsOptions {
  readonly clock: Time
  readonly exchange: CallExchange
  readonly offer: Offer
  /** Why a gateway should be asked nothing now. */
  readonly refusal: (gateway: string) => ClusterError | undefined
  /** Counts what was dropped, by reason. */
  readonly count: (reason: string) => void
}

export class Imports {
  readonly #options: ImportsOptions
  readonly #imported = new Map<string, Imported>()

  constructor(options: ImportsOptions) {
    this.#options = options
  }

  get facts(): readonly ServiceFacts[] {
    return [...this.#imported.values()].map(({ facts }) => facts)
  }

  /** A gateway has told what it offers: all of it. */
  take(gateway: string, { cluster, exports }: ExportList): void {
    const told = new Set<string>()
    for (const { number, facts } of exports) {
      const key = `${cluster}\n${groupOf(facts)}`
      told.add(key)
      const known = this.#imported.get(key)
      if (known) {
        known.sources.set(gateway, number)
        if (JSON.stringify(known.facts) !== JSON.stringify(facts)) known.offer.update(facts)
        known.facts = facts
      } else this.#create(key, facts, gateway, number)
    }
    for (const key of [...this.#imported.keys()]) if (!told.has(key)) this.#drop(key, gateway)
  }

  /** The link to a gateway is gone. */
  lost(gateway: string): void {
    for (const key of [...this.#imported.keys()]) this.#drop(key, gateway)
  }

  #create(key: string, facts: ServiceFacts, gateway: string, number: number): void {
    const sources = new Map([[gateway, number]])
    const handler: FindHandler = (method) => (argument, context) => {
      const imported = this.#imported.get(key)
      if (!imported) throw new NotServed(gone(facts.name))
      return this.#forward(imported, method, argument, context as RunningCall)
    }
    const offer = this.#options.offer(facts, handler)
    if (offer) this.#imported.set(key, { offer, facts, sources, turn: 0 })
    else this.#options.count('federation-full')
  }

  #drop(key: string, gateway: string): void {
    const imported = this.#imported.get(key)
    if (!imported?.sources.delete(gateway) || imported.sources.size > 0) return
    this.#imported.delete(key)
    imported.offer[Symbol.dispose]()
  }

  async #forward(imported: Imported, method: string, argument: JsonValue, running: RunningCall) {
    const { clock, exchange, refusal } = this.#options
    const operation = `${imported.facts.name}.${method}`
    const limits = new CallLimits(clock, running.deadlineMs, undefined)
    const text = encodeValue(argument)
    const gateways = [...imported.sources]
    const first = imported.turn++ % gateways.length
    let error = gone(imported.facts.name)
    for (const [to, number] of [...gateways.slice(first), ...gateways.slice(0, first)]) {
      const full = refusal(to)
      if (full) {
        error = full
        continue
      }
      const { deadline } = limits
      const { isStream, trace } = running
      const call = { to, number, method, argument: text, deadline, isStream, trace, failsFast: true }
      const { outcome, attempt } = await this.#ask(call, running, limits, operation)
      if (outcome.type === 'answered')
        return isStream ? restOf(outcome.value, attempt, exchange, limits, operation) : outcome.value
      if (outcome.type === 'failed') throw outcome.error
      error = outcome.error
      if (error.mayHaveHappened || limits.isOver) break
    }
    throw new NotServed(error)
  }

  #ask(call: AttemptedCall, { retries }: RunningCall, limits: CallLimits, operation: string) {
    const { clock, exchange } = this.#options
    return new Promise<{ outcome: CallOutcome; attempt: CallAttempt }>((resolve, reject) => {
      let release: (() => void) | undefined
      const owner: AttemptOwner = {
        ended: (by, outcome) => {
          release?.()
          resolve({ outcome, attempt: by })
        },
      }
      const load = new InstanceLoad()
      const attempt = new CallAttempt(call, { clock, exchange, load, allowance: retries, owner, now: clock.now() })
      release = limits.onAborted(() => {
        attempt.abandon()
        reject(callAborted(operation, true))
      })
    })
  }
}

function gone(service: string): ClusterError {
  return new ClusterError('ERR_UNKNOWN_SERVICE', `no gateway offers '${service}' any more`, { service })
}
