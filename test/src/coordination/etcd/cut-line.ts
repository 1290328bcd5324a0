// A line between a client and one etcd that can be cut: nothing passes and nothing is refused, as when a cable is
// pulled.

import { connect, createServer, type Server, type Socket } from 'node:net'

export class CutLine implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #isCut = false

  private constructor(target: string) {
    const [host, port] = target.split(':') as [string, string]
    this.#server = createServer((near) => {
      const far = connect(Number(port), host)
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one)
        one.on('data', (bytes) => other.write(bytes))
        one.on('error', () => other.destroy())
        one.on('close', () => {
          this.#sockets.delete(one)
          other.destroy()
        })
        if (this.#isCut) one.pause()
      }
    })
  }

  static async to(target: string): Promise<CutLine> {
    const line = new CutLine(target)
    await new Promise<void>((resolve) => line.#server.listen(0, '127.0.0.1', resolve))
    return line
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as { port: number }).port}`
  }

  cut(): void {
    this.#isCut = true
    for (const socket of this.#sockets) socket.pause()
  }

  heal(): void {
    this.#isCut = false
    for (const socket of this.#sockets) socket.resume()
  }

  /** For good: whoever is connected is told, and nobody gets in any more. Idempotent. */
  async end(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (!this.#server.listening) return
    await new Promise((resolve) => this.#server.close(resolve))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end()
  }
}
