// Callers in a closed loop: each begins its next call when the last one is answered. What they do is the same for every
// store that is compared.

import { clock } from './recorded.ts'

export type LoadVerb = 'write' | 'read'

export interface Load {
  readonly verb: LoadVerb
  /** Calls under way at once. */
  readonly clients: number
  readonly ms: number
  /** Before that, what does not count. Default half a second. */
  readonly warmUpMs?: number
}

export interface LoadReport {
  /** Milliseconds of each call, at most 20,000 of them, evenly taken. */
  readonly latencies: readonly number[]
  /** Calls answered in each quarter of a second, times four. */
  readonly perSecond: readonly number[]
}

/** Keys that are written and read. */
export const LOAD_KEYS = 1_000
/** With JSON's quotes 256 bytes. */
export const LOAD_VALUE = 'v'.repeat(254)
const WARM_UP_MS = 500
/** Between two calls of one who does not wait for answers. */
const ASK_MS = 5
const WINDOW_MS = 250
const MAX_LATENCIES = 20_000

export function loadKey(place: number): string {
  return `bench/${place % LOAD_KEYS}`
}

/** Calls `once` again and again; what is done in the warm-up does not count. An error ends it. */
export async function drive(
  { clients, ms, warmUpMs = WARM_UP_MS }: Load,
  once: (place: number) => Promise<unknown>,
): Promise<LoadReport> {
  const begin = clock() + warmUpMs
  const end = begin + ms
  const all: number[] = []
  const windows = new Array<number>(Math.max(1, Math.floor(ms / WINDOW_MS))).fill(0)
  let place = 0
  const client = async (): Promise<void> => {
    for (let now = clock(); now < end; ) {
      const before = now
      await once(place++)
      now = clock()
      const window = Math.floor((now - begin) / WINDOW_MS)
      if (before < begin || window >= windows.length) continue
      windows[window]! += 1
      all.push(now - before)
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  const step = Math.max(1, Math.ceil(all.length / MAX_LATENCIES))
  const latencies = all.filter((_, at) => at % step === 0)
  return { latencies, perSecond: windows.map((count) => (count * 1_000) / WINDOW_MS) }
}

/**
 * The longest time between two answered calls while `work` is done. A new call begins every few milliseconds, at most
 * `atOnce` of them, for one that was lost may take long to say so.
 */
export async function longestGap(
  once: () => Promise<unknown>,
  work: () => Promise<unknown>,
  atOnce: number,
): Promise<number> {
  const answered: number[] = []
  using _asking = askOften(atOnce, async () => {
    await once()
    answered.push(clock())
  })
  const enough = async (count: number): Promise<void> => {
    while (answered.length < count) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await enough(20)
  const from = answered.length
  await work()
  await enough(answered.length + 20)
  const looked = answered.slice(from - 1).sort((a, b) => a - b)
  return Math.max(...looked.slice(1).map((at, i) => at - looked[i]!))
}

/** From `from` to the first call that is answered; calls begin as in {@link longestGap}. */
export async function firstAnswer(
  once: (attempt: number) => Promise<unknown>,
  from: number,
  atOnce: number,
): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  let attempt = 0
  using _asking = askOften(atOnce, async () => {
    await once(attempt++)
    resolve(clock() - from)
  })
  return await promise
}

function askOften(atOnce: number, once: () => Promise<void>): Disposable {
  let underWay = 0
  const ask = (): void => {
    if (underWay >= atOnce) return
    underWay += 1
    once()
      .catch(() => {})
      .finally(() => {
        underWay -= 1
      })
  }
  ask()
  const asking = setInterval(ask, ASK_MS)
  return { [Symbol.dispose]: () => clearInterval(asking) }
}
