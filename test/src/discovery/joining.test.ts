import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { agreed, failureOf, start } from '../local-nodes.ts'
import { NameServer } from './name-server.ts'

describe('nodes that know each other from DNS alone', () => {
  let server: NameServer
  let join: string
  beforeEach(async () => {
    server = await NameServer.open()
    join = `dns+srv://_trellis._tcp.test?resolver=${server.address}`
  })
  afterEach(() => server.close())

  function name(...addresses: readonly string[]): void {
    const records = addresses.map((address) => ({ target: '127.0.0.1', port: Number(address.split(':')[1]) }))
    server.services.set('_trellis._tcp.test', records)
    server.hosts.set('127.0.0.1', ['127.0.0.1'])
  }

  it('form exactly one cluster, once as many as they expect are there', async () => {
    const nodes = await Promise.all(['a', 'b', 'c'].map((each) => start({ name: each, expect: 3, join, timeoutMs: 1 })))
    assert.deepEqual(
      nodes.map((node) => node.status().cluster.id),
      [null, null, null],
    )
    name(...nodes.map(({ address }) => address))
    await agreed(nodes)
    assert.equal(new Set(nodes.map((node) => node.status().cluster.id)).size, 1)
  })

  it('join a cluster that is there, and never form one alone', async () => {
    const a = await start({ name: 'a' })
    const waiting = await failureOf(start({ name: 'b', join, timeoutMs: 200 }))
    assert.equal(waiting.code, 'ERR_CLUSTER_UNREACHABLE')
    name(a.address)
    const b = await start({ name: 'b', join })
    await agreed([a, b])
    assert.equal(b.status().cluster.id, a.status().cluster.id)
  })

  it('stay a cluster when the name server goes silent or names nobody', async () => {
    const a = await start({ name: 'a' })
    name(a.address)
    const b = await start({ name: 'b', join })
    await agreed([a, b])
    name()
    const before = server.questions
    await waitUntil(() => server.questions > before)
    assert.equal(b.status().cluster.alive, 2)
  })
})
