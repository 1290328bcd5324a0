// A way between two ends that can be cut without either being told, and healed: what a broken network looks like.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Severable extends AsyncDisposable {
  /** `HOST:PORT` that leads to the other end. */
  readonly address: string
  cut(): void
  heal(): void
}

export async function severable(to: string): Promise<Severable> {
  const [host, port] = to.split(':')
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer((inner) => {
    const outer = connect(Number(port), host)
    for (const [from, into] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from)
      from.on('data', (bytes) => void (isCut || into.write(bytes)))
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        into.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      isCut = true
    },
    heal: () => {
      isCut = false
      // What was lost on the way is lost: those connections are of no use.
      for (const socket of sockets) socket.destroy()
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
