// Proposals on their way: from "the leader has it in its log" to "the state machine has answered". A proposal is lost
// when another term's entry was applied at its index; it is unknown when its leader lost office first, for a successor
// may still commit the entry it inherited.

import type { ClusterReply } from '../../consensus/index.ts'
import { ClusterError } from '../errors.ts'
import { nodeStopping } from '../wait.ts'
import type { Ending } from './call-limit.ts'

interface Waiting {
  readonly resolve: (reply: ClusterReply) => void
  readonly reject: (error: ClusterError) => void
}

interface Accepted extends Waiting {
  readonly term: number
}

export class Proposals {
  readonly #nextNumber: () => number
  readonly #offered = new Map<number, Waiting>()
  readonly #accepted = new Map<number, Accepted>()

  constructor(nextNumber: () => number) {
    this.#nextNumber = nextNumber
  }

  /**
   * Registers a proposal; `offer` hands its number to the core. The promise has no deadline of its own: see `expire`.
   */
  open(offer: (proposal: number) => void, signal: Ending): Promise<ClusterReply> {
    const proposal = this.#nextNumber()
    return new Promise((resolve, reject) => {
      const onAbort = () => this.#forget(proposal, reject, signal)
      const settle = { resolve: cleaned(resolve, signal, onAbort), reject: cleaned(reject, signal, onAbort) }
      this.#offered.set(proposal, settle)
      if (signal.aborted) return onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      offer(proposal)
    })
  }

  accepted(proposal: number, index: number, term: number): void {
    const waiting = this.#offered.get(proposal)
    this.#offered.delete(proposal)
    if (waiting) this.#accepted.set(index, { ...waiting, term })
  }

  rejected(proposal: number, error: ClusterError): void {
    this.#offered.get(proposal)?.reject(error)
    this.#offered.delete(proposal)
  }

  applied(index: number, term: number, reply: ClusterReply | undefined): void {
    const waiting = this.#accepted.get(index)
    this.#accepted.delete(index)
    if (!waiting) return
    if (waiting.term === term && reply) waiting.resolve(reply)
    else
      waiting.reject(
        new ClusterError('ERR_NOT_LEADER', 'the leader changed before the entry was committed', { leader: undefined }),
      )
  }

  /** This member is no longer the leader: what it had appended may or may not be committed by the next one. */
  abandon(leader: string | undefined): void {
    for (const { reject } of this.#accepted.values()) {
      reject(
        new ClusterError(
          'ERR_NOT_LEADER',
          'leadership was lost before the entry was committed',
          { leader },
          { mayHaveHappened: true },
        ),
      )
    }
    this.#accepted.clear()
  }

  close(): void {
    for (const { reject } of this.#offered.values()) reject(nodeStopping(false))
    for (const { reject } of this.#accepted.values()) reject(nodeStopping(true))
    this.#offered.clear()
    this.#accepted.clear()
  }

  #forget(proposal: number, reject: (error: unknown) => void, signal: Ending): void {
    this.#offered.delete(proposal)
    // An accepted one stays registered by index until it is applied; its late answer finds a settled promise.
    reject(signal.reason)
  }
}

function cleaned<Value>(settle: (value: Value) => void, signal: Ending, onAbort: () => void): (value: Value) => void {
  return (value) => {
    signal.removeEventListener('abort', onAbort)
    settle(value)
  }
}
