import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { KubeConfig } from '@kubernetes/client-node'
import { consulDiscovery } from '../../../src/discovery/consul.ts'
import type { Discovery } from '../../../src/discovery/discovery.ts'
import { dnsDiscovery } from '../../../src/discovery/dns.ts'
import { kubernetesDiscovery } from '../../../src/discovery/kubernetes.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { Prng } from '../../../src/testing/simulator/random.ts'
import { NameServer } from './name-server.ts'

const rounds = Number(process.env.TRELLIS_FUZZ ?? 40)
const { body: wellFormed } = JSON.parse(
  readFileSync(new URL('recordings/consul/011-health-passing-two.json', import.meta.url), 'utf8'),
).response
const slices = JSON.parse(
  readFileSync(new URL('recordings/kubernetes/014-endpointslice-list.json', import.meta.url), 'utf8'),
).response.body

const odd = [null, null, null, null, [], {}, 0, -1, '', 'x'.repeat(5_000), true, 1e300, [null], { metadata: null }]

/** What has no better excuse, exactly as it is. */
const consulNonsense = [[null], [{ Service: null, Node: null }], [{ Service: { Address: {}, Port: {} } }], [[]]]
const slice = { metadata: { name: 'a', resourceVersion: '1' }, ports: [{ name: 'cluster', port: 1 }] }
const kubernetesNonsense = [
  { metadata: null, items: null },
  { metadata: { resourceVersion: '1' }, items: [null] },
  { metadata: { resourceVersion: '1' }, items: [{ ...slice, endpoints: [null] }] },
  { metadata: { resourceVersion: '1' }, items: [{ ...slice, endpoints: [{ addresses: null }] }] },
  { metadata: { resourceVersion: '1' }, items: [{ ...slice, endpoints: {} }] },
]

/** Something in it is something else. */
function mutated(value: unknown, random: Prng): unknown {
  if (random.chance(0.12)) return odd[random.integer(odd.length)]
  if (Array.isArray(value)) return value.map((item) => mutated(item, random))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mutated(item, random)]))
}

function text(value: unknown, random: Prng): string {
  const whole = JSON.stringify(mutated(value, random))
  const choice = random.next()
  if (choice < 0.1) return whole.slice(0, random.integer(whole.length))
  return choice < 0.2 ? String.fromCharCode(...Array.from({ length: 50 }, () => random.integer(256))) : whole
}

describe('a provider of peers whose source answers nonsense', () => {
  let server: Server
  let port: number
  let answers = 0
  let random = new Prng(1)
  let body: unknown
  let isExact = false
  before(async () => {
    server = createServer((_, response) => {
      answers += 1
      if (isExact) {
        response.writeHead(200, { 'content-type': 'application/json', 'x-consul-index': '7' }).end(JSON.stringify(body))
        return
      }
      const status = random.chance(0.85) ? 200 : random.chance(0.5) ? 404 : 500
      const index = random.chance(0.8) ? '7' : (['-1', 'x', '', '99999999999999999999'][random.integer(4)] as string)
      response.writeHead(status, { 'content-type': 'application/json', 'x-consul-index': index })
      // A watch of Kubernetes is a line for each event.
      response.end(random.chance(0.5) ? text(body, random) : `${text({ type: 'ADDED', object: body }, random)}\n`)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  /** Asks until `count` has grown so much; it neither throws nor hangs. */
  async function survives(provider: Discovery, count: () => number, by: number, isSilent = false): Promise<void> {
    const abort = new AbortController()
    const troubles: unknown[] = []
    let told = 0
    const since = count()
    const watching = (async () => {
      for await (const seeds of provider.watch(abort.signal, (trouble) => troubles.push(trouble))) {
        for (const seed of seeds) assert.match(seed, /:\d+$/)
        told += 1
      }
    })()
    await waitUntil(() => count() - since >= by && (isSilent || troubles.length + told > 0))
    abort.abort()
    await watching
  }

  /** With each of `nonsense` as it is, then with mutations of what is well. */
  async function goesOn(provider: () => Discovery, nonsense: readonly unknown[], well: unknown): Promise<void> {
    isExact = true
    for (const each of nonsense) {
      body = each
      await survives(provider(), () => answers, 1)
    }
    isExact = false
    body = well
    for (let round = 0; round < rounds; round++) {
      random = new Prng(round)
      await survives(provider(), () => answers, 1)
    }
  }

  it('goes on: Consul', async () => {
    const url = `http://127.0.0.1:${port}`
    await goesOn(() => consulDiscovery({ url, register: false, waitMs: 1_000 }), consulNonsense, wellFormed)
  })

  it('goes on: DNS', async () => {
    const names = await NameServer.open()
    names.hosts.set('peers.test', ['10.0.0.1', '10.0.0.2'])
    names.services.set('peers.test', [{ target: 'peers.test', port: 7 }])
    names.garbled = (answer) => {
      // Its number stays, or it would not be heard at all.
      const bytes = Buffer.from(answer.map((byte, at) => (at > 1 && random.chance(0.05) ? random.integer(256) : byte)))
      const end = random.chance(0.2) ? random.integer(bytes.length) : bytes.length
      return random.chance(0.1) ? Buffer.concat([bytes, bytes]) : bytes.subarray(0, end)
    }
    const pace = { minIntervalMs: 2, maxIntervalMs: 4, queryTimeoutMs: 10 }
    for (let round = 0; round < rounds / 2; round++) {
      random = new Prng(round)
      const kind = round % 2 === 0 ? 'dns+srv://peers.test' : 'dns://peers.test:7'
      const provider = dnsDiscovery(`${kind}?resolver=${names.address}`, pace)
      // That nobody is there is not told at the beginning.
      await survives(provider, () => names.questions, 4, true)
    }
    await names.close()
  })

  it('goes on: Kubernetes', async () => {
    const config = new KubeConfig()
    config.loadFromOptions({
      clusters: [{ name: 'c', server: `http://127.0.0.1:${port}`, skipTLSVerify: true }],
      users: [{ name: 'u', token: 'token' }],
      contexts: [{ name: 'x', cluster: 'c', user: 'u', namespace: 'default' }],
      currentContext: 'x',
    })
    await goesOn(() => kubernetesDiscovery({ service: 'trellis', config }), kubernetesNonsense, slices)
  })
})
