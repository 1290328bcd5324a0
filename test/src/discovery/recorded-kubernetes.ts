// A stand-in for a Kubernetes API server: every list, event and refusal it sends is shaped like a recording of a real
// one, with the addresses that a test wants in it.

import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'

const folder = join(import.meta.dirname, 'recordings/kubernetes')

// biome-ignore lint/suspicious/noExplicitAny: recordings are whatever the server said.
function recording(number: string): any {
  const file = readdirSync(folder).find((name) => name.startsWith(`${number}-`))
  return JSON.parse(readFileSync(join(folder, file ?? number), 'utf8')).response
}

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: unknown
}

export class RecordedKubernetes {
  /** `silent`: nothing is answered; `no-watch`: lists are. */
  mood: 'well' | 'forbidden' | 'silent' | 'no-watch' = 'well'
  unanswered = 0
  /** Versions below are no longer kept. */
  oldest = 0
  version = 238
  lists = 0
  readonly watchedFrom: number[] = []
  readonly tokens = new Set<string | undefined>()
  #slice: object | undefined
  readonly #watches = new Set<ServerResponse>()
  readonly #server = createServer((request, response) => this.#answer(request, response))

  static async open(): Promise<RecordedKubernetes> {
    const server = new RecordedKubernetes()
    await new Promise<void>((listening) => server.#server.listen(0, '127.0.0.1', listening))
    return server
  }

  get config(): KubeConfig {
    const server = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
    const config = new KubeConfig()
    config.loadFromOptions({
      clusters: [{ name: 'c', server, skipTLSVerify: true }],
      users: [{ name: 'u', token: 'peer-token' }],
      contexts: [{ name: 'x', cluster: 'c', user: 'u', namespace: 'default' }],
      currentContext: 'x',
    })
    return config
  }

  get watching(): number {
    return this.#watches.size
  }

  /** The endpoints from now on; the last one of `terminating` goes away. */
  name(addresses: readonly string[], terminating: readonly string[] = []): void {
    this.version += 1
    const added = recording('018').stream[0].line.object
    const [ready] = added.endpoints
    const endpoint = (address: string, isTerminating: boolean): object => ({
      ...ready,
      addresses: [address.split(':')[0]],
      conditions: { ready: !isTerminating, serving: true, terminating: isTerminating },
    })
    const endpoints = [
      ...addresses.map((each) => endpoint(each, false)),
      ...terminating.map((each) => endpoint(each, true)),
    ]
    const metadata = { ...added.metadata, resourceVersion: String(this.version) }
    const type = this.#slice ? 'MODIFIED' : 'ADDED'
    this.#slice = { ...added, metadata, endpoints }
    this.send({ type, object: this.#slice })
  }

  bookmark(): void {
    this.version += 5
    const { object } = recording('018').stream.at(-1).line
    this.send({ type: 'BOOKMARK', object: { ...object, metadata: { resourceVersion: String(this.version) } } })
  }

  send(event: WatchEvent): void {
    for (const watch of this.#watches) watch.write(`${JSON.stringify(event)}\n`)
  }

  endWatches(): void {
    for (const watch of this.#watches) watch.end()
    this.#watches.clear()
  }

  async close(): Promise<void> {
    this.endWatches()
    this.#server.closeAllConnections()
    await new Promise((closed) => this.#server.close(closed))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://kubernetes')
    this.tokens.add(request.headers.authorization)
    const isKnown = url.pathname === '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'
    const selects = url.searchParams.get('labelSelector') === 'kubernetes.io/service-name=cluster'
    const isWatch = url.searchParams.get('watch') === 'true'
    if (this.mood === 'silent' || (this.mood === 'no-watch' && isWatch)) {
      this.unanswered += 1
      return
    }
    if (this.mood === 'forbidden' || !isKnown || !selects) reply(response, recording('003'))
    else if (isWatch) this.#watch(Number(url.searchParams.get('resourceVersion')), response)
    else this.#list(response)
  }

  #list(response: ServerResponse): void {
    this.lists += 1
    const { status, headers, body } = recording(this.#slice ? '014' : '009')
    const items = this.#slice ? [this.#slice] : []
    reply(response, { status, headers, body: { ...body, metadata: { resourceVersion: String(this.version) }, items } })
  }

  #watch(from: number, response: ServerResponse): void {
    this.watchedFrom.push(from)
    response.writeHead(200, { 'content-type': 'application/json' })
    if (from < this.oldest) {
      response.end(`${JSON.stringify(recording('022').stream[0].line)}\n`)
      return
    }
    response.flushHeaders()
    this.#watches.add(response)
    response.on('close', () => this.#watches.delete(response))
    if (from < this.version && this.#slice)
      response.write(`${JSON.stringify({ type: 'ADDED', object: this.#slice })}\n`)
  }
}

function reply(
  response: ServerResponse,
  { status, headers, body }: { status: number; headers: object; body: unknown },
): void {
  const { 'content-length': _, ...rest } = headers as Record<string, string>
  response.writeHead(status, rest)
  response.end(JSON.stringify(body))
}
