// Lines between the servers of a cluster that knows no cut of its own: each server is reached through one here, and a
// line is cut by who is at its other end. Nothing passes a cut line and nothing is refused; what it holds back arrives
// in order when it is healed, as with the faults of our own members. Who is at the other end is looked up in /proc, so
// on Linux only.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'

interface Line {
  readonly target: number
  /** The server that dialled; undefined: nobody that is known. */
  readonly from: number | undefined
  readonly ends: readonly Socket[]
}

export class PeerLines implements AsyncDisposable {
  readonly #lines = new Set<Line>()
  readonly #servers: Server[] = []
  #cut: number | undefined
  /** Process ids of the servers, in order; set once they run. */
  pids: () => readonly number[] = () => []

  /** For each `HOST:PORT` the address to dial instead. */
  async through(addresses: readonly string[]): Promise<string[]> {
    return Promise.all(
      addresses.map(async (address, target) => {
        const server = createServer((near) => this.#join(near, address, target))
        this.#servers.push(server)
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
        return `127.0.0.1:${(server.address() as { port: number }).port}`
      }),
    )
  }

  /** Nothing passes between this server and the others. */
  cut(place: number): void {
    this.#cut = place
    for (const line of this.#lines) if (this.#isCut(line)) for (const end of line.ends) end.pause()
  }

  heal(): void {
    this.#cut = undefined
    for (const { ends } of this.#lines) for (const end of ends) end.resume()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { ends } of this.#lines) for (const end of ends) end.destroy()
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }

  #join(near: Socket, address: string, target: number): void {
    const [host, port] = address.split(':') as [string, string]
    const far = connect(Number(port), host)
    const owner = near.remotePort === undefined ? undefined : ownerOf(near.remotePort, this.pids())
    const line: Line = { target, from: owner, ends: [near, far] }
    this.#lines.add(line)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('data', (bytes) => other.write(bytes))
      one.on('error', () => other.destroy())
      one.on('close', () => {
        this.#lines.delete(line)
        other.destroy()
      })
      if (this.#isCut(line)) one.pause()
    }
  }

  #isCut({ target, from }: Line): boolean {
    return this.#cut !== undefined && (target === this.#cut || from === this.#cut)
  }
}

/** Which of `pids`, by its place, has a socket of this local port of 127.0.0.1. */
function ownerOf(port: number, pids: readonly number[]): number | undefined {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n')
  const inode = rows.map((row) => row.trim().split(/\s+/)).find(([, address]) => address === local)?.[9]
  const found = pids.findIndex((pid) => isOpen(pid, `socket:[${inode}]`))
  return found < 0 ? undefined : found
}

function isOpen(pid: number, what: string): boolean {
  try {
    const folder = `/proc/${pid}/fd`
    return readdirSync(folder).some((fd) => {
      try {
        return readlinkSync(`${folder}/${fd}`) === what
      } catch {
        return false
      }
    })
  } catch {
    return false
  }
}
