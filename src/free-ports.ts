// Ports of loopback that nobody listens on.

import { createServer, type Server } from 'node:net'

const host = '127.0.0.1'

/** So many ports that are free now, no two the same. Nothing keeps them: use them soon. */
export async function freePorts(count: number): Promise<number[]> {
  // All are held until the last is found, so that they differ.
  const servers = Array.from({ length: count }, () => createServer())
  try {
    return await Promise.all(servers.map((server) => listenOn(server, 0)))
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }
}

/** One of them. */
export async function freePort(): Promise<number> {
  return (await freePorts(1))[0]!
}

/** Resolves to the port that was bound. Rejects with what the system says. */
export function listenOn(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => resolve((server.address() as { port: number }).port))
  })
}
