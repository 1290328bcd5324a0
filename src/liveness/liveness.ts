// Stalled is not dead: this node's own worker, which answers while its main thread is blocked, and the questions that
// this node asks of the workers of members that do not answer a probe. The worker is started a moment after there is
// another member that could ask: a thread takes as much of a processor as an eighth of the start of a node, and in a
// cluster that starts as a whole that is wanted for an election.

import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { MemberRecord, SwimEvent } from '../../topology/index.ts'
import { streamAddress } from '../network-address.ts'
import type { NodeContext, NodePart } from '../node-part.ts'
import type { Time, Timer } from '../runtime/clock.ts'
import { livenessKey } from './datagram.ts'
import type { WorkerOrder, WorkerSettings } from './liveness-worker.ts'
import { Prober } from './prober.ts'
import { Pulse } from './pulse.ts'

/**
 * How long the worker waits after the last member that came. Larger: who is blocked so soon is silent; smaller: it
 * stands in the way of the start. A guess.
 */
const START_AFTER_MS = 500
/** How long at most, while others come one after the other: then all are still starting. */
const START_WITHIN_MS = 5_000

/** A heap for a socket and two buffers; V8 asks for more than that. */
const resourceLimits = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16, stackSizeMb: 1 }

export class Liveness implements NodePart {
  readonly #context: NodeContext
  readonly #pulse = new Pulse()
  readonly #keys: readonly [Uint8Array, ...Uint8Array[]]
  readonly #prober: Prober
  #worker: Worker | undefined
  #starting: Timer | undefined
  /** When there was first another member. */
  #metAt: number | undefined
  #isClosed = false
  readonly #forgetFaults: () => void

  constructor(context: NodeContext) {
    this.#context = context
    const { self, options, faults } = context
    const [first = '', ...others] = options.secrets
    const key = (secret: string): Uint8Array => livenessKey(secret, self.cluster)
    this.#keys = [key(first), ...others.map(key)]
    this.#prober = new Prober({
      self: self.id,
      keys: this.#keys,
      onAnswer: (peer, generation, ageMs) => this.#answered(peer, generation, ageMs),
    })
    this.#forgetFaults = faults?.onChange(() => this.#obeyFaults()) ?? (() => {})
    this.#pulse.beat()
  }

  /** The event loop turns. */
  pulse(): void {
    this.#pulse.beat()
  }

  member(event: Extract<SwimEvent, { type: 'member' | 'forgotten' }>): void {
    const { self, toolbox } = this.#context
    if (event.type !== 'member') return
    if (event.after.id === self.id) this.#pulse.condition = event.after.condition === 'draining' ? 1 : 0
    else if (event.after.state === 'alive' && event.before?.state !== 'alive') this.#startSoon(toolbox.clock)
  }

  #startSoon(clock: Time): void {
    const now = clock.now()
    this.#metAt ??= now
    if (now - this.#metAt > START_WITHIN_MS - START_AFTER_MS) return
    this.#starting?.[Symbol.dispose]()
    this.#starting = clock.setTimeout(() => this.#start(), START_AFTER_MS)
  }

  /** A probe of `member` timed out: is it only stalled? */
  unanswered({ id, address, livenessPort }: MemberRecord): void {
    const place = streamAddress(address)
    if (place === undefined || this.#isCutOff(id)) return
    this.#context.toolbox.counters.add('liveness-asked')
    this.#prober.ask(id, place.host, livenessPort)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#starting?.[Symbol.dispose]()
    this.#forgetFaults()
    this.#prober.close()
    await this.#worker?.terminate()
  }

  #answered(peer: string, generation: number, ageMs: number): void {
    const { toolbox, liveness } = this.#context
    if (this.#isClosed || this.#isCutOff(peer)) return
    toolbox.counters.add('liveness-answered')
    toolbox.turn.enter(() => liveness({ peer, generation, ageMs }))
  }

  #start(): void {
    const { self, toolbox } = this.#context
    if (this.#worker || this.#isClosed || !self.liveness) return
    const settings: WorkerSettings = {
      id: self.id,
      generation: self.generation,
      ...self.liveness,
      keys: this.#keys,
      pulse: this.#pulse.memory,
    }
    const program = new URL(`liveness-worker${extname(import.meta.url)}`, import.meta.url)
    this.#worker = new Worker(program, { workerData: settings, resourceLimits, env: {}, stdin: false })
    this.#worker.unref()
    this.#worker.once('online', () => toolbox.logger.info('the liveness worker runs'))
    // Without it this member is one that is silent when it is blocked, as any without a worker.
    this.#worker.on('error', (error) => toolbox.logger.warn('the liveness worker failed', { error }))
    this.#obeyFaults()
  }

  /** Requested faults cut the workers, too: a network that parts two members parts their datagrams. */
  #obeyFaults(): void {
    const others = this.#context.members().filter(({ id }) => this.#isCutOff(id))
    this.#worker?.postMessage({ cutOff: others.map(({ id }) => id) } satisfies WorkerOrder)
  }

  #isCutOff(peer: string): boolean {
    const { faults, self } = this.#context
    return faults !== undefined && (faults.isCut(self.id, peer) || faults.isCut(peer, self.id))
  }
}
