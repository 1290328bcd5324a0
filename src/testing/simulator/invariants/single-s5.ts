// Exactly one S5 that counts (design rule 4): at any instant of true time at most one running node may act as S5, and a
// token that ended never comes back. A claim ends by itself as time passes and begins only in a step of its node, or
// when its node runs again, so looking at the others whenever a claim begins sees every overlap.

import { check } from '../failure.ts'

/** A node, as far as this check must see into it. */
export interface ObservedHost {
  readonly id: string
  /** The process runs: one that is stopped or suspended cannot act, whatever its memory says. */
  readonly isRunning: boolean
  /** The token with which it may act as S5 at this instant; undefined when it may not. */
  s5Token(): number | undefined
}

export class SingleS5 {
  /** Who claimed at its last step, and with which token. */
  readonly #claims = new Map<ObservedHost, number>()
  #largest = 0

  /** Called when somebody begins to act as S5. */
  onClaim: ((host: ObservedHost) => void) | undefined

  /** The largest token anybody ever held. */
  get largestToken(): number {
    return this.#largest
  }

  /** Before a step of `host`: a claim that time has ended is over, whatever the step makes of it. */
  beforeStep(host: ObservedHost): void {
    if (this.#claims.has(host) && host.s5Token() === undefined) this.#claims.delete(host)
  }

  /** After a step of `host`. */
  afterStep(host: ObservedHost): void {
    const token = host.s5Token()
    const claimed = this.#claims.get(host)
    if (token === claimed) return
    if (token === undefined) {
      this.#claims.delete(host)
      return
    }
    check(
      token > this.#largest,
      'fencing-token',
      () => `${host.id} acts as S5 with token ${token}, although ${this.#largest} was held before`,
    )
    this.#largest = token
    this.#claims.set(host, token)
    this.#mustBeAlone(host)
    this.onClaim?.(host)
  }

  /** `host` was stopped or suspended and has just made its first step: a claim it still makes began anew. */
  continued(host: ObservedHost): void {
    if (host.s5Token() !== undefined) this.#mustBeAlone(host)
  }

  /** The process is gone, and its claim with it. */
  died(host: ObservedHost): void {
    this.#claims.delete(host)
  }

  #mustBeAlone(host: ObservedHost): void {
    for (const other of this.#claims.keys()) if (other !== host) this.#mustHaveEnded(other, host)
  }

  #mustHaveEnded(other: ObservedHost, host: ObservedHost): void {
    const token = other.isRunning ? other.s5Token() : undefined
    check(
      token === undefined,
      'single-s5',
      () => `${host.id} acts as S5 with token ${host.s5Token()} while ${other.id} still does with ${token}`,
    )
  }
}
