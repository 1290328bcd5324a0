import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { consulDiscovery } from '../../../src/discovery/consul.ts'
import { isClusterError } from '../../../src/errors.ts'
import { type DiscoverySource, testDiscovery } from '../../../src/testing/compliance/discovery.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { RealConsul, withoutConsul } from './real-consul.ts'
import { RecordedConsul } from './recorded-consul.ts'

const everything = ['changes', 'outages', 'announcements'] as const
const self = { id: 'id-of-a', name: 'a', cluster: 'trellis', address: '127.0.0.1:7001' }

async function recorded(): Promise<DiscoverySource> {
  const consul = await RecordedConsul.open()
  return {
    provider: consulDiscovery({ url: consul.url, ttlMs: 1_000 }),
    async name(addresses) {
      consul.instances.clear()
      for (const text of addresses) {
        const [address, port] = text.split(':')
        consul.instances.set(text, { address: address!, port: Number(port), isPassing: true })
      }
      consul.changed()
    },
    async fail() {
      consul.mood = 'no-leader'
      consul.changed()
    },
    async mend() {
      consul.mood = 'well'
    },
    announced: async () =>
      [...consul.instances.values()].filter((each) => each.isPassing).map((each) => `${each.address}:${each.port}`),
    close: () => consul.close(),
  }
}

describe('Consul as it was recorded', () => {
  testDiscovery('consul', { open: recorded, has: everything })

  let consul: RecordedConsul
  let abort: AbortController
  let running: Promise<unknown>
  const troubles: string[] = []
  const report = (trouble: Error): unknown => troubles.push(trouble.message)
  beforeEach(async () => {
    consul = await RecordedConsul.open()
    abort = new AbortController()
    troubles.length = 0
  })
  afterEach(async () => {
    abort.abort()
    await running
    await consul.close()
  })

  it('that forgot a member hears from it again', async () => {
    running = consulDiscovery({ url: consul.url, ttlMs: 1_000 }).announce!(self, abort.signal, report)
    await waitUntil(() => consul.instances.get('trellis-id-of-a')?.isPassing === true)
    consul.mood = 'forgetful'
    await waitUntil(() => consul.requests.filter((request) => request.includes('register')).length === 2)
    await waitUntil(() => consul.instances.get('trellis-id-of-a')?.isPassing === true)
    assert.match(troubles.join(), /TTL/)
  })

  it('is told that a member goes, though it never answered that it had come', async () => {
    consul.mood = 'mute'
    running = consulDiscovery({ url: consul.url, ttlMs: 1_000 }).announce!(self, abort.signal, report)
    await waitUntil(() => consul.instances.size === 1)
    abort.abort()
    await running
    assert.equal(consul.instances.size, 0)
  })

  it('that was restored, so that its index went back, is asked from the beginning', async () => {
    const sets: string[][] = []
    const watch = async (): Promise<void> => {
      for await (const set of consulDiscovery({ url: consul.url }).watch(abort.signal, report)) sets.push([...set])
    }
    running = watch()
    await waitUntil(() => sets.length === 1 && consul.waiting === 1)
    consul.instances.set('b', { address: '127.0.0.1', port: 7002, isPassing: true })
    consul.changed(3)
    await waitUntil(() => sets.length === 2)
    assert.deepEqual(sets[1], ['127.0.0.1:7002'])
  })

  it('is shown the token, in a header and in no log', async () => {
    const provider = consulDiscovery({ url: consul.url, token: 'a-secret-token', ttlMs: 1_000 })
    assert.doesNotMatch(provider.name, /secret/)
    running = provider.announce!(self, abort.signal, report)
    await waitUntil(() => consul.instances.size === 1)
    assert.deepEqual([...consul.tokens], ['a-secret-token'])
  })
})

describe('a real Consul', { skip: withoutConsul }, () => {
  testDiscovery('consul', { open: () => RealConsul.source(), has: everything })
})

describe('options of Consul', () => {
  it('are all checked at once', () => {
    assert.throws(
      () => consulDiscovery({ url: 'ftp://x', service: 'a b', ttlMs: 1, waitMs: 0 }),
      (error) => isClusterError(error, 'ERR_BAD_OPTIONS') && error.details.problems.length === 4,
    )
  })
})
