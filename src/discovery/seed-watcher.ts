// Follows the providers of a node: calls who appears, stops calling who is gone, and announces the node where that is
// wanted. What it finds are only seeds; a link to one of them, or a handshake it refuses, is the business of `links/`.

import { founderDelay } from '../membership/founder-calls.ts'
import { isWildcard, streamAddress } from '../network-address.ts'
import type { NodeContext, NodePart } from '../node-part.ts'
import { oncePer } from '../observability/logger.ts'
import { pause } from '../wait.ts'
import { type Discovery, MAX_SEEDS } from './discovery.ts'
import { asError } from './patience.ts'

/** One log line per provider and trouble in this time. */
const TROUBLE_LOG_INTERVAL_MS = 30_000
/**
 * A node that stops waits so long for what its providers still have to say to others, and for no provider that never
 * ends.
 */
const STOP_MS = 3_000

export class SeedWatcher implements NodePart {
  readonly #context: NodeContext
  readonly #abort = new AbortController()
  readonly #seedsOf = new Map<Discovery, ReadonlySet<string>>()
  /** What each provider was in trouble with last, or has ended with; none once it has found something. */
  readonly #troubles = new Map<Discovery, Error>()
  readonly #sayTrouble: ReturnType<typeof oncePer>
  #running: Promise<unknown> = Promise.resolve()

  constructor(context: NodeContext) {
    this.#context = context
    const { clock } = context.toolbox
    this.#sayTrouble = oncePer({ intervalMs: TROUBLE_LOG_INTERVAL_MS, now: () => clock.now() })
  }

  async start(): Promise<void> {
    const { providers } = this.#context.options
    const { id, name, cluster, address } = this.#context.self
    const { signal } = this.#abort
    this.#running = Promise.all(
      providers.flatMap((provider) => [
        this.#follow(provider, signal),
        this.#keep(provider, provider.announce?.({ id, name, cluster, address }, signal, this.#reporter(provider))),
      ]),
    )
  }

  /** Every address that a provider names at this moment. */
  seeds(): string[] {
    return [...new Set([...this.#seedsOf.values()].flatMap((seeds) => [...seeds]))]
  }

  /** Why providers may have found nobody, by their names. */
  troubles(): readonly (readonly [provider: string, trouble: Error])[] {
    return [...this.#troubles].map(([{ name }, trouble]) => [name, trouble])
  }

  async close(): Promise<void> {
    this.#abort.abort()
    const { clock, counters, logger } = this.#context.toolbox
    const ended = new AbortController()
    const running = this.#running.finally(() => ended.abort())
    await Promise.race([running, pause(clock, STOP_MS, ended.signal)])
    if (ended.signal.aborted) return
    counters.add('discovery-not-ended')
    logger.warn('a provider of peers goes on although its signal has aborted')
  }

  async #follow(provider: Discovery, signal: AbortSignal): Promise<void> {
    const report = this.#reporter(provider)
    await this.#keep(
      provider,
      (async () => {
        for await (const found of provider.watch(signal, report)) {
          if (signal.aborted) return
          this.#troubles.delete(provider)
          this.#change(provider, this.#usable(provider, found))
        }
      })(),
    )
  }

  /** A provider that throws is broken, and broken for good; the node lives on with the others. */
  async #keep(provider: Discovery, running: Promise<void> | undefined): Promise<void> {
    try {
      await running
    } catch (error) {
      if (this.#abort.signal.aborted) return
      this.#troubles.set(provider, asError(error))
      this.#context.toolbox.counters.add('discovery-ended')
      this.#context.toolbox.logger.error('a provider of peers has ended', { provider: provider.name, error })
    }
  }

  #usable(provider: Discovery, found: ReadonlySet<string>): ReadonlySet<string> {
    const wrong = [...found].find((seed) => !canBeDialed(seed))
    if (wrong !== undefined) this.#reporter(provider)(new Error(`'${wrong}' is no address that can be dialed`))
    const good = [...found].filter(canBeDialed)
    if (good.length > MAX_SEEDS)
      this.#reporter(provider)(new Error(`${good.length} seeds were found, the first ${MAX_SEEDS} are used`))
    return new Set(good.slice(0, MAX_SEEDS))
  }

  #change(provider: Discovery, seeds: ReadonlySet<string>): void {
    const { self, links, toolbox, options } = this.#context
    const before = new Set(this.seeds())
    this.#seedsOf.set(provider, seeds)
    const after = new Set(this.seeds())
    toolbox.logger.info('peers were found', { provider: provider.name, seeds: seeds.size })
    const pace = this.#context.stage() === 'member' ? 'remembered' : 'eager'
    for (const seed of after) {
      const delay = options.expect === undefined ? 0 : founderDelay(self.address, seed, options.expect, after)
      if (!before.has(seed) && seed !== self.address) links.callSeed(seed, pace, delay)
    }
    for (const seed of before) if (!after.has(seed) && !options.join.includes(seed)) links.dropSeed(seed)
  }

  #reporter(provider: Discovery): (trouble: unknown) => void {
    const { toolbox } = this.#context
    return (trouble) => {
      const error = asError(trouble)
      const { message } = error
      this.#troubles.set(provider, error)
      toolbox.counters.add('discovery-trouble')
      const heldBack = this.#sayTrouble(`${provider.name}: ${message}`)
      if (heldBack !== undefined)
        toolbox.logger.warn('a provider of peers has trouble', { provider: provider.name, reason: message, heldBack })
    }
  }
}

function canBeDialed(seed: unknown): boolean {
  if (typeof seed !== 'string') return false
  const place = streamAddress(seed)
  return place !== undefined && place.port > 0 && !isWildcard(place.host)
}
