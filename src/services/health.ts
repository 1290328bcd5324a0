// Whether an instance works, as its owner finds out: by asking a function, an HTTP address or a TCP port now and then,
// or by being told often enough. One odd answer changes nothing: only several of the same in a row do.
//
//   passing ── `failures` in a row ──> critical ── `successes` in a row ──> passing

import { once } from 'node:events'
import { connect } from 'node:net'
import { anything, problemsOf } from '../call-options.ts'
import { parseAddress } from '../network-address.ts'
import type { Time, Timer } from '../runtime/clock.ts'

/** What all checks that ask have. */
export interface HealthPace {
  /** Between two checks. Default 5,000; at least 100. */
  readonly intervalMs?: number
  /** A check without an answer by then has failed. Default 2,000. */
  readonly timeoutMs?: number
  /** In a row, until it is `critical`. Default 3. */
  readonly failures?: number
  /** In a row, until it is `passing` again. Default 2. */
  readonly successes?: number
}

/**
 * How the health of an instance is found out. `check`: passes unless it throws, rejects or answers false. `http`:
 * passes with a status below
 * 400. `tcp`: passes when the port accepts. `ttlMs`: critical unless `registration.pass()` was called within that time,
 *      at least 100.
 */
export type HealthCheck =
  | (HealthPace & { readonly check: (signal: AbortSignal) => unknown })
  | (HealthPace & { readonly http: string })
  | (HealthPace & { readonly tcp: string })
  | { readonly ttlMs: number }

const MIN_PAUSE_MS = 100
const defaults = { intervalMs: 5_000, timeoutMs: 2_000, failures: 3, successes: 2 }

/** One text for each thing that is wrong with a check. */
export function healthProblems(value: unknown): string[] {
  if (typeof value !== 'object' || value === null)
    return ['services.health must be { check }, { http }, { tcp } or { ttlMs }']
  const check = value as Partial<Record<'check' | 'http' | 'tcp' | 'ttlMs' | keyof HealthPace, unknown>>
  const kinds = (['check', 'http', 'tcp', 'ttlMs'] as const).filter((kind) => check[kind] !== undefined)
  const [kind] = kinds
  if (kind === undefined || kinds.length > 1) return ['services.health must have one of check, http, tcp and ttlMs']
  const known = kind === 'ttlMs' ? [kind] : [kind, ...Object.keys(defaults)]
  const given = Object.fromEntries(Object.entries(check).filter(([, what]) => what !== undefined))
  const unknown = problemsOf(given, Object.fromEntries(known.map((name) => [name, anything])))
  const found = unknown.map((problem) => `services.health: ${problem}`)
  const rule = (holds: boolean, text: string): void => void (holds || found.push(`services.health.${text}`))
  const isCount = (count: unknown): boolean => Number.isInteger(count) && (count as number) >= 1
  const isPause = (ms: unknown): boolean => typeof ms === 'number' && ms >= MIN_PAUSE_MS && ms <= 2 ** 31 - 1
  if (kind === 'check') rule(typeof check.check === 'function', 'check must be a function')
  if (kind === 'http') rule(/^https?:$/.test(protocolOf(check.http)), `http (${String(check.http)}) must be a URL`)
  if (kind === 'tcp')
    rule(typeof parseAddress(String(check.tcp)) !== 'string', `tcp (${String(check.tcp)}) must be HOST:PORT`)
  for (const key of ['ttlMs', 'intervalMs', 'timeoutMs'] as const)
    if (check[key] !== undefined)
      rule(isPause(check[key]), `${key} (${String(check[key])}) must be at least ${MIN_PAUSE_MS}`)
  for (const key of ['failures', 'successes'] as const)
    if (check[key] !== undefined)
      rule(isCount(check[key]), `${key} (${String(check[key])}) must be a whole number of at least 1`)
  return found
}

/** Watches over one instance until it is disposed. */
export class HealthWatch implements Disposable {
  readonly #check: HealthCheck
  readonly #clock: Time
  readonly #onChange: (health: 'passing' | 'critical') => void
  readonly #abort = new AbortController()
  #timer: Timer | undefined
  #isPassing = true
  /** Answers in a row that speak against what is believed. */
  #contrary = 0

  constructor(check: HealthCheck, clock: Time, onChange: (health: 'passing' | 'critical') => void) {
    this.#check = check
    this.#clock = clock
    this.#onChange = onChange
    if ('ttlMs' in check) this.#expectPass(check.ttlMs)
    else this.#schedule(check)
  }

  /** It was said that the instance works; means something for `ttlMs` only. */
  pass(): void {
    if (!('ttlMs' in this.#check) || this.#abort.signal.aborted) return
    this.#become(true)
    this.#expectPass(this.#check.ttlMs)
  }

  [Symbol.dispose](): void {
    this.#abort.abort()
    this.#timer?.[Symbol.dispose]()
  }

  #expectPass(ttlMs: number): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = this.#clock.setTimeout(() => this.#become(false), ttlMs)
  }

  #schedule(check: Exclude<HealthCheck, { ttlMs: number }>): void {
    const { intervalMs = defaults.intervalMs, timeoutMs = defaults.timeoutMs } = check
    const { failures = defaults.failures, successes = defaults.successes } = check
    this.#timer = this.#clock.setTimeout(async () => {
      const signal = AbortSignal.any([this.#abort.signal, this.#clock.timeout(timeoutMs)])
      const passes = await answerOf(check, signal)
      if (this.#abort.signal.aborted) return
      this.#contrary = passes === this.#isPassing ? 0 : this.#contrary + 1
      if (this.#contrary >= (this.#isPassing ? failures : successes)) this.#become(passes)
      this.#schedule(check)
    }, intervalMs)
  }

  #become(isPassing: boolean): void {
    this.#contrary = 0
    if (this.#isPassing === isPassing) return
    this.#isPassing = isPassing
    this.#onChange(isPassing ? 'passing' : 'critical')
  }
}

/** Whatever goes wrong is the answer no. */
async function answerOf(check: Exclude<HealthCheck, { ttlMs: number }>, signal: AbortSignal): Promise<boolean> {
  const aborted = once(signal, 'abort').then(() => false)
  try {
    return await Promise.race([ask(check, signal), aborted])
  } catch {
    return false
  }
}

async function ask(check: Exclude<HealthCheck, { ttlMs: number }>, signal: AbortSignal): Promise<boolean> {
  if ('check' in check) return (await check.check(signal)) !== false
  if ('http' in check) {
    const response = await fetch(check.http, { signal, redirect: 'manual' })
    await response.body?.cancel()
    return response.status < 400
  }
  const address = parseAddress(check.tcp)
  if (typeof address === 'string') return false
  const socket = connect(address.port, address.host)
  try {
    await once(socket, 'connect', { signal })
    return true
  } finally {
    socket.destroy()
  }
}

function protocolOf(url: unknown): string {
  return typeof url === 'string' && URL.canParse(url) ? new URL(url).protocol : ''
}
