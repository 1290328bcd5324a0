// What libp2p itself can do between two processes, with nothing of Trellis: one stream on a connection of its own, the
// same encrypter and muxer, the same frames in the same batches as the other baselines, waiting for `drain` when it is
// full.

import { Buffer } from 'node:buffer'
import type { Stream } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'
import { createLibp2p, multiaddr, noise, tcp, yamux } from '../transport/libp2p/packages.ts'
import { batchOf, Coalescer, Cutter, ECHO } from './frames.ts'

const PROTOCOL = '/bench/1'

function program(listen: readonly string[]): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: [...listen] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 1_000 },
  })
}

function onBytes(stream: Stream, take: (bytes: Buffer) => void): void {
  stream.addEventListener('message', ({ data }) => {
    const chunks = data instanceof Uint8Array ? [data] : data
    for (const chunk of chunks) take(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
  })
}

export interface BareServer extends AsyncDisposable {
  readonly address: string
  /** Frames to be counted that have come. */
  readonly count: number
}

export async function serveBare(): Promise<BareServer> {
  let count = 0
  const server = await program(['/ip4/127.0.0.1/tcp/0'])
  await server.handle(PROTOCOL, (stream) => {
    const out = new Coalescer((bytes) => void stream.send(bytes))
    const cutter = new Cutter((frame) => {
      if (frame[0] === ECHO) out.send(frame)
      else count += 1
    })
    onBytes(stream, (bytes) => cutter.push(bytes))
  })
  return {
    address: server.getMultiaddrs()[0]!.toString(),
    get count() {
      return count
    },
    [Symbol.asyncDispose]: async () => server.stop(),
  }
}

export class BareClient implements AsyncDisposable {
  readonly #program: Libp2p
  readonly #stream: Stream
  readonly #out: Coalescer
  readonly #waiting: (() => void)[] = []
  #wake: () => void = () => {}

  private constructor(own: Libp2p, stream: Stream) {
    this.#program = own
    this.#stream = stream
    this.#out = new Coalescer((bytes) => void stream.send(bytes))
    const cutter = new Cutter(() => this.#waiting.shift()?.())
    onBytes(stream, (bytes) => cutter.push(bytes))
    stream.addEventListener('drain', () => this.#wake())
  }

  static async open(address: string): Promise<BareClient> {
    const own = await program([])
    return new BareClient(own, await own.dialProtocol(multiaddr(address), PROTOCOL))
  }

  /** Sends frames of `bytes` as fast as they are taken, until `signal` aborts. */
  async flood(bytes: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#stream.send(batchOf(bytes))) await new Promise<void>((resolve) => setImmediate(resolve))
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program.stop()
  }
}
