// Questions to the core that it answers under the number they were asked with: reads, transfers, changes of voters.
// Each ends with the core's answer, its caller's signal, or the voter.

import type { ClusterError } from '../errors.ts'
import { nodeStopping } from '../wait.ts'
import type { Ending } from './call-limit.ts'

interface Waiting<Value> {
  readonly resolve: (value: Value) => void
  readonly reject: (error: unknown) => void
}

export class Answers<Value> {
  readonly #waiting = new Map<number, Waiting<Value>>()
  #isClosed = false

  /**
   * Registers `number` and lets `ask` give it to the core. Rejects with the reason of `signal`, as the core refuses, or
   * with `ERR_SHUTTING_DOWN`.
   */
  open(number: number, ask: () => void, signal: Ending): Promise<Value> {
    return new Promise<Value>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      if (this.#isClosed) return reject(nodeStopping(false))
      const onAbort = (): void => {
        this.#waiting.delete(number)
        reject(signal.reason)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      const end = (): void => {
        this.#waiting.delete(number)
        signal.removeEventListener('abort', onAbort)
      }
      this.#waiting.set(number, {
        resolve: (value) => {
          end()
          resolve(value)
        },
        reject: (error) => {
          end()
          reject(error)
        },
      })
      ask()
    })
  }

  /** An answer to what nobody waits for any more is none. */
  resolve(number: number, value: Value): void {
    this.#waiting.get(number)?.resolve(value)
  }

  reject(number: number, error: ClusterError): void {
    this.#waiting.get(number)?.reject(error)
  }

  /** The voter ends; what was asked may still come about. */
  close(): void {
    this.#isClosed = true
    const stopping = nodeStopping(true)
    for (const { reject } of [...this.#waiting.values()]) reject(stopping)
  }
}
