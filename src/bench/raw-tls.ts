// What Node itself can do between two processes, with nothing of Trellis: TLS 1.3 with both certificates, frames with a
// length of four bytes, all frames of a turn in one write, frames cut out of what came without copying unless they are
// cut by its end. The practical limit that the figures about messages are ratios of.

import { Buffer } from 'node:buffer'
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  createServer,
  type Server,
  type TLSSocket,
} from 'node:tls'
import { createCertificate } from '../transport/certificate.ts'
import { createIdentity, exportIdentity } from '../transport/identity.ts'
import { batchOf, Coalescer, Cutter, ECHO, MAX_IN_FLIGHT_BYTES } from './frames.ts'

/** Of one end: a fresh key of its own, the other end is shown one and believed. */
export function rawSettings() {
  const identity = createIdentity()
  return {
    key: exportIdentity(identity),
    cert: createCertificate(identity),
    minVersion: 'TLSv1.3' as const,
    requestCert: true,
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  }
}

/** For many connections of one client: its key is read once. */
export function sharedSettings(): ConnectionOptions {
  const { rejectUnauthorized, checkServerIdentity, ...own } = rawSettings()
  return { secureContext: createSecureContext(own), rejectUnauthorized, checkServerIdentity }
}

export interface RawServer extends AsyncDisposable {
  readonly port: number
  /** Frames to be counted that have come. */
  readonly count: number
}

export async function serveRaw(): Promise<RawServer> {
  let count = 0
  const sockets = new Set<TLSSocket>()
  const server: Server = createServer(rawSettings(), (socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
    const out = new Coalescer((bytes) => void socket.write(bytes))
    const cutter = new Cutter((frame) => {
      if (frame[0] === ECHO) out.send(frame)
      else count += 1
    })
    socket.on('data', (bytes) => cutter.push(bytes))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { readonly port: number }).port,
    get count() {
      return count
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export class RawClient implements Disposable {
  readonly #socket: TLSSocket
  readonly #out: Coalescer
  readonly #waiting: (() => void)[] = []
  #payload: Buffer = Buffer.alloc(0)

  private constructor(socket: TLSSocket) {
    this.#socket = socket
    this.#out = new Coalescer((bytes) => void socket.write(bytes))
    const cutter = new Cutter(() => this.#waiting.shift()?.())
    socket.setNoDelay(true)
    socket.on('data', (bytes) => cutter.push(bytes))
    socket.on('error', () => undefined)
  }

  static open(port: number, options: ConnectionOptions = rawSettings()): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...options, host: '127.0.0.1', port })
      socket.once('error', reject)
      socket.once('secureConnect', () => resolve(new RawClient(socket)))
    })
  }

  /** Sends frames of `bytes` as fast as they are taken, until `signal` aborts. */
  async flood(bytes: number, signal: AbortSignal): Promise<void> {
    let inFlight = 0
    let wake: () => void = () => {}
    while (!signal.aborted) {
      const batch = batchOf(bytes)
      inFlight += batch.length
      this.#socket.write(batch, () => {
        inFlight -= batch.length
        wake()
      })
      if (inFlight > MAX_IN_FLIGHT_BYTES)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  }

  /** Sends a frame of `bytes` and resolves when it has come back. */
  echo(bytes: number): Promise<void> {
    if (this.#payload.length !== bytes) this.#payload = Buffer.alloc(bytes)
    this.#payload[0] = ECHO
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#out.send(this.#payload)
    })
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}
