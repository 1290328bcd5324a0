// A machine full of members that start together: each handshake takes its processor for some milliseconds, one after
// the other, also that of a call that was given up meanwhile. Only the dialers are real.

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Dialer } from '../../../src/links/dialer.ts'
import { Prng } from '../../../src/testing/simulator/random.ts'
import { VirtualMachine } from '../../../src/testing/virtual/virtual-machine.ts'
import { VirtualTime } from '../../../src/testing/virtual/virtual-time.ts'

class Crowd implements Disposable {
  readonly #time = new VirtualTime({ patienceMs: 3_600_000, onForsaken: () => undefined })
  readonly #dialers: Dialer[] = []
  readonly #links = new Set<string>()
  /** Handshakes that are begun or wait for the processor. */
  readonly #waiting: (() => void)[] = []

  readonly #handshakeMs: number

  constructor(size: number, handshakeMs: number) {
    this.#handshakeMs = handshakeMs
    const clock = new VirtualMachine(this.#time)
    for (let own = 0; own < size; own++) {
      this.#dialers.push(
        new Dialer({
          clock,
          random: new Prng(1, String(own)).next,
          attempt: (_address, expected, signal) => this.#call(own, Number(expected), signal),
        }),
      )
    }
    for (let own = 0; own < size; own++)
      for (let peer = 0; peer < size; peer++)
        if (own !== peer) this.#dialers[own]?.want(`${peer}`, `${peer}`, `${peer}`, 'eager', own < peer ? 0 : 500)
  }

  /** How many pairs are linked after so much time. */
  async linkedAfter(ms: number): Promise<number> {
    await this.#time.look(ms)
    return this.#links.size
  }

  [Symbol.dispose](): void {
    for (const dialer of this.#dialers) dialer.close()
    this.#time[Symbol.dispose]()
  }

  #call(own: number, peer: number, signal: AbortSignal): Promise<'linked'> {
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
      this.#waiting.push(() => {
        if (signal.aborted) return
        this.#links.add(`${Math.min(own, peer)} ${Math.max(own, peer)}`)
        this.#dialers[own]?.drop(`${peer}`)
        this.#dialers[peer]?.drop(`${own}`)
        resolve('linked')
      })
      if (this.#waiting.length === 1) this.#work()
    })
  }

  #work(): void {
    this.#time.plan(this.#handshakeMs, () => {
      this.#waiting[0]?.()
      this.#waiting.shift()
      if (this.#waiting.length > 0) this.#work()
    })
  }
}

for (const [machine, handshakeMs] of [
  ['a machine', 2],
  ['a slow machine', 10],
] as const)
  it(`links a hundred members that start at once on ${machine} in little more time than their handshakes take`, async () => {
    using crowd = new Crowd(100, handshakeMs)
    const pairs = (100 * 99) / 2
    assert.equal(await crowd.linkedAfter(1.2 * pairs * handshakeMs), pairs)
  })
