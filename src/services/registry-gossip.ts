// Carries the registry between members: what changes goes to everybody at once on the gossip channel, and every second
// two members compare what they know, so that whatever was lost on the way is repaired, also after a partition. Those
// that compare are linked neighbors: what one of them learns the others learn from it, and nobody opens a link for it.
// Who has learned nothing for a while compares seldom: whoever lacks what is new is asked by those that have it.

import type { Carrier } from '../channels/carrier.ts'
import type { JsonValue } from '../channels/payload.ts'
import type { NodeContext } from '../node-part.ts'
import type { Timer } from '../runtime/clock.ts'
import type { Registry } from './registry.ts'
import { encodeMessage, fitting, parseMessage, type RegistryMessage, type ServiceDelta } from './registry-messages.ts'
import type { ServiceFacts } from './service-facts.ts'

const SUBJECT = 'trellis.registry'
const COMPARE_INTERVAL_MS = 1_000
/**
 * So long after the last news. Shorter: of a few neighbors one may not have been chosen in that time. Longer: idle
 * members ask each other for nothing.
 */
const LIVELY_MS = 10_000
/** From then on. */
const QUIET_INTERVAL_MS = 8_000
/**
 * News go out at once; those of the next so many milliseconds go together, so that churn costs a bounded number of
 * messages.
 */
const TELL_INTERVAL_MS = 50
const TIMEOUT_MS = 3_000
/**
 * With so many of its neighbors a node compares as soon as they are linked; beyond it with some. A guess: of hundreds,
 * each would tell all others the same.
 */
const MEETINGS = 32
/** Pieces of a large difference that are fetched at once, before the next second. */
const MAX_ROUNDS = 16
/** Of one message that goes to everybody: small enough for a tree. */
const MAX_TOLD_BYTES = 15 * 1024

export interface RegistryGossipOptions {
  readonly context: NodeContext
  readonly registry: Registry<ServiceFacts>
  /** Of the gossip channel. */
  readonly carrier: Carrier
  /** What is known of these owners has changed. */
  readonly onChange: (owners: readonly string[]) => void
}

export class RegistryGossip implements Disposable {
  readonly #options: RegistryGossipOptions
  readonly #stopping = new AbortController()
  readonly #handlers: readonly Disposable[]
  /** Members with whom this node compares now; true: something more was missed meanwhile. */
  readonly #comparing = new Map<string, boolean>()
  /** What changed here and has not been told. */
  #untold: ServiceDelta[] = []
  #toldAt = Number.NEGATIVE_INFINITY
  #telling: Timer | undefined
  #timer: Timer | undefined
  #newsAt = Number.NEGATIVE_INFINITY
  /** The next comparison is one of those that come seldom. */
  #isQuiet = false

