// Asks the liveness workers of others by UDP: one datagram there, at most one back. Lost ones are not sent again: the
// next probe asks anew. The socket is made when the first question is asked, so a healthy cluster has none.

import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { decodeAnswer, encodeQuestion, NONCE_BYTES } from './datagram.ts'

/** Questions that wait for an answer at once; past that the oldest is given up. */
const MAX_WAITING = 256

export interface ProberOptions {
  readonly self: string
  /** The first is used, all are accepted. */
  readonly keys: readonly [Uint8Array, ...Uint8Array[]]
  readonly onAnswer: (peer: string, generation: number, ageMs: number) => void
}

export class Prober {
  readonly #options: ProberOptions
  readonly #sockets = new Map<'udp4' | 'udp6', Socket>()
  /** By nonce: who was asked. */
  readonly #waiting = new Map<string, string>()
  #isClosed = false

  constructor(options: ProberOptions) {
    this.#options = options
  }

  /** `host`: an address, or a name that the system can resolve. */
  ask(peer: string, host: string, port: number): void {
    if (this.#isClosed) return
    const { self, keys } = this.#options
    const nonce = randomBytes(NONCE_BYTES)
    this.#waiting.set(nonce.toString('hex'), peer)
    const [oldest] = this.#waiting.keys()
    if (this.#waiting.size > MAX_WAITING && oldest !== undefined) this.#waiting.delete(oldest)
    const question = encodeQuestion({ nonce, from: self, to: peer }, keys[0])
    // What cannot be sent is not answered.
    this.#socket(host.includes(':') ? 'udp6' : 'udp4').send(question, port, host, () => {})
  }

  close(): void {
    this.#isClosed = true
    for (const socket of this.#sockets.values()) socket.close()
    this.#sockets.clear()
    this.#waiting.clear()
  }

  #socket(family: 'udp4' | 'udp6'): Socket {
    const known = this.#sockets.get(family)
    if (known) return known
    const socket = createSocket(family)
    socket.unref()
    socket.on('message', (bytes) => this.#hear(bytes))
    socket.on('error', () => {
      if (this.#sockets.get(family) !== socket) return
      this.#sockets.delete(family)
      socket.close()
    })
    this.#sockets.set(family, socket)
    return socket
  }

  #hear(bytes: Buffer): void {
    const answer = decodeAnswer(bytes, this.#options.keys)
    if (!answer) return
    const nonce = Buffer.from(answer.nonce).toString('hex')
    if (this.#waiting.get(nonce) !== answer.to || answer.from !== this.#options.self) return
    this.#waiting.delete(nonce)
    this.#options.onAnswer(answer.to, answer.generation, answer.ageMs)
  }
}
