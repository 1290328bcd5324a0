// The receiver's side of fencing (design rule 5). After a member has accepted token t, or learned that t was activated,
// it accepts nothing smaller, and that maximum is durable before the effect of the command it came with. Tokens of
// another cluster never get here: links join members of one cluster only.

import { ClusterError } from '../errors.ts'
import type { NodeStorage } from '../storage/node-storage.ts'

export class Fence {
  readonly #storage: NodeStorage
  readonly #singleton: string
  #highest: number

  private constructor(storage: NodeStorage, singleton: string, highest: number) {
    this.#storage = storage
    this.#singleton = singleton
    this.#highest = highest
  }

  /** Starts from what this node accepted in its earlier lives. */
  static async open(storage: NodeStorage, singleton: string): Promise<Fence> {
    return new Fence(storage, singleton, (await storage.readFencing()).get(singleton) ?? 0)
  }

  /** The highest token this member has seen. */
  get highest(): number {
    return this.#highest
  }

  /** `token` was activated: refuse what is older from this moment on, durable or not. */
  observe(token: number): void {
    this.#highest = Math.max(this.#highest, token)
  }

  /** Resolves when a command with `token` may take effect. Rejects with `ERR_STALE_TOKEN`, or `ERR_DISK`. */
  async pass(token: number): Promise<void> {
    this.#check(token)
    this.observe(token)
    await this.#storage.raiseFencing(this.#singleton, token)
    // A larger one may have passed while the disk was busy; then this command lost the race.
    this.#check(token)
  }

  #check(token: number): void {
    if (token >= this.#highest) return
    const message = `fencing token ${token} is stale: ${this.#highest} has been seen`
    throw new ClusterError('ERR_STALE_TOKEN', message, { token, current: this.#highest })
  }
}
