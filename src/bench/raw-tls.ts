// What Node itself can do between two processes, with nothing of Trellis: TLS 1.3 with both certificates, frames with a length of
// four bytes, all frames of a turn in one write, frames cut out of what came without copying unless they are cut by its end. The
// practical limit that the figures about messages are ratios of.

import { Buffer } from 'node:buffer'
import { connect, createServer, type Server, type TLSSocket } from 'node:tls'
import { createCertificate } from '../transport/certificate.ts'
import { createIdentity, exportIdentity } from '../transport/identity.ts'

const LENGTH_BYTES = 4
/** Written and not yet taken by the kernel, past which the sender waits. */
const MAX_IN_FLIGHT_BYTES = 512 * 1024
const BATCH_BYTES = 64 * 1024

/** The first byte of a frame says what its receiver does with it. */
export const COUNT = 0
export const ECHO = 1

function settings() {
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

/** Cuts frames out of a stream. */
class Cutter {
  readonly #onFrame: (frame: Buffer) => void
  #partial: Buffer | undefined
  #filled = 0
  #rest: Buffer = Buffer.alloc(0)

  constructor(onFrame: (frame: Buffer) => void) {
    this.#onFrame = onFrame
  }

  push(bytes: Buffer): void {
    let chunk = bytes
    let at = 0
    if (this.#partial !== undefined) {
      at = Math.min(chunk.length, this.#partial.length - this.#filled)
      chunk.copy(this.#partial, this.#filled, 0, at)
      this.#filled += at
      if (this.#filled < this.#partial.length) return
      this.#onFrame(this.#partial)
      this.#partial = undefined
    } else if (this.#rest.length > 0) {
      chunk = Buffer.concat([this.#rest, chunk])
      this.#rest = Buffer.alloc(0)
    }
    while (chunk.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + chunk.readUInt32BE(at)
      if (end > chunk.length) {
        this.#partial = Buffer.allocUnsafeSlow(end - at - LENGTH_BYTES)
        this.#filled = chunk.copy(this.#partial, 0, at + LENGTH_BYTES)
        return
      }
      this.#onFrame(chunk.subarray(at + LENGTH_BYTES, end))
      at = end
    }
    this.#rest = chunk.subarray(at)
  }
}

/** Collects frames and writes all of a turn at once. */
class Coalescer {
  readonly #socket: TLSSocket
  #frames: Buffer[] = []

  constructor(socket: TLSSocket) {
    this.#socket = socket
  }

  send(payload: Buffer): void {
    if (this.#frames.length === 0) queueMicrotask(() => this.#flush())
    const frame = Buffer.allocUnsafe(LENGTH_BYTES + payload.length)
    frame.writeUInt32BE(payload.length)
    payload.copy(frame, LENGTH_BYTES)
    this.#frames.push(frame)
  }

  #flush(): void {
    const frames = this.#frames
    this.#frames = []
    this.#socket.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames))
  }
}

export interface RawServer extends AsyncDisposable {
  readonly port: number
  /** Frames to be counted that have come. */
  readonly count: number
}

export async function serveRaw(): Promise<RawServer> {
  let count = 0
  const sockets = new Set<TLSSocket>()
  const server: Server = createServer(settings(), (socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
    const out = new Coalescer(socket)
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

  private constructor(socket: TLSSocket) {
    this.#socket = socket
    this.#out = new Coalescer(socket)
    const cutter = new Cutter(() => this.#waiting.shift()?.())
    socket.setNoDelay(true)
    socket.on('data', (bytes) => cutter.push(bytes))
    socket.on('error', () => undefined)
  }

  static open(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...settings(), host: '127.0.0.1', port })
      socket.once('error', reject)
      socket.once('secureConnect', () => resolve(new RawClient(socket)))
    })
  }

  /** Sends frames of `bytes` as fast as they are taken, until `signal` aborts. */
  async flood(bytes: number, signal: AbortSignal): Promise<void> {
    const payload = Buffer.alloc(bytes)
    payload[0] = COUNT
    const perBatch = Math.max(1, Math.floor(BATCH_BYTES / (bytes + LENGTH_BYTES)))
    let inFlight = 0
    let wake: () => void = () => {}
    while (!signal.aborted) {
      const batch = Buffer.allocUnsafe(perBatch * (bytes + LENGTH_BYTES))
      for (let at = 0; at < batch.length; at += bytes + LENGTH_BYTES) {
        batch.writeUInt32BE(bytes, at)
        batch.set(payload, at + LENGTH_BYTES)
      }
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
    const payload = Buffer.alloc(bytes)
    payload[0] = ECHO
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#out.send(payload)
    })
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}
