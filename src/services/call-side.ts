// Calls of one node, both ways, as its services have them: the host of its own instances, the caller of all, and what
// links and members mean to calls under way.

import type { Carrier } from '../channels/carrier.ts'
import { memberDown } from '../channels/failures.ts'
import type { JsonValue } from '../channels/payload.ts'
import { ClusterError } from '../errors.ts'
import { endable } from '../iteration.ts'
import type { WaitOptions } from '../node-interface.ts'
import type { NodeContext } from '../node-part.ts'
import { CallEdges } from './call-edges.ts'
import { CallExchange } from './call-exchange.ts'
import { CallSurvey } from './call-survey.ts'
import type { Candidates } from './candidates.ts'
import { NotServed } from './running-call.ts'
import type { Asked } from './service-call.ts'
import { ServiceCalls } from './service-calls.ts'
import { ServiceHost } from './service-host.ts'
import type { CallGraph, ServiceCallOptions } from './service-interface.ts'
import { readStream, restOf } from './service-stream.ts'

export class CallSide implements Disposable {
  readonly host: ServiceHost
  readonly calls: ServiceCalls
  readonly #context: NodeContext
  readonly #exchange: CallExchange
  readonly #survey: CallSurvey
  /** Members to whom no way leads, though they are not known to be down. */
  readonly #cut = new Set<string>()

  /** `candidates`: the instances of a service that match. */
  constructor(
    context: NodeContext,
    carrier: Carrier,
    candidates: (name: string, options: ServiceCallOptions) => Candidates,
  ) {
    const { self, toolbox, options } = context
    const edges = new CallEdges()
    this.#context = context
    const { clock } = toolbox
    this.#exchange = new CallExchange({
      clock,
      carrier,
      server: () => this.host,
      count: (reason) => toolbox.counters.add(reason),
    })
    this.host = new ServiceHost({ clock, self: self.id, exchange: this.#exchange, nameOf: (id) => context.nameOf(id) })
    this.calls = new ServiceCalls({
      clock,
      self: { name: self.name, zone: options.zone },
      exchange: this.#exchange,
      edges,
      random: toolbox.random,
      candidates,
      isCut: (member) => this.#cut.has(member),
    })
    this.#survey = new CallSurvey(context, edges)
  }

  /** As {@link Services.stream}. */
  stream(asked: Asked): AsyncIterable<JsonValue> {
    const { options } = asked
    return endable(
      (signal) => readStream(this.calls, this.#exchange, { ...asked, options: { ...options, signal } }),
      [options.signal],
    )
  }

  /**
   * Passes a call on to an instance of this cluster, as long as `limits` says. Throws {@link NotServed} when none
   * served it.
   */
  async passOn(asked: Asked): Promise<JsonValue | AsyncIterable<JsonValue>> {
    const limits = this.calls.limits(asked.options, 0)
    const { outcome, by } = await this.calls.outcome(asked, limits)
    if (outcome.type === 'failed') throw outcome.error
    if (outcome.type !== 'answered') throw new NotServed(outcome.error)
    if (!asked.isStream || !by) return outcome.value
    return restOf(outcome.value, by, this.#exchange, limits, `${asked.name}.${asked.method}`)
  }

  graph(options: WaitOptions | undefined): Promise<CallGraph> {
    return this.#survey.ask(options)
  }

  linked(member: string): void {
    this.#cut.delete(member)
  }

  /** Its link is gone; it may be reached over others. */
  unlinked(member: string): void {
    if (this.#context.links.get(member) || this.#context.relay().hopTo(member) !== undefined) {
      this.#cut.delete(member)
      return
    }
    this.#cut.add(member)
    this.#exchange.cut(member, () => lost(this.#context.nameOf(member)))
  }

  /** Ways may be others. */
  rerouted(): void {
    for (const member of this.#cut) this.unlinked(member)
  }

  /** It is down, has left or is forgotten. */
  gone(member: string): void {
    this.#cut.delete(member)
    this.#exchange.lost(member, () => memberDown(this.#context.nameOf(member), true))
    this.host.lost(member)
  }

  [Symbol.dispose](): void {
    this.host[Symbol.dispose]()
    this.#exchange[Symbol.dispose]()
    this.#survey[Symbol.dispose]()
  }
}

function lost(member: string): ClusterError {
  const message = `the link to ${member} was lost before it answered`
  return new ClusterError('ERR_MEMBER_DOWN', message, { member }, { mayHaveHappened: true })
}
