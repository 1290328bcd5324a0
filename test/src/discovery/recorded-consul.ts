// A stand-in for a Consul agent whose answers are recordings of a real one: which recording, is decided by a little
// state. Requests that were never recorded are answered with 404, so a client that asks for anything else fails its
// test.

import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

const folder = join(import.meta.dirname, 'recordings/consul')

interface Recording {
  readonly response: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: unknown
  }
}

function recording(number: string): Recording['response'] {
  const file = readdirSync(folder).find((name) => name.startsWith(`${number}-`))
  return (JSON.parse(readFileSync(join(folder, file ?? number), 'utf8')) as Recording).response
}

interface Instance {
  readonly address: string
  readonly port: number
  isPassing: boolean
}

export class RecordedConsul {
  readonly requests: string[] = []
  readonly tokens = new Set<string | undefined>()
  /**
   * `no-leader`: reads fail as they did without a leader; `forgetful`: the next pass is of an unknown check; `mute`: a
   * registration is not answered.
   */
  mood: 'well' | 'no-leader' | 'forgetful' | 'mute' = 'well'
  index = 24
  readonly instances = new Map<string, Instance>()
  readonly #server = createServer((request, response) => void this.#answer(request, response))
  #waiting: (() => void)[] = []

  static async open(): Promise<RecordedConsul> {
    const consul = new RecordedConsul()
    await new Promise<void>((listening) => consul.#server.listen(0, '127.0.0.1', listening))
    return consul
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Blocking queries that wait at this moment. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Wakes every blocking query, as a change does. */
  changed(index = this.index + 1): void {
    this.index = index
    for (const wake of this.#waiting.splice(0)) wake()
  }

  async close(): Promise<void> {
    this.changed()
    this.#server.closeAllConnections()
    await new Promise((closed) => this.#server.close(closed))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://consul')
    this.requests.push(`${request.method} ${url.pathname}`)
    this.tokens.add(request.headers['x-consul-token'] as string | undefined)
    let text = ''
    for await (const chunk of request) text += chunk
    const path = decodeURIComponent(url.pathname)
    const { status, headers, body } = await this.#decide(`${request.method} ${path}`, url.searchParams, text)
    const { 'content-length': _, 'transfer-encoding': __, ...rest } = headers
    response.writeHead(status, rest)
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }

  async #decide(call: string, query: URLSearchParams, text: string): Promise<Recording['response']> {
    if (call === 'PUT /v1/agent/service/register') {
      const { ID, Address, Port } = JSON.parse(text) as { ID: string; Address: string; Port: number }
      this.instances.set(ID, { address: Address, port: Port, isPassing: false })
      this.changed()
      if (this.mood === 'mute') await new Promise(() => {})
      return recording('003')
    }
    const [, checked] = /^PUT \/v1\/agent\/check\/pass\/service:(.*)$/.exec(call) ?? []
    if (checked !== undefined) {
      const instance = this.instances.get(checked)
      if (!instance || this.mood === 'forgetful') return this.#forget()
      if (!instance.isPassing) this.changed()
      instance.isPassing = true
      return recording('009')
    }
    const [, gone] = /^PUT \/v1\/agent\/service\/deregister\/(.*)$/.exec(call) ?? []
    if (gone !== undefined) {
      this.instances.delete(gone)
      this.changed()
      return recording('099')
    }
    if (call === 'GET /v1/health/service/trellis' && query.has('passing'))
      return this.#health(Number(query.get('index')))
    return recording('046')
  }

  #forget(): Recording['response'] {
    this.mood = 'well'
    this.instances.clear()
    return recording('038')
  }

  async #health(index: number): Promise<Recording['response']> {
    if (index >= this.index && this.mood !== 'no-leader') await new Promise<void>((wake) => this.#waiting.push(wake))
    if (this.mood === 'no-leader') return recording('132')
    const { status, headers, body } = recording('011')
    const [template] = body as [{ Service: object }]
    const entries = [...this.instances.values()]
      .filter(({ isPassing }) => isPassing)
      .map(({ address, port }) => ({ ...template, Service: { ...template.Service, Address: address, Port: port } }))
    return { status, headers: { ...headers, 'x-consul-index': String(this.index) }, body: entries }
  }
}
