// Evidence of a crash (design rule 13). When a link closes without a goodbye, its peer's port is knocked at: a port
// that refuses, and that this node has seen accepting before, is evidence. One that accepts, or is silent, is none. A
// process that is being torn down may close its connections a moment before its listening port, so the knock is
// repeated.

import type { Time, Timer } from '../runtime/clock.ts'
import type { Transport } from '../transport/transport.ts'
import { pause } from '../wait.ts'

/** When to knock after the close, in milliseconds. The last one still lies far below any probe's timeout. */
const KNOCKS_AT_MS = [0, 10, 40, 150, 400] as const
const KNOCK_TIMEOUT_MS = 500

/** Ports of so many peers that open their links one after the other are tried at once; a small cluster has no more. */
const TRIED_AT_ONCE = 4
/**
 * Those of further ones are tried so long after the last link came up. Large: for as long the loss of such a link is no
 * evidence; small: where many members start together, a third connection for each pair stands in the way of the links.
 */
const TRY_AFTER_MS = 300
/** How long at most, while others come up one after the other. */
const TRY_WITHIN_MS = 3_000

export class CloseEvidence {
  readonly #transport: Transport
  readonly #clock: Time
  readonly #onRefused: (peer: string, generation: number) => void
  /** By peer that is linked or being knocked at: the address that was seen accepting, dialled or knocked at. */
  readonly #accepting = new Map<string, string>()
  readonly #running = new Map<string, AbortController>()
  /** By peer: a port that has not been tried yet. */
  readonly #untried = new Map<string, string>()
  /** Until no link has come up for a while. */
  #trying: Timer | undefined
  /** Of the links that come up one after the other. */
  #triedAtOnce = 0
  /** When the first of those came up whose ports wait. */
  #untriedSince = 0

  constructor(transport: Transport, clock: Time, onRefused: (peer: string, generation: number) => void) {
    this.#transport = transport
    this.#clock = clock
    this.#onRefused = onRefused
  }

  /** A link to `peer` is up. One that it opened says nothing about its port, so that is tried once: now, or soon. */
  linked(peer: string, address: string, side: 'dialer' | 'acceptor'): void {
    this.#running.get(peer)?.abort()
    this.#running.delete(peer)
    this.#untried.delete(peer)
    if (side === 'dialer') this.#accepting.set(peer, address)
    if (this.#accepting.get(peer) === address) return
    // It has moved: that its old port refuses says nothing.
    this.#accepting.delete(peer)
    this.#tryOnce(peer, address)
  }

  /** The link to that life of `peer` closed and nobody had said goodbye. */
  lost(peer: string, generation: number): void {
    const address = this.#accepting.get(peer)
    if (address !== undefined) void this.#knock(peer, address, generation)
    else this.forget(peer)
  }

  forget(peer: string): void {
    this.#accepting.delete(peer)
    this.#untried.delete(peer)
    this.#running.get(peer)?.abort()
    this.#running.delete(peer)
  }

  close(): void {
    this.#trying?.[Symbol.dispose]()
    this.#untried.clear()
    this.#accepting.clear()
    for (const running of this.#running.values()) running.abort()
    this.#running.clear()
  }

  /** At once while few come, else when no more do. */
  #tryOnce(peer: string, address: string): void {
    if (this.#triedAtOnce < TRIED_AT_ONCE) {
      this.#triedAtOnce += 1
      void this.#learn(peer, address)
    } else {
      if (this.#untried.size === 0) this.#untriedSince = this.#clock.now()
      this.#untried.set(peer, address)
    }
    const waited = this.#untried.size === 0 ? 0 : this.#clock.now() - this.#untriedSince
    if (this.#trying && waited > TRY_WITHIN_MS - TRY_AFTER_MS) return
    this.#trying?.[Symbol.dispose]()
    this.#trying = this.#clock.setTimeout(() => this.#tryAll(), TRY_AFTER_MS)
    this.#trying.unref()
  }

  #tryAll(): void {
    this.#trying = undefined
    this.#triedAtOnce = 0
    const untried = [...this.#untried]
    this.#untried.clear()
    for (const [peer, address] of untried) void this.#learn(peer, address)
  }

  async #learn(peer: string, address: string): Promise<void> {
    const running = this.#begin(peer)
    const answer = await this.#reach(address, running.signal)
    if (answer === 'accepts' && !running.signal.aborted) this.#accepting.set(peer, address)
    this.#end(peer, running)
  }

  async #knock(peer: string, address: string, generation: number): Promise<void> {
    const running = this.#begin(peer)
    let waited = 0
    for (const at of KNOCKS_AT_MS) {
      if (at > waited) await pause(this.#clock, at - waited, running.signal)
      waited = at
      const answer = running.signal.aborted ? 'silent' : await this.#reach(address, running.signal)
      if (running.signal.aborted) return
      if (answer !== 'refuses') continue
      this.forget(peer)
      return this.#onRefused(peer, generation)
    }
    this.forget(peer)
  }

  async #reach(address: string, signal: AbortSignal): Promise<'accepts' | 'refuses' | 'silent'> {
    const limited = AbortSignal.any([signal, this.#clock.timeout(KNOCK_TIMEOUT_MS)])
    try {
      return await this.#transport.reach(address, limited)
    } catch {
      // Only an abort rejects: out of time, or no longer of interest. Neither is evidence.
      return 'silent'
    }
  }

  #begin(peer: string): AbortController {
    this.#running.get(peer)?.abort()
    const running = new AbortController()
    this.#running.set(peer, running)
    return running
  }

  #end(peer: string, running: AbortController): void {
    if (this.#running.get(peer) === running) this.#running.delete(peer)
  }
}