  constructor(options: RegistryGossipOptions) {
    this.#options = options
    const { context, carrier } = options
    this.#handlers = [
      context.requests.handle(SUBJECT, ({ payload }) => encodeMessage(this.#answer(payload))),
      carrier.handle(({ id }, payload, handled) => {
        this.#heard(id, payload)
        handled()
      }),
    ]
  }

  /** From now on this node is a member. */
  begin(): void {
    if (this.#timer === undefined) this.#schedule()
  }

  /** Tells everybody of a change of this node. */
  spread(delta: ServiceDelta): void {
    this.#hasNews()
    this.#untold.push(delta)
    if (this.#untold.length > 1) return
    const { clock } = this.#options.context.toolbox
    const wait = this.#toldAt + TELL_INTERVAL_MS - clock.now()
    if (wait > 0) this.#telling = clock.setTimeout(() => this.#tell(), Math.ceil(wait))
    else clock.setImmediate(() => this.#tell())
  }

  /**
   * A member is (again) there, or linked: once it is both, one of the two compares, and both know what either knew.
   * Unless there are many others, with whom they have compared.
   */
  meet(member: string): void {
    const { self, toolbox } = this.#options.context
    const partners = this.#partners()
    const isMine = self.id < member && partners.includes(member)
    if (isMine && toolbox.random() * partners.length < MEETINGS) void this.compareWith(member)
  }

  /**
   * Compares with one member: now, or once more when that is under way, however often it is asked for meanwhile. One
   * lost message leaves a gap before each that follows, and a comparison for each of them would keep their sender from
   * its work.
   */
  async compareWith(member: string): Promise<void> {
    if (this.#comparing.has(member)) return void this.#comparing.set(member, true)
    try {
      do {
        this.#comparing.set(member, false)
        await this.#compare(member)
      } while (this.#comparing.get(member) === true && !this.#stopping.signal.aborted)
    } finally {
      this.#comparing.delete(member)
    }
  }

  [Symbol.dispose](): void {
    this.#stopping.abort()
    for (const handler of this.#handlers) handler[Symbol.dispose]()
    this.#timer?.[Symbol.dispose]()
    this.#telling?.[Symbol.dispose]()
  }

  /** Something was learned, or changed here, that others may lack. */
  #hasNews(): void {
    this.#newsAt = this.#options.context.toolbox.clock.now()
    if (!this.#isQuiet) return
    this.#timer?.[Symbol.dispose]()
    this.#schedule()
  }

  #schedule(): void {
    const { random, clock } = this.#options.context.toolbox
    this.#isQuiet = clock.now() - this.#newsAt >= LIVELY_MS
    this.#timer = clock.setTimeout(
      () => {
        const partners = this.#partners()
        const chosen = partners[Math.floor(random() * partners.length)]
        if (chosen !== undefined) void this.compareWith(chosen)
        this.#schedule()
      },
      (this.#isQuiet ? QUIET_INTERVAL_MS : COMPARE_INTERVAL_MS) * (0.75 + random() * 0.5),
    )
  }

  #partners(): readonly string[] {
    return this.#options.context.overlays().linkedNeighbors()
  }

  #tell(): void {
    const { carrier, context } = this.#options
    this.#toldAt = context.toolbox.clock.now()
    while (this.#untold.length > 0 && !this.#stopping.signal.aborted) {
      const deltas = fitting(this.#untold, MAX_TOLD_BYTES)
      carrier.broadcast(Buffer.from(JSON.stringify(encodeMessage({ deltas }))))
      this.#untold = this.#untold.slice(deltas.length)
    }
  }

  /** A member tells what has changed there. */
  #heard(member: string, payload: Uint8Array): void {
    const message = parseMessage(parsedJson(payload))
    if (!message) this.#options.context.toolbox.counters.add('registry-malformed')
    else if (this.#take(message.deltas ?? [])) void this.compareWith(member)
  }

  /** Nothing is lost when it fails: there is another one soon. */
  async #compare(member: string): Promise<void> {
    const { registry, context } = this.#options
    try {
      for (let round = 0; round < MAX_ROUNDS; round++) {
        const answer = await this.#ask(member, { fingerprint: registry.fingerprint() })
        if (answer.same || !answer.digest) return
        this.#hasNews()
        const deltas = fitting(registry.lackedBy(answer.digest))
        const { deltas: lacked = [] } = await this.#ask(member, { digest: registry.digest(), deltas })
        this.#take(lacked)
        if (lacked.length === 0 && deltas.length === 0) return
      }
    } catch {
      // Why it failed is told by the links; here it only means: with another one, later.
      context.toolbox.counters.add('registry-compare-failed')
    }
  }

  async #ask(member: string, message: RegistryMessage): Promise<RegistryMessage> {
    const { signal } = this.#stopping
    const { requests } = this.#options.context
    const answer = await requests.request(member, SUBJECT, encodeMessage(message), { signal, timeoutMs: TIMEOUT_MS })
    const parsed = parseMessage(answer)
    if (!parsed) throw new Error('the answer is no message of a registry')
    return parsed
  }

  #answer(payload: unknown): RegistryMessage {
    const { registry, context } = this.#options
    const message = parseMessage(payload)
    if (!message) {
      context.toolbox.counters.add('registry-malformed')
      throw new Error('that is no message of a registry')
    }
    if (message.fingerprint !== undefined)
      return message.fingerprint === registry.fingerprint() ? { same: true } : { digest: registry.digest() }
    this.#take(message.deltas ?? [])
    return message.digest ? { deltas: fitting(registry.lackedBy(message.digest)) } : { same: true }
  }

  /** True when one of them could not be taken for want of what was before it. */
  #take(deltas: readonly ServiceDelta[]): boolean {
    const { registry, onChange, context } = this.#options
    const changed = new Set<string>()
    let hasGap = false
    for (const delta of deltas) {
      const applied = registry.apply(delta)
      if (applied === 'new') changed.add(delta.owner)
      if (applied === 'gap') hasGap = true
      if (applied === 'refused') context.toolbox.counters.add('registry-refused')
    }
    if (changed.size > 0) {
      this.#hasNews()
      onChange([...changed])
    }
    return hasGap
  }
}

function parsedJson(payload: Uint8Array): JsonValue {
  try {
    return JSON.parse(Buffer.from(payload).toString('utf8'))
  } catch {
    return null
  }
}
