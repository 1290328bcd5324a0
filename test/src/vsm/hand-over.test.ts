import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { S5 } from '../../../src/index.ts'
import { createTestCluster, type TestCluster, type TestNode } from '../../../src/testing/index.ts'

/** What S5 does on a request, with the member that hosts it. */
type Handle = (s5: S5, node: TestNode) => Promise<string>

/** Three members that all would host S5. `log`: what it did where, in order. */
async function hosts(
  handle: Handle,
): Promise<{ cluster: TestCluster; log: string[]; host: TestNode; other: TestNode }> {
  const cluster = await createTestCluster(3)
  const log: string[] = []
  for (const node of cluster.nodes)
    node.vsm.host('s5', (s5) => {
      log.push(`${node.name} begins`)
      return {
        onRequest: async () => handle(s5, node),
        [Symbol.asyncDispose]: async () => {
          await aWhile(node)
          log.push(`${node.name} has ended`)
        },
      }
    })
  const host = cluster.leader()!
  return { cluster, log, host, other: cluster.nodes.find((node) => node !== host)! }
}

/** Some round trips. */
async function aWhile(node: TestNode): Promise<void> {
  for (let trip = 0; trip < 10; trip++) await node.locks.list()
}

describe('S5 that is handed over', () => {
  it('ends what it has begun, under its token, and its clean-up, before the next one begins; what comes meanwhile is for that one', async () => {
    const { cluster, log, host, other } = await hosts(async (s5, node) => {
      const { token } = s5
      log.push(`${node.name} is asked`)
      await aWhile(node)
      assert.equal(s5.token, token)
      log.push(`${node.name} answers`)
      return node.name
    })
    await using _ = cluster
    const first = other.vsm.call('s5', 1)
    await cluster.until('it is asked', () => log.includes(`${host.name} is asked`))
    const transfer = host.leadership.transfer()
    const second = other.vsm.call('s5', 2)
    assert.equal(await first, host.name)
    const to = (await transfer).to
    assert.equal(await second, to)
    const steps = ['begins', 'is asked', 'answers', 'has ended'].map((step) => `${host.name} ${step}`)
    assert.deepEqual(log, [...steps, ...['begins', 'is asked', 'answers'].map((step) => `${to} ${step}`)])
  })

  it('does so for half a second at most', async () => {
    const never = Promise.withResolvers<string>()
    const { cluster, log, host, other } = await hosts(async (_s5, node) => (node === host ? never.promise : node.name))
    await using _ = cluster
    const first = other.vsm.call('s5', 1, { timeoutMs: 60_000 })
    await aWhile(other)
    const began = cluster.now
    const { to } = await host.leadership.transfer()
    assert.ok(cluster.now - began < 1_000, `${cluster.now - began} ms`)
    assert.equal(await other.vsm.call('s5', 2), to)
    assert.ok(log.includes(`${to} begins`))
    never.resolve('at last')
    assert.equal(await first, 'at last')
  })

  it('does so when its node stops, too', async () => {
    const { cluster, log, host, other } = await hosts(async (s5, node) => {
      log.push(`${node.name} is asked`)
      await aWhile(node)
      return `${node.name} ${s5.token > 0}`
    })
    await using _ = cluster
    const first = other.vsm.call('s5', 1)
    await cluster.until('it is asked', () => log.includes(`${host.name} is asked`))
    const stopped = host.stop()
    assert.equal(await first, `${host.name} true`)
    await stopped
    await cluster.until('another one begins', () =>
      log.some((line) => line.endsWith('begins') && !line.startsWith(host.name)),
    )
    assert.equal(log[2], `${host.name} has ended`)
  })
})
