import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import Consul from 'consul'
import { type AdminNode, startAdmin } from '../../../src/admin/server.ts'
import { createNode, type TrellisNode } from '../../../src/index.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { ask } from './client.ts'
import { fakeNode } from './fake-node.ts'

/** What a real Consul answered to the same question. */
function recorded(name: string): { readonly status: number; readonly body: unknown } {
  const url = new URL(`../discovery/recordings/consul/${name}.json`, import.meta.url)
  return JSON.parse(readFileSync(url, 'utf8')).response
}

const kind = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value)

/** Where `value` lacks a field of `model`, or has it in another type. What it has besides is its own affair. */
function lacks(model: unknown, value: unknown, at = '$'): string[] {
  if (model === null) return []
  if (kind(model) !== kind(value)) return [`${at} is ${kind(value)}, not ${kind(model)}`]
  if (Array.isArray(model)) return model.length === 0 ? [] : lacks(model[0], (value as unknown[])[0], `${at}[0]`)
  if (kind(model) !== 'object') return []
  const open =
    /\.(Meta|NodeMeta|ServiceMeta|TaggedAddresses|ServiceTaggedAddresses|Tags|Proxy|ServiceProxy|Coord|Stats|DebugConfig|cluster.*|consul)$/
  if (open.test(at)) return []
  return Object.entries(model as object).flatMap(([key, field]) =>
    key in (value as object)
      ? lacks(field, (value as Record<string, unknown>)[key], `${at}.${key}`)
      : [`${at}.${key} is missing`],
  )
}

