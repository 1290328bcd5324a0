import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { kubernetesDiscovery } from '../../../src/discovery/kubernetes.ts'
import { isClusterError } from '../../../src/errors.ts'
import { type DiscoverySource, testDiscovery } from '../../../src/testing/compliance/discovery.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { RecordedKubernetes } from './recorded-kubernetes.ts'

async function recorded(): Promise<DiscoverySource> {
  const server = await RecordedKubernetes.open()
  // One slice has one port for all; the suite's addresses differ in theirs, so their hosts are told apart here instead.
  const hosts = new Map<string, string>()
  const provider = kubernetesDiscovery({ service: 'cluster', config: server.config, port: 7000 })
  const translate = (set: ReadonlySet<string>): ReadonlySet<string> =>
    new Set([...set].map((seed) => hosts.get(seed.split(':')[0]!) ?? seed))
  return {
    provider: {
      name: provider.name,
      async *watch(signal, report) {
        for await (const set of provider.watch(signal, report)) yield translate(set)
      },
    },
    async name(addresses) {
      const own = addresses.map((address) => `192.0.2.${address.split(':')[1]!.slice(-1)}`)
      for (const [at, host] of own.entries()) hosts.set(host, addresses[at]!)
      server.name(own)
    },
    async fail() {
      server.mood = 'forbidden'
      server.endWatches()
    },
    async mend() {
      server.mood = 'well'
    },
    announced: () => assert.fail('Kubernetes itself registers its pods'),
    close: () => server.close(),
  }
}

describe('Kubernetes as it was recorded', () => {
  testDiscovery('kubernetes', { open: recorded, has: ['changes', 'outages'] })

  let server: RecordedKubernetes
  let abort: AbortController
  let running: Promise<void>
  let sets: string[][]
  let troubles: string[]
  beforeEach(async () => {
    server = await RecordedKubernetes.open()
    abort = new AbortController()
    sets = []
    troubles = []
    running = (async () => {
      const provider = kubernetesDiscovery({ service: 'cluster', config: server.config })
      for await (const set of provider.watch(abort.signal, ({ message }) => troubles.push(message)))
        sets.push([...set].sort())
    })()
  })
  afterEach(async () => {
    abort.abort()
    await running
    await server.close()
  })

  it('names endpoints by the port called cluster, with the service account of the pod', async () => {
    server.name(['192.0.2.10'])
    await waitUntil(() => sets.at(-1)?.length === 1)
    assert.deepEqual(sets.at(-1), ['192.0.2.10:7000'])
    assert.deepEqual([...server.tokens], ['Bearer peer-token'])
  })

  it('does not name an endpoint that terminates', async () => {
    server.name(['192.0.2.10'], ['192.0.2.11'])
    await waitUntil(() => sets.at(-1)?.join() === '192.0.2.10:7000')
  })

  it('is watched again from the newest version it told, bookmarks too, without listing anew', async () => {
    server.name(['192.0.2.10'])
    await waitUntil(() => server.watching === 1)
    server.bookmark()
    const { version } = server
    server.name(['192.0.2.10', '192.0.2.11'])
    await waitUntil(() => sets.at(-1)?.length === 2)
    server.endWatches()
    await waitUntil(() => server.watchedFrom.length === 2)
    assert.deepEqual([server.lists, server.watchedFrom[1]], [1, version + 1])
    assert.deepEqual(troubles, [])
  })

  it('is listed anew when it no longer keeps the version (410)', async () => {
    server.name(['192.0.2.10'])
    await waitUntil(() => server.watching === 1)
    server.version += 10
    server.oldest = server.version
    server.endWatches()
    await waitUntil(() => server.lists === 2 && server.watching === 1)
    server.name(['192.0.2.12'])
    await waitUntil(() => sets.at(-1)?.join() === '192.0.2.12:7000')
    assert.deepEqual(troubles, [])
  })
})

describe('a Kubernetes that answers nothing', () => {
  for (const mood of ['silent', 'no-watch'] as const)
    it(`holds up nobody who leaves: ${mood}`, async () => {
      const server = await RecordedKubernetes.open()
      server.mood = mood
      const abort = new AbortController()
      const watching = (async () => {
        for await (const set of kubernetesDiscovery({ service: 'cluster', config: server.config }).watch(
          abort.signal,
          assert.fail,
        ))
          assert.equal(set.size, 0)
      })()
      await waitUntil(() => server.unanswered === 1)
      abort.abort()
      await watching
      await server.close()
    })
})

describe('options of Kubernetes', () => {
  it('are all checked at once', async () => {
    const server = await RecordedKubernetes.open()
    const { config } = server
    assert.throws(
      () => kubernetesDiscovery({ service: 'A b', namespace: '-', port: 0, config }),
      (error) => isClusterError(error, 'ERR_BAD_OPTIONS') && error.details.problems.length === 3,
    )
    await server.close()
  })
})
