// Real etcd servers on loopback, for tests and benchmarks: each a process with a temporary directory, ended by its id.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../free-ports.ts'
import { systemClock } from '../runtime/clock.ts'
import { pause } from '../wait.ts'

export interface EtcdServersOptions {
  /** 1 or 3. Default 1. */
  readonly members?: number
  /** More arguments for each of them. */
  readonly args?: readonly string[]
  /**
   * Where the others reach each of them, when that is not the server itself: given `HOST:PORT` of all, says what to
   * dial instead, and is told who they are.
   */
  readonly lines?: { through(addresses: readonly string[]): Promise<readonly string[]>; pids: () => readonly number[] }
  /** What stands before the command line of each. */
  readonly prefix?: readonly string[]
}

/** Why there is no etcd here; false: there is one. */
export function withoutEtcd(): string | false {
  const { status, error } = spawnSync('etcd', ['--version'], { stdio: 'ignore' })
  return error || status !== 0 ? 'no etcd here (apt-get install etcd-server)' : false
}

const START_TIMEOUT_MS = 30_000
const LOOK_AGAIN_MS = 20

interface Server {
  readonly name: string
  readonly dir: string
  readonly client: string
  readonly args: readonly string[]
  process: ChildProcess | undefined
}

export class EtcdServers implements AsyncDisposable {
  readonly #servers: Server[]
  readonly #root: string
  readonly #prefix: readonly string[]
  /** What they said last, for when one does not start. */
  #said = ''

  private constructor(servers: Server[], root: string, prefix: readonly string[]) {
    this.#servers = servers
    this.#root = root
    this.#prefix = prefix
  }

  /** Resolves when all of them serve. */
  static async start({ members = 1, args = [], prefix = [], lines }: EtcdServersOptions = {}): Promise<EtcdServers> {
    const root = mkdtempSync(join(tmpdir(), 'trellis-etcd-'))
    const ports = await freePorts(2 * members)
    const own = Array.from({ length: members }, (_, i) => `127.0.0.1:${ports[2 * i]}`)
    const peers = ((await lines?.through(own)) ?? own).map((address) => `http://${address}`)
    const cluster = peers.map((url, i) => `e${i}=${url}`).join()
    const scheme = args.includes('--cert-file') ? 'https' : 'http'
    const servers = peers.map((peer, i): Server => {
      const client = `127.0.0.1:${ports[2 * i + 1]}`
      const url = `${scheme}://${client}`
      const base = ['--name', `e${i}`, '--data-dir', join(root, `e${i}`), '--logger', 'zap', '--log-level', 'error']
      const urls = ['--listen-client-urls', url, '--advertise-client-urls', url]
      const peering = [
        '--listen-peer-urls',
        `http://${own[i]}`,
        '--initial-advertise-peer-urls',
        peer,
        '--initial-cluster',
        cluster,
      ]
      return {
        name: `e${i}`,
        dir: join(root, `e${i}`),
        client,
        args: [...base, ...urls, ...peering, ...args],
        process: undefined,
      }
    })
    const started = new EtcdServers(servers, root, prefix)
    if (lines) lines.pids = () => started.pids
    try {
      for (const place of servers.keys()) started.run(place)
      if (scheme === 'http') for (const place of servers.keys()) await started.serves(place)
      return started
    } catch (error) {
      await started[Symbol.asyncDispose]()
      throw error
    }
  }

  /** `HOST:PORT` for clients, of each. */
  get hosts(): readonly string[] {
    return this.#servers.map(({ client }) => client)
  }

  get pids(): readonly number[] {
    return this.#servers.map(({ process: child }) => child?.pid ?? 0)
  }

  /** Starts one that was ended, on its old data. */
  run(place: number): void {
    const server = this.#servers[place]!
    const [program, ...words] = [...this.#prefix, 'etcd', ...server.args] as [string, ...string[]]
    const child = spawn(program, words, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ETCD_UNSUPPORTED_ARCH: process.arch },
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-2_000)
    })
    child.on('error', (error) => {
      this.#said = error.message
    })
    server.process = child
  }

  signal(place: number, signal: NodeJS.Signals): void {
    this.#servers[place]!.process?.kill(signal)
  }

  /** Resolves when it is gone. */
  async end(place: number, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { process: child } = this.#servers[place]!
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    // A stopped process takes no other signal.
    child.kill('SIGCONT')
    await gone
  }

  /** Resolves when it answers a linearizable read. */
  async serves(place: number): Promise<void> {
    const { client } = this.#servers[place]!
    const deadline = performance.now() + START_TIMEOUT_MS
    const body = JSON.stringify({ key: 'AA==' })
    for (;;) {
      try {
        const answer = await fetch(`http://${client}/v3/kv/range`, {
          method: 'POST',
          body,
          signal: AbortSignal.timeout(1_000),
        })
        if (answer.ok || answer.status === 400 || answer.status === 401) return
      } catch {
        // Not yet.
      }
      if (performance.now() > deadline) throw new Error(`etcd at ${client} does not serve: ${this.#said}`)
      await pause(systemClock, LOOK_AGAIN_MS)
    }
  }

  /** Which of them leads; undefined: none that answers. */
  async leader(): Promise<number | undefined> {
    for (const [place, { client }] of this.#servers.entries()) {
      const status = await statusOf(client)
      if (status?.leader && status.leader !== '0' && status.header?.member_id === status.leader) return place
    }
    return undefined
  }

  /** Hands leadership over; resolves when it is done. */
  async transfer(from: number, to: number): Promise<void> {
    const ids = await Promise.all(this.#servers.map(async ({ client }) => (await statusOf(client))?.header?.member_id))
    const body = JSON.stringify({ targetID: ids[to] })
    const url = `http://${this.#servers[from]!.client}/v3/maintenance/transfer-leadership`
    const answer = await fetch(url, { method: 'POST', body })
    if (!answer.ok) throw new Error(`etcd does not hand over: ${await answer.text()}`)
  }

  /** Drops the history up to and including `revision`. */
  async compact(revision: number): Promise<void> {
    const body = JSON.stringify({ revision: String(revision), physical: true })
    const answer = await fetch(`http://${this.hosts[0]}/v3/kv/compaction`, { method: 'POST', body })
    if (!answer.ok) throw new Error(`etcd does not compact: ${await answer.text()}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((_, place) => this.end(place)))
    rmSync(this.#root, { recursive: true, force: true })
  }
}

interface Status {
  readonly header?: { readonly member_id?: string }
  readonly leader?: string
}

async function statusOf(client: string): Promise<Status | undefined> {
  const call = { method: 'POST', body: '{}', signal: AbortSignal.timeout(1_000) }
  const answer = await fetch(`http://${client}/v3/maintenance/status`, call).catch(() => undefined)
  return (await answer?.json()) as Status | undefined
}
