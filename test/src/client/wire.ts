// A way to a node that a test can cut, and close for good.

import { connect as connectSocket, createServer, type Socket } from 'node:net'

/** Between a client and a node, to be cut. */
export interface Wire {
  readonly url: string
  cut(): void
  close(): void
}

export async function openWire(to: string): Promise<Wire> {
  const sockets = new Set<Socket>()
  const target = new URL(to)
  const server = createServer((socket) => {
    const through = connectSocket(Number(target.port), target.hostname)
    for (const one of [socket, through]) {
      sockets.add(one)
      one.on('error', () => undefined)
      one.on('close', () => {
        sockets.delete(one)
        socket.destroy()
        through.destroy()
      })
    }
    socket.pipe(through).pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    cut,
    close: () => {
      server.close()
      cut()
    },
  }
}