describe('the npm client of Consul at a node', () => {
  let a: TrellisNode
  let b: TrellisNode
  let consul: Consul
  before(async () => {
    const options = { listen: '127.0.0.1:0', admin: '127.0.0.1:0' } as const
    a = await createNode({ name: 'a', ...options, zone: 'north', adminToken: 'a-token-that-may-everything' })
    b = await createNode({ name: 'b', join: a.address, ...options, zone: 'south' })
    await Promise.all([a.ready(), b.ready()])
    const { hostname, port } = new URL(a.admin!)
    consul = new Consul({ host: hostname, port: Number(port), defaults: { token: 'a-token-that-may-everything' } })
  })
  after(() => Promise.all([a.stop(), b.stop()]))

  it('finds services with their nodes, tags and checks', async () => {
    const one = a.services.register('web', {}, { address: '10.0.0.1:80', capabilities: ['v1'], metadata: { a: 'b' } })
    b.services.register('web', {}, { address: '10.0.0.2:81', capabilities: ['v1', 'eur'] })
    await waitUntil(() => a.services.find('web').length === 2)
    const rows = await consul.health.service({ service: 'web', passing: true })
    assert.deepEqual(lacks(recorded('011-health-passing-two').body, rows), [])
    const ports = (found: { Service: { Port: number } }[]) => found.map(({ Service }) => Service.Port).sort()
    assert.deepEqual(ports(rows), [80, 81])
    assert.deepEqual(ports(await consul.health.service({ service: 'web', tag: 'eur' })), [81])
    const near = await consul.health.service({ service: 'web', near: 'b' } as never)
    assert.equal(near[0].Service.Port, 81)
    one.update({ health: 'degraded' })
    assert.deepEqual(ports(await consul.health.service({ service: 'web', passing: true })), [81])
    assert.deepEqual(ports(await consul.health.service('web')), [80, 81])
    assert.deepEqual(await consul.health.service('nothing'), [])
    const names = await consul.catalog.service.list()
    assert.deepEqual(names.web, ['eur', 'v1'])
    const catalog = await consul.catalog.service.nodes('web')
    assert.deepEqual(lacks(recorded('025-catalog-service').body, catalog), [])
    one.dispose()
  })

  it('knows nodes, leader and agent', async () => {
    assert.deepEqual(lacks(recorded('026-catalog-nodes').body, await consul.catalog.node.list()), [])
    assert.equal(await consul.status.leader(), a.status().consensus.leader === 'a' ? a.address : b.address)
    assert.ok((await consul.status.peers()).includes(a.address))
    const self = await consul.agent.self()
    assert.deepEqual(
      lacks(recorded('002-agent-self').body, self).filter((it) => !/Coord|Member\.(Protocol|Delegate)/.test(it)),
      [],
    )
    assert.deepEqual(await consul.catalog.datacenters(), ['trellis'])
  })

  it('watches a service: each change once, at once', async () => {
    const seen: number[] = []
    const watch = consul.watch({ method: consul.health.service, options: { service: 'api', wait: '60s' } as never })
    watch.on('change', (rows: unknown[]) => seen.push(rows.length))
    await waitUntil(() => seen.length === 1)
    const api = b.services.register('api', {})
    await waitUntil(() => seen.at(-1) === 1)
    b.services.register('something-else', {})
    api.dispose()
    await waitUntil(() => seen.at(-1) === 0)
    watch.end()
    assert.deepEqual(seen, [0, 1, 0])
  })

  it('reads keys: one, many, their names, their bytes, and waits for a change', async () => {
    assert.equal(await consul.kv.get('app/none'), undefined)
    await a.config.set('app/a', 'hello')
    await a.config.set('app/b/c', { n: 1 })
    await a.config.set('app/b/d', '')
    const one = await consul.kv.get('app/a')
    assert.deepEqual(lacks((recorded('051-kv-get').body as unknown[])[0], one), [])
    assert.equal(one?.Value, 'hello')
    const many = (await consul.kv.get({ key: 'app/', recurse: true })) as unknown as { Key: string; Value: string }[]
    assert.deepEqual(
      many.map(({ Key, Value }) => [Key, Value]),
      [
        ['app/a', 'hello'],
        ['app/b/c', '{"n":1}'],
        ['app/b/d', null],
      ],
    )
    assert.deepEqual(await consul.kv.keys('app/'), ['app/a', 'app/b/c', 'app/b/d'])
    assert.deepEqual(await consul.kv.keys({ key: 'app/', separator: '/' }), ['app/a', 'app/b/'])
    const headers = { 'x-consul-token': 'a-token-that-may-everything' }
    const raw = await ask(`${a.admin}/v1/kv/app/a?raw`, { headers })
    assert.equal(raw.text, 'hello')
    const index = raw.headers['x-consul-index']
    const waiting = ask(`${a.admin}/v1/kv/app/a?index=${index}&wait=30s`, { headers })
    await b.config.set('app/z', 1)
    await b.config.set('app/a', 'bye')
    const changed = JSON.parse((await waiting).text) as { Value: string }[]
    assert.equal(Buffer.from(changed[0]!.Value, 'base64').toString(), 'bye')
    const gone = ask(`${a.admin}/v1/kv/app/a?index=${(await waiting).headers['x-consul-index']}`, { headers })
    await b.config.delete('app/a')
    assert.equal((await gone).status, recorded('049-kv-get-missing').status)
    assert.equal((await gone).text, '')
  })

  it('hears how old a stale read of a key is, and whether a leader is known', async () => {
    const entry = { key: 'k', value: 'v', revision: 3, createRevision: 3, ageMs: 1_234.5 }
    const { ageMs, ...fresh } = entry
    const get = (key: string, { consistency }: { consistency?: string }) =>
      key === 'none' ? undefined : consistency === 'stale' ? entry : fresh
    const list = () => ({ entries: [], revision: 3, ageMs })
    const minority = fakeNode()
    minority.change({ consensus: { leader: null } })
    const node = { ...minority, config: { get, list } } as unknown as AdminNode
    const admin = await startAdmin(node, { address: '127.0.0.1:0' })
    const asked = async (path: string) => {
      const { headers } = await ask(`${admin.url}/v1/kv/${path}`)
      return [headers['x-consul-knownleader'], headers['x-consul-lastcontact']]
    }
    try {
      for (const path of ['k?stale', 'none?stale', '?recurse&stale'])
        assert.deepEqual(await asked(path), ['false', '1235'], path)
      assert.deepEqual(await asked('k'), ['true', '0'])
    } finally {
      await admin.close()
    }
  })

  it('is told what it asks wrongly, and asks with a token', async () => {
    const headers = { 'x-consul-token': 'a-token-that-may-everything' }
    const status = async (path: string, given: object = headers) =>
      (await ask(`${a.admin}${path}`, { headers: { ...given } })).status
    assert.equal(await status('/v1/health/service/web?index=abc'), 400)
    assert.equal(await status('/v1/health/service/web?wait=abc'), 400)
    assert.equal(await status('/v1/health/service/web?dc=elsewhere'), 400)
    assert.equal(await status('/v1/health/service/web?filter=x'), 400)
    assert.equal(await status('/v1/health/service/web', {}), 401)
    assert.equal(await status('/v1/health/service/web', { 'x-consul-token': 'wrong' }), 401)
    // An index of the future is answered at once with that of now, so that clients begin anew.
    assert.equal(await status('/v1/health/service/web?index=99999999999&wait=60s'), 200)
    assert.equal(await status('/v1/status'), 200)
    assert.equal(await status('/v1/services'), 200)
  })
})
