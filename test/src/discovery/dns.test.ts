import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { dnsDiscovery } from '../../../src/discovery/dns.ts'
import { type DiscoverySource, testDiscovery } from '../../../src/testing/compliance/discovery.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { type Mood, NameServer } from './name-server.ts'

const pace = { minIntervalMs: 20, maxIntervalMs: 50, queryTimeoutMs: 100 }

async function serviceRecords(): Promise<DiscoverySource> {
  const server = await NameServer.open()
  return {
    provider: dnsDiscovery(`dns+srv://_trellis._tcp.peers.test?resolver=${server.address}`, pace),
    async name(addresses) {
      const hosts = addresses.map((address) => address.split(':')[0]!)
      server.services.set(
        '_trellis._tcp.peers.test',
        addresses.map((address, at) => ({ target: `n${at}.peers.test`, port: Number(address.split(':')[1]) })),
      )
      for (const [at, host] of hosts.entries()) server.hosts.set(`n${at}.peers.test`, [host])
    },
    fail: async () => {
      server.mood = 'fails'
    },
    mend: async () => {
      server.mood = 'well'
    },
    announced: () => assert.fail('nobody announces in DNS'),
    close: () => server.close(),
  }
}

testDiscovery('dns+srv', { open: serviceRecords, has: ['changes', 'outages'] })

describe('seeds from DNS', () => {
  let server: NameServer
  let abort: AbortController
  let running: Promise<void>[]
  beforeEach(async () => {
    server = await NameServer.open()
    abort = new AbortController()
    running = []
  })
  afterEach(async () => {
    abort.abort()
    await Promise.all(running)
    await server.close()
  })

  function follow(text: string) {
    const seen: { sets: string[][]; troubles: string[] } = { sets: [], troubles: [] }
    const provider = dnsDiscovery(`${text}?resolver=${server.address}`, pace)
    const report = (trouble: Error): unknown => seen.troubles.push(trouble.message)
    const watch = async (): Promise<void> => {
      for await (const set of provider.watch(abort.signal, report)) seen.sets.push([...set].sort())
    }
    running.push(watch())
    return seen
  }

  it('are all addresses of a name, each with the port that was given', async () => {
    server.hosts.set('peers.test', ['10.0.0.2', '10.0.0.1'])
    const seen = follow('dns://peers.test:7400')
    await waitUntil(() => seen.sets.length > 0)
    assert.deepEqual(seen.sets, [['10.0.0.1:7400', '10.0.0.2:7400']])
  })

  it('keep the name of an SRV target whose address the name server does not know', async () => {
    server.services.set('_t._tcp.test', [{ target: 'elsewhere.example', port: 7 }])
    const seen = follow('dns+srv://_t._tcp.test')
    await waitUntil(() => seen.sets.length > 0)
    assert.deepEqual(seen.sets, [['elsewhere.example:7']])
  })

  it('are not gone because a name was not found once', async () => {
    server.hosts.set('peers.test', ['10.0.0.1'])
    const seen = follow('dns://peers.test:7400')
    await waitUntil(() => seen.sets.length === 1)
    for (let times = 0; times < 3; times++) {
      server.mood = 'knows-nothing'
      const before = server.questions
      await waitUntil(() => server.questions > before)
      server.mood = 'well'
      const after = server.questions
      await waitUntil(() => server.questions > after + 4)
    }
    assert.deepEqual(seen.sets, [['10.0.0.1:7400']])
  })

  it('are asked for again soon, though a time to live says ten minutes', async () => {
    server.ttl = 600
    server.hosts.set('peers.test', ['10.0.0.1'])
    const seen = follow('dns://peers.test:7400')
    await waitUntil(() => seen.sets.length === 1)
    server.hosts.set('peers.test', ['10.0.0.1', '10.0.0.2'])
    await waitUntil(() => seen.sets.length === 2)
  })

  it('survive every way in which a name server can fail', async () => {
    server.hosts.set('peers.test', ['10.0.0.1'])
    const seen = follow('dns://peers.test:7400')
    await waitUntil(() => seen.sets.length === 1)
    for (const mood of ['silent', 'refuses', 'fails', 'babbles'] satisfies Mood[]) {
      server.mood = mood
      const before = seen.troubles.length
      await waitUntil(() => seen.troubles.length > before)
    }
    assert.equal(seen.sets.length, 1)
    server.mood = 'well'
    server.hosts.set('peers.test', ['10.0.0.3'])
    await waitUntil(() => seen.sets.length === 2)
  })

  it('are those of the machine where no name server is named', async () => {
    const provider = dnsDiscovery('dns://localhost:7400', pace)
    for await (const set of provider.watch(abort.signal, () => {})) {
      assert.ok(set.has('127.0.0.1:7400') || set.has('[::1]:7400'), [...set].join())
      break
    }
  })
})
