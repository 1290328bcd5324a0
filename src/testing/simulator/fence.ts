// The receiver's side of fencing (design rule 5), as the runtime has it but with the simulated disk: after token t was
// accepted, or its activation learned, nothing smaller is accepted, and that maximum is durable before the effect.

import type { SimulatedDisk } from './disk.ts'

export class SimulatedFence {
  readonly #disk: SimulatedDisk
  readonly #keepsOnDisk: boolean
  #highest: number

  /** `keepsOnDisk` false is a planted bug: the maximum dies with the process. */
  constructor(disk: SimulatedDisk, keepsOnDisk: boolean) {
    this.#disk = disk
    this.#keepsOnDisk = keepsOnDisk
    this.#highest = keepsOnDisk ? disk.fence : 0
  }

  /** `token` was activated: refuse what is older from this moment on. */
  observe(token: number): void {
    if (token > this.#highest) this.#highest = token
  }

  /** `accept` runs once an order with `token` may take effect; never when the token is stale. */
  pass(token: number, accept: () => void): void {
    if (token < this.#highest) return
    this.observe(token)
    if (this.#disk.fence >= token || !this.#keepsOnDisk) {
      accept()
      return
    }
    this.#disk.write([{ type: 'fence', token }], () => {
      if (token >= this.#highest) accept()
    })
  }
}
