// Servers that are no node, or not a whole one, for commands that ask them.

import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface OddServer extends Disposable {
  readonly url: string
}

export async function answering(listener: RequestListener): Promise<OddServer> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Takes each request and loses the answer. */
export function losing(): Promise<OddServer> {
  return answering((request) => request.resume().on('end', () => request.socket.destroy()))
}
