// etcd, for the comparison: three servers with their defaults, and the calls of the client `etcd3` without its retries,
// from this process. A call goes to the server that is named, as a client does that has found it.

import { systemClock } from '../runtime/clock.ts'
import { EtcdServers } from '../testing/etcd-servers.ts'
import { pause } from '../wait.ts'
import { drive, firstAnswer, LOAD_VALUE, type Load, type LoadReport, loadKey, longestGap } from './load.ts'
import { PeerLines } from './peer-lines.ts'
import { residentMb } from './process-memory.ts'
import { clock } from './recorded.ts'
import type { Place, StoreSide, StoreSideOptions } from './store-side.ts'

type Endpoint = Awaited<ReturnType<typeof endpointAt>>

const members = 3
const CALL_MS = 10_000
/** A write that etcd has dropped is answered after 7 s; others are made meanwhile. */
const AT_ONCE = 2_000
const value = Buffer.from(JSON.stringify(LOAD_VALUE))

export class EtcdSide implements StoreSide {
  readonly #servers: EtcdServers
  readonly #endpoints: readonly Endpoint[]

  readonly #lines: PeerLines | undefined

  private constructor(servers: EtcdServers, endpoints: readonly Endpoint[], lines: PeerLines | undefined) {
    this.#lines = lines
    this.#servers = servers
    this.#endpoints = endpoints
  }

  static async start({ prefix, canCut = false }: StoreSideOptions): Promise<EtcdSide> {
    const lines = canCut ? new PeerLines() : undefined
    const servers = await EtcdServers.start({ members, prefix, ...(lines ? { lines } : {}) })
    return new EtcdSide(servers, await Promise.all(servers.hosts.map(endpointAt)), lines)
  }

  async load(place: Place, load: Load): Promise<LoadReport> {
    const leader = await this.#leader()
    const endpoint = this.#endpoints[place === 'leader' ? leader : (leader + 1) % members]!
    return drive(load, (at) => (load.verb === 'write' ? write(endpoint, at) : read(endpoint, at)))
  }

  async killLeader(): Promise<number> {
    const leader = await this.#leader()
    const others = this.#endpoints.filter((_, at) => at !== leader)
    const from = clock()
    const ended = this.#servers.end(leader)
    const ms = await firstAnswer((attempt) => write(others[attempt % others.length]!, 0), from, AT_ONCE)
    await ended
    this.#servers.run(leader)
    for (let at = 0; at < members; at++) await this.#servers.serves(at)
    return ms
  }

  async transfer(): Promise<number> {
    const leader = await this.#leader()
    const other = this.#endpoints[(leader + 2) % members]!
    return longestGap(
      () => write(other, 0),
      () => this.#servers.transfer(leader, (leader + 1) % members),
      AT_ONCE,
    )
  }

  async coldStart(): Promise<number> {
    await Promise.all(this.#endpoints.map((_, at) => this.#servers.end(at)))
    const from = clock()
    for (let at = 0; at < members; at++) this.#servers.run(at)
    const ms = await firstAnswer((attempt) => write(this.#endpoints[attempt % members]!, 0), from, AT_ONCE)
    for (let at = 0; at < members; at++) await this.#servers.serves(at)
    return ms
  }

  async healedLink(cutMs: number): Promise<number> {
    const leader = await this.#leader()
    const endpoint = this.#endpoints[leader]!
    const others = this.#endpoints.filter((each) => each !== endpoint)
    this.#lines?.cut(leader)
    await pause(systemClock, cutMs)
    await firstAnswer((attempt) => write(others[attempt % others.length]!, 0), 0, AT_ONCE)
    const request = { key: Buffer.from('bench/healed') }
    const sign = Buffer.from(String(Math.random()))
    const mark = (endpoint: Endpoint): Promise<unknown> =>
      endpoint.call('KV', 'put', { ...request, value: sign }, Date.now() + CALL_MS)
    await firstAnswer((attempt) => mark(others[attempt % others.length]!), 0, 1)
    const from = clock()
    this.#lines?.heal()
    for (;;) {
      const own = { ...request, serializable: true }
      const found = await endpoint
        .call<{ kvs: { value: Buffer }[] }>('KV', 'range', own, Date.now() + CALL_MS)
        .catch(() => undefined)
      if (found?.kvs[0]?.value.equals(sign)) return clock() - from
    }
  }

  async memory(): Promise<readonly number[]> {
    return Promise.all(this.#servers.pids.map(residentMb))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const endpoint of this.#endpoints) endpoint.close()
    await this.#servers[Symbol.asyncDispose]()
    await this.#lines?.[Symbol.asyncDispose]()
  }

  async #leader(): Promise<number> {
    for (;;) {
      const leader = await this.#servers.leader()
      if (leader !== undefined) return leader
      await pause(systemClock, 20)
    }
  }
}

/** The client is an optional package, so it is loaded only here. */
async function endpointAt(host: string) {
  const { Endpoint } = await import('../coordination/etcd/endpoint.ts')
  return Endpoint.at(host, { hosts: [host], leaderLeaseMs: 0 })
}

function write(endpoint: Endpoint, place: number): Promise<unknown> {
  const request = { key: Buffer.from(loadKey(place)), value }
  return endpoint.call('KV', 'put', request, Date.now() + CALL_MS)
}

/** A value that is read is looked at, as ours is. */
async function read(endpoint: Endpoint, place: number): Promise<unknown> {
  const request = { key: Buffer.from(loadKey(place)) }
  const { kvs } = await endpoint.call<{ kvs: { value: Buffer }[] }>('KV', 'range', request, Date.now() + CALL_MS)
  return kvs[0] && JSON.parse(kvs[0].value.toString('utf8'))
}
