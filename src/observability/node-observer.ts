// Watches one node on behalf of whoever measures: counts leader changes, shows the times without a leader and without
// S5 as spans, and answers the meter of an OpenTelemetry SDK when one asks. The API's meter has no proxy, so an SDK
// that comes after the node is looked for from time to time.

import { type BatchObservableCallback, type MeterProvider, metrics, type Span } from '@opentelemetry/api'
import type { Time, Timer } from '../runtime/clock.ts'
import { memberStates, type ObservedNode } from './families.ts'
import { instrumentationName, startSpan } from './tracing.ts'
import { packageVersion } from './version.ts'

/** Those of a node's events that matter here, and the names of the others. */
type ObservedEvent =
  | { readonly type: 'leader'; readonly leader: string | null; readonly term: number }
  | { readonly type: 's5'; readonly host: string | null; readonly fencingToken: number | null }
  | { readonly type: 'member' | 'link' | 'switch' | 'advice' | 'congestion' }

interface Watched extends ObservedNode {
  readonly name: string
  readonly events: { subscribe(listener: (event: ObservedEvent) => void): Disposable }
}

/** Between two looks for an SDK. */
const LOOK_INTERVAL_MS = 1_000

export class NodeObserver implements Disposable {
  readonly #node: Watched
  readonly #clock: Time
  readonly #count: (name: string) => void
  readonly #subscription: Disposable
  #provider: MeterProvider | undefined
  #meter: Disposable | undefined
  readonly #looking: Timer
  #leader: string | null = null
  /** Times that are not over. */
  #leaderless: Span | undefined
  #hostless: Span | undefined

  constructor(node: Watched, clock: Time, count: (name: string) => void) {
    this.#node = node
    this.#clock = clock
    this.#count = count
    this.#subscription = node.events.subscribe((event) => this.#take(event))
    this.#look()
    this.#looking = this.#clock.setInterval(() => this.#look(), LOOK_INTERVAL_MS)
    this.#looking.unref()
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]()
    this.#looking?.[Symbol.dispose]()
    this.#meter?.[Symbol.dispose]()
    this.#leaderless?.end()
    this.#hostless?.end()
  }

  #look(): void {
    const provider = metrics.getMeterProvider()
    if (provider === this.#provider) return
    this.#provider = provider
    this.#meter?.[Symbol.dispose]()
    this.#meter = observe(this.#node, provider)
  }

  #take(event: ObservedEvent): void {
    if (event.type === 'leader') this.#lead(event.leader, event.term)
    if (event.type === 's5') this.#host(event.host, event.fencingToken)
  }

  #lead(leader: string | null, term: number): void {
    if (leader !== null && leader !== this.#leader) this.#count('leader-change')
    this.#leader = leader
    this.#leaderless ??= startSpan('trellis.election', { 'trellis.node': this.#node.name })
    if (leader === null) return
    this.#leaderless.addEvent('leader', { 'trellis.leader': leader, 'trellis.term': term })
    this.#leaderless.setAttributes({ 'trellis.leader': leader, 'trellis.term': term })
    this.#leaderless.end()
    this.#leaderless = undefined
  }

  #host(host: string | null, token: number | null): void {
    this.#hostless ??= startSpan('trellis.s5.activation', { 'trellis.node': this.#node.name })
    if (host === null || token === null) return
    this.#hostless.addEvent('active', { 'trellis.s5.host': host, 'trellis.s5.fencing_token': token })
    this.#hostless.setAttributes({ 'trellis.s5.host': host, 'trellis.s5.fencing_token': token })
    this.#hostless.end()
    this.#hostless = undefined
  }
}

/** Without an SDK at this moment it does nothing, for ever. */
function observe(node: Watched, provider: MeterProvider): Disposable {
  const meter = provider.getMeter(instrumentationName, packageVersion())
  const members = meter.createObservableGauge('trellis.members', {
    description: 'Members that this node knows, by state.',
    unit: '{member}',
  })
  const term = meter.createObservableGauge('trellis.raft.term', { description: 'The Raft term.' })
  const commitIndex = meter.createObservableGauge('trellis.raft.commit_index', {
    description: 'Index of the last committed log entry.',
  })
  const links = meter.createObservableGauge('trellis.links', { description: 'Links that are up.', unit: '{link}' })
  const instruments = [members, term, commitIndex, links]
  const callback: BatchObservableCallback = (result) => {
    const { consensus } = node.status()
    const who = { 'trellis.node': node.name }
    const known = node.members()
    for (const state of memberStates) {
      const count = known.filter((member) => member.state === state).length
      result.observe(members, count, { ...who, 'trellis.member.state': state })
    }
    result.observe(term, consensus.term, who)
    result.observe(commitIndex, consensus.commitIndex, who)
    result.observe(links, node.links().length, who)
  }
  meter.addBatchObservableCallback(callback, instruments)
  return { [Symbol.dispose]: () => meter.removeBatchObservableCallback(callback, instruments) }
}
