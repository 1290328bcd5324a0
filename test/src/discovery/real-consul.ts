// A real Consul agent, where there is one: in the path, or fetched by `scripts/consul.sh node_modules/.cache/consul`.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { consulDiscovery } from '../../../src/discovery/consul.ts'
import { freePorts } from '../../../src/free-ports.ts'
import type { DiscoverySource } from '../../../src/testing/compliance/discovery.ts'

const fetched = resolve(import.meta.dirname, '../../../node_modules/.cache/consul/usr/bin/consul')
const command = existsSync(fetched) ? fetched : spawnSync('consul', ['version']).status === 0 ? 'consul' : undefined

/** Why there is no real Consul; undefined: there is. */
export const withoutConsul =
  command === undefined ? 'there is no consul; scripts/consul.sh node_modules/.cache/consul fetches one' : undefined

export class RealConsul {
  readonly #folder = mkdtempSync(join(tmpdir(), 'trellis-consul-'))
  readonly #ports: readonly number[]
  #process: ChildProcess | undefined

  private constructor(ports: readonly number[]) {
    this.#ports = ports
  }

  get url(): string {
    return `http://127.0.0.1:${this.#ports[0]}`
  }

  /** For the suite: what it names is registered without checks, so it passes. */
  static async source(): Promise<DiscoverySource> {
    const consul = new RealConsul(await freePorts(4))
    await consul.#start()
    let named: readonly string[] = []
    return {
      provider: consulDiscovery({ url: consul.url, ttlMs: 1_000 }),
      async name(addresses) {
        for (const address of named.filter((each) => !addresses.includes(each)))
          await consul.#put(`agent/service/deregister/${encodeURIComponent(address)}`)
        for (const text of addresses) {
          const [Address, port] = text.split(':')
          await consul.#put('agent/service/register', { ID: text, Name: 'trellis', Address, Port: Number(port) })
        }
        named = addresses
      },
      fail: () => consul.#stop('SIGKILL'),
      async mend() {
        await consul.#start()
        named = []
      },
      async announced() {
        const found = (await (await fetch(`${consul.url}/v1/health/service/trellis?passing`)).json()) as {
          Service: { Address: string; Port: number }
        }[]
        return found.map(({ Service }) => `${Service.Address}:${Service.Port}`)
      },
      async close() {
        await consul.#stop('SIGKILL')
        rmSync(consul.#folder, { recursive: true, force: true })
      },
    }
  }

  async #start(): Promise<void> {
    const [http, lan, wan, server] = this.#ports
    const address = '127.0.0.1'
    const ports = { http, https: -1, grpc: -1, dns: -1, serf_lan: lan, serf_wan: wan, server }
    const settings = {
      node_name: 'n',
      bind_addr: address,
      client_addr: address,
      advertise_addr: address,
      disable_update_check: true,
      ports,
      log_level: 'ERR',
    }
    const file = join(this.#folder, 'c.json')
    writeFileSync(file, JSON.stringify(settings))
    this.#process = spawn(command!, ['agent', '-dev', `-config-file=${file}`], { stdio: 'ignore' })
    const deadline = performance.now() + 20_000
    for (;;) {
      const leader = await fetch(`${this.url}/v1/status/leader`).then(
        (response) => response.json(),
        () => '',
      )
      if (leader !== '') return
      if (performance.now() > deadline) throw new Error('Consul has no leader')
      await new Promise((later) => setTimeout(later, 20))
    }
  }

  async #stop(signal: NodeJS.Signals): Promise<void> {
    const running = this.#process
    if (!running || running.exitCode !== null || running.signalCode !== null) return
    running.kill(signal)
    await once(running, 'exit')
  }

  async #put(path: string, body?: object): Promise<void> {
    const response = await fetch(`${this.url}/v1/${path}`, { method: 'PUT', body: body ? JSON.stringify(body) : null })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  }
}
