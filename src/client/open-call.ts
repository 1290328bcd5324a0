// A call of a client, from when it is asked until it is answered, has failed, or nobody waits for it any more: what may
// have become of it then.

import { ClusterError } from '../errors.ts'
import type { Conversation } from './conversation.ts'

/** All others only ask: nothing happens by them. */
const changing: ReadonlySet<string> = new Set(['send', 'request', 'call', 'config-set'])
/** In the place of a call that is taken back, for items are numbered: the end of a stream that never was. */
const NOTHING = JSON.stringify({ id: 0, op: 'stop', stream: 0 })

export class OpenCall {
  readonly #op: string
  readonly #answer = Promise.withResolvers<unknown>()
  #conversation: Conversation | undefined
  #number = 0
  #isOver = false

  constructor(op: string) {
    this.#op = op
  }

  get answer(): Promise<unknown> {
    return this.#answer.promise
  }

  /** Says it to the node, unless that is wanted no more. */
  put(conversation: Conversation, text: string): void {
    if (this.#isOver) return
    this.#number = conversation.put(text)
    this.#conversation = conversation
  }

  resolve(value: unknown): void {
    this.#answer.resolve(value)
  }

  reject(error: ClusterError): void {
    this.#answer.reject(error)
  }

  /** Nobody waits for it any more: it is taken back, if it can be. Otherwise true: it may happen. */
  giveUp(): boolean {
    this.#isOver = true
    const conversation = this.#conversation
    return conversation !== undefined && !conversation.replace(this.#number, NOTHING) && changing.has(this.#op)
  }

  /** The session ends, and what is known of this call with it. */
  fail({ code, message, details }: ClusterError): void {
    this.reject(new ClusterError(code, message, details, { mayHaveHappened: this.giveUp() }))
  }
}
