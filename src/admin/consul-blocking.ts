// Blocking queries as Consul has them: an answer bears an index, and who asks with that index waits until there is a
// newer one. The index of services is this node's own count of their changes; it begins with the clock, so that it
// rarely goes back when a client comes from another node or this one was restarted. Where it does, the query is
// answered at once, and clients begin anew.

import type { TrellisNode } from '../node-interface.ts'
import { badRequest } from './config.ts'
import type { Context } from './http-call.ts'

const DEFAULT_WAIT_MS = 300_000
const MAX_WAIT_MS = 600_000
/** Names whose index is remembered; of the others it is that of the newest one that was forgotten. */
const MAX_NAMES = 10_000
/** Seconds since 1970 when this was written: indexes stay short. */
const EPOCH_S = 1_750_000_000

export interface Blocking {
  /** Undefined: do not wait. */
  readonly index: number | undefined
  readonly waitMs: number
}

/** `index` and `wait` of a query. Throws `ERR_BAD_REQUEST`. */
export function blockingOf({ req }: Context): Blocking {
  const index = req.query('index')
  if (index !== undefined && !/^\d{1,15}$/.test(index)) throw badRequest('Invalid index')
  const waitMs = durationOf(req.query('wait'))
  const asked = Number(index ?? 0)
  return { index: asked > 0 ? asked : undefined, waitMs: waitMs + (Math.random() * waitMs) / 16 }
}

function durationOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_WAIT_MS
  const match = /^(\d{1,9})(ms|s|m|h)?$/.exec(text)
  if (!match) throw badRequest('Invalid wait time')
  const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match[2] ?? 's'] ?? 1_000
  return Math.min(Number(match[1]) * unit, MAX_WAIT_MS)
}

/** What every answer bears. `index` of what was asked for; `ageMs` of what was read. */
export function withIndex(context: Context, index: number, isLeaderKnown: boolean, ageMs = 0): void {
  context.header('x-consul-index', String(Math.max(1, index)))
  context.header('x-consul-knownleader', String(isLeaderKnown))
  context.header('x-consul-lastcontact', String(Math.round(ageMs)))
}

/** Counts the changes of services, by name, from the first question on. */
export class ServiceIndexes {
  readonly #services: TrellisNode['services']
  readonly #byName = new Map<string, number>()
  readonly #waiting = new Set<() => void>()
  #isWatching = false
  #newest = Math.max(1, Math.floor(Date.now() / 1_000) - EPOCH_S)
  /** Of what is not remembered. */
  #floor = this.#newest

  constructor(services: TrellisNode['services']) {
    this.#services = services
  }

  /** Without a name: of all. */
  indexOf(name?: string): number {
    this.#watch()
    return name === undefined ? this.#newest : (this.#byName.get(name) ?? this.#floor)
  }

  /** Resolves when the index is another than `index`, after `waitMs`, or when `signal` aborts. */
  async changed(name: string | undefined, { index, waitMs }: Blocking, signal: AbortSignal): Promise<void> {
    if (index === undefined || this.indexOf(name) !== index) return
    const over = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(waitMs))])
    while (!over.aborted && this.indexOf(name) === index)
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake)
          over.removeEventListener('abort', wake)
          resolve()
        }
        this.#waiting.add(wake)
        over.addEventListener('abort', wake, { once: true })
      })
  }

  /** Ends with the node, which ends the watch. */
  async #watch(): Promise<void> {
    if (this.#isWatching) return
    this.#isWatching = true
    for await (const { instance } of this.#services.watch({ namespace: '*' })) this.#changed(instance.name)
  }

  #changed(name: string): void {
    this.#newest += 1
    this.#byName.delete(name)
    this.#byName.set(name, this.#newest)
    const [oldest] = this.#byName
    if (this.#byName.size > MAX_NAMES && oldest) {
      this.#byName.delete(oldest[0])
      this.#floor = oldest[1]
    }
    for (const wake of [...this.#waiting]) wake()
  }
}
