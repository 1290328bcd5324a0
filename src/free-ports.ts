// Ports of loopback that nobody listens on, and that the system gives to nobody who dials: connections go out from a
// range of ports of their own, and a port that one of them has meanwhile cannot be listened on.

import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'

const host = '127.0.0.1'
/** Below are those of well-known services. */
const FIRST_PORT = 10_000
/** Where the range of outgoing connections begins when the system does not say: that of IANA. */
const DEFAULT_OUTGOING_FROM = 49_152
/** Tried for each one. */
const MOST_TRIES = 100

/** So many ports that are free now, no two the same. Nothing keeps them: use them soon. */
export async function freePorts(count: number): Promise<number[]> {
  // All are held until the last is found, so that they differ.
  const servers = Array.from({ length: count }, () => createServer())
  try {
    return await Promise.all(servers.map(listenAnywhere))
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

async function listenAnywhere(server: Server): Promise<number> {
  const room = outgoingFrom() - FIRST_PORT
  for (let tries = 0; room > 0 && tries < MOST_TRIES; tries++) {
    try {
      return await listenOn(server, FIRST_PORT + Math.floor(Math.random() * room))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    }
  }
  return listenOn(server, 0)
}

/** The lowest port that an outgoing connection may have. */
function outgoingFrom(): number {
  try {
    return Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10)
  } catch {
    // Only Linux has this file.
    return DEFAULT_OUTGOING_FROM
  }
}
