// The least that a durable write to a majority of three takes here, with nothing of Trellis: one process writes to bare
// TLS connections to two others and then to a file of its own, with a flush; each of the two does the same with what
// came and answers; the first answer ends the write. Part of `write-chain.ts`.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fdatasyncSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { rawSettings } from '../src/bench/raw-tls.ts'
import { clock } from '../src/bench/recorded.ts'

const program = import.meta.filename
/** An entry of 256 B with what Raft, frames and the log say around it. */
const messageBytes = 400
const answerBytes = 60
const fileBytes = 8 * 1_048_576

const settings = rawSettings()

export class BareChain implements Disposable {
  readonly #followers: readonly ChildProcess[]
  readonly #sockets: readonly TLSSocket[]
  readonly #file = new BareFile()

  private constructor(followers: readonly ChildProcess[], sockets: readonly TLSSocket[]) {
    this.#followers = followers
    this.#sockets = sockets
  }

  static async start(): Promise<BareChain> {
    const followers = [fork(program), fork(program)]
    const sockets = await Promise.all(
      followers.map(async (follower) => {
        const [port] = (await once(follower, 'message')) as [number]
        const socket = connect({ ...settings, host: '127.0.0.1', port })
        await once(socket, 'secureConnect')
        return socket.setNoDelay(true)
      }),
    )
    return new BareChain(followers, sockets)
  }

  /** Of its processes. */
  get pids(): readonly number[] {
    return [process.pid, ...this.#followers.map(({ pid }) => pid!)]
  }

  /** Writes one after the other; the milliseconds of each. */
  async run(ms: number): Promise<number[]> {
    const message = new Uint8Array(messageBytes).fill(7)
    const took: number[] = []
    for (const end = clock() + ms; clock() < end; ) {
      const from = clock()
      const answers = this.#sockets.map((socket) => once(socket, 'data'))
      for (const socket of this.#sockets) socket.write(message)
      this.#file.append(messageBytes)
      await Promise.race(answers)
      took.push(clock() - from)
      await Promise.all(answers)
    }
    return took
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy()
    for (const follower of this.#followers) follower.kill()
    this.#file[Symbol.dispose]()
  }
}

/** Full of zeros, written from its start to its end, and again. */
class BareFile implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), 'write-chain-'))
  readonly #fd = openSync(join(this.#directory, 'file'), 'w')
  #position = 0

  constructor() {
    writeSync(this.#fd, new Uint8Array(fileBytes))
    fsyncSync(this.#fd)
  }

  append(bytes: number): void {
    if (this.#position + bytes > fileBytes) this.#position = 0
    writeSync(this.#fd, new Uint8Array(bytes).fill(7), 0, bytes, this.#position)
    fdatasyncSync(this.#fd)
    this.#position += bytes
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
    rmSync(this.#directory, { recursive: true })
  }
}

function follow(): void {
  const file = new BareFile()
  process.once('SIGTERM', () => {
    file[Symbol.dispose]()
    process.exit()
  })
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  const answer = new Uint8Array(answerBytes).fill(7)
  const server = createServer(settings, (socket) => {
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      file.append(bytes.length)
      socket.write(answer)
    })
  })
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as { readonly port: number }).port))
}

if (process.argv[1] === program) follow()
