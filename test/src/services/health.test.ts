import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { systemClock } from '../../../src/runtime/clock.ts'
import { type HealthCheck, HealthWatch, healthProblems } from '../../../src/services/health.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { form } from '../local-nodes.ts'

const pace = { intervalMs: 100, timeoutMs: 100, failures: 2, successes: 2 }

/** Notes each change, and ends the watch. */
async function watching(check: HealthCheck, use: (seen: string[], watch: HealthWatch) => Promise<void>): Promise<void> {
  const seen: string[] = []
  const watch = new HealthWatch(check, systemClock, (health) => seen.push(health))
  try {
    await use(seen, watch)
  } finally {
    watch[Symbol.dispose]()
  }
}

describe('a health check', () => {
  it('believes only several answers of the same kind in a row', () => {
    const answers = [false, true, false, false, true, false, true, true]
    let asked = 0
    const check = (): boolean => answers[asked++] ?? true
    return watching({ check, ...pace }, async (seen) => {
      await waitUntil(() => seen.length === 2)
      assert.deepEqual([seen, asked], [['critical', 'passing'], 8])
    })
  })

  it('takes a throw, a rejection and silence for a no', async () => {
    for (const check of [() => assert.fail(), () => Promise.reject(new Error('no')), () => new Promise(() => {})])
      await watching({ check, ...pace }, (seen) => waitUntil(() => seen[0] === 'critical'))
  })

  it('asks over HTTP and TCP', async () => {
    let status = 500
    const server = createServer((_, response) => response.writeHead(status).end())
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    const { port } = server.address() as AddressInfo
    await watching({ http: `http://127.0.0.1:${port}/`, ...pace }, async (seen) => {
      await waitUntil(() => seen[0] === 'critical')
      status = 204
      await waitUntil(() => seen[1] === 'passing')
    })
    await watching({ tcp: `127.0.0.1:${port}`, ...pace, successes: 1 }, async (seen) => {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
      await waitUntil(() => seen[0] === 'critical')
    })
  })

  it('with a time to live is critical when nobody says that it passes', () =>
    watching({ ttlMs: 100 }, async (seen, watch) => {
      await waitUntil(() => seen[0] === 'critical')
      watch.pass()
      assert.deepEqual(seen, ['critical', 'passing'])
    }))

  it('asks at its default pace where none is given', () => {
    const waits: number[] = []
    const setTimeout = (work: () => void, ms: number) => {
      waits.push(ms)
      return systemClock.setTimeout(work, ms)
    }
    const check = { check: () => true, intervalMs: undefined } as unknown as HealthCheck
    new HealthWatch(check, { ...systemClock, setTimeout }, () => {})[Symbol.dispose]()
    assert.deepEqual(waits, [5_000])
  })

  it('that cannot be is refused with every reason', () => {
    assert.deepEqual(healthProblems({}), ['services.health must have one of check, http, tcp and ttlMs'])
    assert.equal(healthProblems({ http: 'ftp://x', intervalMs: 1, failures: 0 }).length, 3)
    assert.equal(healthProblems({ tcp: 'nowhere' }).length, 1)
    assert.equal(healthProblems({ ttlMs: 5 }).length, 1)
    assert.equal(healthProblems({ check: 'me' }).length, 1)
    assert.equal(healthProblems(7).length, 1)
    assert.equal(healthProblems([() => true]).length, 1)
    assert.equal(healthProblems({ check: () => true, failures: '2', successes: 1.5 }).length, 2)
    assert.match(
      String(healthProblems({ check: () => true, interval: 100 })),
      /unknown option 'interval'.*'intervalMs'/,
    )
    assert.deepEqual(healthProblems({ ttlMs: 100, failures: 2 }), ["services.health: unknown option 'failures'"])
    assert.deepEqual(healthProblems({ check: () => true, intervalMs: undefined, failures: 1 }), [])
  })

  it('reaches every member, and a critical instance gets no calls', async () => {
    const [a, b] = await form(['a', 'b'])
    assert.ok(a && b)
    let isWell = true
    a.services.register('echo', { who: () => 'a' }, { health: { check: () => isWell, ...pace } })
    b.services.register('echo', { who: () => 'b' })
    await waitUntil(() => b.services.find('echo').length === 2)
    isWell = false
    await waitUntil(() => a.services.find('echo').some(({ health }) => health === 'critical'))
    assert.equal(await a.services.call('echo', 'who'), 'b')
    isWell = true
    await waitUntil(() => b.services.find('echo').every(({ health }) => health === 'passing'))
  })
})
