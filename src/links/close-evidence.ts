// Evidence of a crash (design rule 13). When a link closes without a goodbye, its peer's port is knocked at: a port that
// refuses, and that this node has seen accepting before, is evidence. One that accepts, or is silent, is none. A process
// that is being torn down may close its connections a moment before its listening port, so the knock is repeated.

import type { Time } from '../runtime/clock.ts'
import type { Transport } from '../transport/transport.ts'
import { pause } from '../wait.ts'

/** When to knock after the close, in milliseconds. The last one still lies far below any probe's timeout. */
const KNOCKS_AT_MS = [0, 10, 40, 150, 400] as const
const KNOCK_TIMEOUT_MS = 500

export class CloseEvidence {
  readonly #transport: Transport
  readonly #clock: Time
  readonly #onRefused: (peer: string, generation: number) => void
  /** By peer that is linked or being knocked at: the address that was seen accepting, dialled or knocked at. */
  readonly #accepting = new Map<string, string>()
  readonly #running = new Map<string, AbortController>()

  constructor(transport: Transport, clock: Time, onRefused: (peer: string, generation: number) => void) {
    this.#transport = transport
    this.#clock = clock
    this.#onRefused = onRefused
  }

  /** A link to `peer` is up. One that it opened says nothing about its port, so that is tried once, now. */
  linked(peer: string, address: string, side: 'dialer' | 'acceptor'): void {
    this.#running.get(peer)?.abort()
    this.#running.delete(peer)
    if (side === 'dialer') this.#accepting.set(peer, address)
    if (this.#accepting.get(peer) === address) return
    // It has moved: that its old port refuses says nothing.
    this.#accepting.delete(peer)
    void this.#learn(peer, address)
  }

  /** The link to that life of `peer` closed and nobody had said goodbye. */
  lost(peer: string, generation: number): void {
    const address = this.#accepting.get(peer)
    if (address !== undefined) void this.#knock(peer, address, generation)
  }

  forget(peer: string): void {
    this.#accepting.delete(peer)
    this.#running.get(peer)?.abort()
    this.#running.delete(peer)
  }

  close(): void {
    this.#accepting.clear()
    for (const running of this.#running.values()) running.abort()
    this.#running.clear()
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
