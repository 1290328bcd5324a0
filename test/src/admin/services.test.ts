import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startAdmin } from '../../../src/admin/server.ts'
import type { Requests } from '../../../src/channels/requests.ts'
import { type CallGraph, createNode, type TrellisNode } from '../../../src/index.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { runInProcess } from '../cli/run-in-process.ts'
import { type Ask, ask } from './client.ts'
import { fakeNode } from './fake-node.ts'

describe('/v1/services', () => {
  let a: TrellisNode
  let b: TrellisNode
  before(async () => {
    const options = { listen: '127.0.0.1:0', admin: '127.0.0.1:0' } as const
    a = await createNode({ name: 'a', ...options })
    b = await createNode({ name: 'b', join: a.address, ...options })
    await Promise.all([a.ready(), b.ready()])
  })
  after(() => Promise.all([a.stop(), b.stop()]))

  const call = (node: TrellisNode, method: string, path: string, body?: unknown) => {
    const options: Ask = { method, headers: { 'content-type': 'application/json' } }
    return ask(`${node.admin}${path}`, body === undefined ? options : { ...options, body: JSON.stringify(body) })
  }
  const codeOf = async (asked: ReturnType<typeof call>): Promise<[number, unknown]> => {
    const { status, json } = await asked
    return [status, json.code]
  }

  it('registers, finds and removes, whichever node is asked', async () => {
    const request = {
      name: 'mail',
      version: '1.2.3',
      capabilities: ['smtp'],
      address: '10.0.0.9:25',
      metadata: { tls: 'no' },
    }
    const made = await call(a, 'POST', '/v1/services', request)
    assert.equal(made.status, 201)
    const { id } = made.json as { id: string }
    await waitUntil(() => b.services.find('mail').length === 1)
    const found = await call(b, 'GET', '/v1/services?name=mail&capability=smtp')
    const facts = { namespace: '', zone: '', weight: 100, dependsOn: [], health: 'passing', cluster: '' }
    const expected = { id, ...facts, ...request, member: 'a', state: 'alive', condition: 'ok' }
    assert.deepEqual(found.json, { instances: [expected] })
    assert.deepEqual((await call(b, 'GET', '/v1/services?name=mail&version=^2')).json, { instances: [] })
    assert.equal((await call(b, 'DELETE', `/v1/services/${id}`)).status, 200)
    await waitUntil(() => b.services.find('mail').length === 0)
    assert.deepEqual(await codeOf(call(b, 'DELETE', `/v1/services/${id}`)), [404, 'ERR_UNKNOWN_SERVICE'])
  })

  it('takes a health check that the node itself makes, and none that nobody could pass over HTTP', async () => {
    const checked = { name: 'checked', health: { tcp: '127.0.0.1:1', intervalMs: 100, failures: 1 } }
    const made = await call(a, 'POST', '/v1/services', checked)
    assert.equal(made.status, 201)
    await waitUntil(() => a.services.find('checked')[0]?.health === 'critical')
    assert.equal((await call(a, 'DELETE', `/v1/services/${made.json.id}`)).status, 200)
    const { status, json } = await call(a, 'POST', '/v1/services', { name: 'expiring', health: { ttlMs: 1_000 } })
    assert.deepEqual([status, json.code], [400, 'ERR_BAD_OPTIONS'])
    assert.match(String(json.message), /ttlMs.* HTTP/)
    assert.deepEqual(a.services.find('expiring'), [])
    for (const health of [null, 'tcp', [], { check: 1 }])
      assert.deepEqual(await codeOf(call(a, 'POST', '/v1/services', { name: 'odd', health })), [400, 'ERR_BAD_OPTIONS'])
  })

  it('calls a method wherever it runs', async () => {
    a.services.register('sum', {
      of: (numbers) => (numbers as number[]).reduce((total, each) => total + each, 0),
      never: () => new Promise(() => {}),
      fail: () => Promise.reject(new Error('no')),
    })
    await waitUntil(() => b.services.find('sum').length === 1)
    assert.deepEqual((await call(b, 'POST', '/v1/services/sum/of', [1, 2, 3])).json, { result: 6 })
    assert.deepEqual(await codeOf(call(b, 'POST', '/v1/services/sum/product', [])), [503, 'ERR_NO_HANDLER'])
    assert.deepEqual(await codeOf(call(b, 'POST', '/v1/services/sum/fail', null)), [502, 'ERR_HANDLER_FAILED'])
    assert.deepEqual(await codeOf(call(b, 'POST', '/v1/services/difference/of', [])), [404, 'ERR_UNKNOWN_SERVICE'])
    const late = call(b, 'POST', '/v1/services/sum/never?deadlineMs=20', null)
    assert.deepEqual(await codeOf(late), [504, 'ERR_DEADLINE_EXCEEDED'])
  })

  it('calls a method of any name, and one without an argument without a body', async () => {
    const method = (argument: unknown) => ({ argument: argument ?? 'none' })
    a.services.register('names', { impact: method, history: method })
    await waitUntil(() => b.services.find('names').length === 1)
    for (const name of ['impact', 'history'])
      assert.deepEqual((await call(b, 'POST', `/v1/services/names/${name}`, 1)).json, { result: { argument: 1 } })
    assert.equal((await call(b, 'GET', '/v1/services/names/impact')).json.service, 'names')
    assert.deepEqual((await call(b, 'POST', '/v1/services/names/impact')).json, { result: { argument: 'none' } })
    const chunked = { method: 'POST', headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' } }
    assert.equal((await ask(`${b.admin}/v1/services/names/impact`, chunked)).status, 200)
    const { status, headers, json } = await call(b, 'PUT', '/v1/services/names/impact', 1)
    assert.deepEqual([status, headers.allow], [405, 'GET, HEAD, POST'])
    assert.equal(json.message, 'PUT is not for /v1/services/{name}/impact')
  })

  it('says what is wrong with a request', async () => {
    assert.deepEqual(await codeOf(call(a, 'POST', '/v1/services', { name: 'a b' })), [400, 'ERR_BAD_OPTIONS'])
    assert.deepEqual(await codeOf(call(a, 'POST', '/v1/services', { name: 'x', wight: 1 })), [400, 'ERR_BAD_OPTIONS'])
    assert.deepEqual(await codeOf(call(a, 'POST', '/v1/services', [])), [400, 'ERR_BAD_REQUEST'])
    assert.deepEqual(await codeOf(call(a, 'POST', '/v1/services', { name: 5 })), [400, 'ERR_BAD_REQUEST'])
    assert.deepEqual(await codeOf(call(a, 'GET', '/v1/services?version=^^')), [400, 'ERR_BAD_OPTIONS'])
    assert.deepEqual(await codeOf(call(a, 'POST', '/v1/services/sum/of?deadlineMs=0', [])), [400, 'ERR_BAD_REQUEST'])
    const endless = '/v1/services/sum/of?deadlineMs=Infinity'
    assert.deepEqual(await codeOf(call(a, 'POST', endless, [])), [400, 'ERR_BAD_REQUEST'])
  })

  it('tells Prometheus where every member can be scraped', async () => {
    await waitUntil(() => a.services.find({ name: 'admin', namespace: 'trellis' }).length === 2)
    const { text } = await call(a, 'GET', '/v1/sd/prometheus')
    const groups = JSON.parse(text) as { targets: string[]; labels: Record<string, string> }[]
    const targets = groups.flatMap((group) => group.targets.map((target) => `http://${target}`)).sort()
    assert.deepEqual(targets, [a.admin, b.admin].sort())
    assert.deepEqual(groups.map(({ labels }) => labels.__meta_trellis_member).sort(), ['a', 'b'])
  })

  it("lets nobody offer or remove what is the system's own", async () => {
    const own = { name: 'admin', namespace: 'trellis' }
    await waitUntil(() => a.services.find(own).length === 2)
    assert.deepEqual(await codeOf(call(a, 'POST', '/v1/services', own)), [400, 'ERR_BAD_OPTIONS'])
    const mine = a.services.register('mine', {})
    assert.throws(() => mine.update({ namespace: 'trellis' }), { code: 'ERR_BAD_OPTIONS' })
    assert.throws(() => a.services.register('admin', {}, { namespace: 'trellis' }), { code: 'ERR_BAD_OPTIONS' })
    mine.dispose()
    for (const { id } of a.services.find(own))
      assert.deepEqual(await codeOf(call(a, 'DELETE', `/v1/services/${id}`)), [400, 'ERR_BAD_OPTIONS'])
    assert.equal(a.services.find(own).length, 2)
  })

  it("does not let go of what is the system's own for a member that does not know of it", async () => {
    const own = { name: 'admin', namespace: 'trellis' }
    await waitUntil(() => b.services.find(own).length === 2)
    const { id, member } = b.services.find(own).find((instance) => instance.member === 'a')!
    const [owner, number] = id.split('.') as [string, string]
    // What a member of an earlier release sends, or one that takes the number for something of an earlier life.
    const { requests } = (b as unknown as { lifecycle: { requests: Requests } }).lifecycle
    const asked = requests.request(owner, 'trellis.service.remove', Number(number), { timeoutMs: 5_000 })
    await assert.rejects(asked, { code: 'ERR_BAD_OPTIONS' })
    assert.ok(a.services.find(own).some((instance) => instance.member === member))
    const passing = a.services.register('passing', {})
    const other = Number(passing.id.split('.')[1])
    await requests.request(owner, 'trellis.service.remove', other, { timeoutMs: 5_000 })
    assert.deepEqual(a.services.find('passing'), [])
  })

  it('tells Prometheus of nothing that cannot be scraped', async () => {
    const found = [
      { address: '', member: 'old', zone: '' },
      { address: '10.0.0.1:7501', member: 'm', zone: 'z' },
    ]
    const services = { ...fakeNode().services, find: () => found } as unknown as TrellisNode['services']
    const admin = await startAdmin({ ...fakeNode(), services }, { address: '127.0.0.1:0' })
    try {
      const { text } = await ask(`${admin.url}/v1/sd/prometheus`)
      assert.deepEqual(
        JSON.parse(text).map(({ targets }: { targets: string[] }) => targets),
        [['10.0.0.1:7501']],
      )
    } finally {
      await admin.close()
    }
  })

  it('tells who calls whom, over HTTP and by the command', async () => {
    a.services.register('till', { open: () => null })
    await waitUntil(() => b.services.find('till').length === 1)
    assert.equal((await call(b, 'POST', '/v1/services/till/open', null)).status, 200)
    const { edges, missing } = (await call(a, 'GET', '/v1/calls')).json as unknown as CallGraph
    assert.deepEqual(missing, [])
    const edge = edges.find(({ to }) => to === 'till')
    assert.deepEqual([edge?.from, edge?.member, edge?.calls, edge?.errors], ['', 'b', 1, 0])
    const { out } = await runInProcess(['services', '--calls', '--admin', a.admin!])
    assert.match(out, /^FROM +ON +TO +RATE +LATENCY +FAILING +CALLS +ERRORS\n/)
    assert.match(out, /\n- +b +till +\d+\.\d\/s +\S+ ms +0\.0 % +1 +0\n/)
    assert.deepEqual((await call(a, 'GET', '/v1/federation')).json, {
      name: null,
      address: null,
      links: [],
      exports: [],
      imports: [],
    })
  })

  it('is shown by the command, as a table and as JSON', async () => {
    a.services.register('shop', {}, { version: '2.0.0', dependsOn: ['sum'] })
    await waitUntil(() => b.services.find('shop').length === 1)
    const run = (...argv: string[]) => runInProcess(['services', ...argv, '--admin', b.admin!])
    assert.match(
      (await run('shop')).out,
      /^SERVICE +VERSION +MEMBER .*\nshop +2\.0\.0 +a +passing +alive +- +- +\S+\n$/,
    )
    assert.equal(JSON.parse((await run('shop', '--json')).out).instances[0].name, 'shop')
    assert.equal((await run('nothing')).out, 'nobody offers that\n')
    assert.match((await run('--impact', 'sum')).out, /^DEPENDANT +INSTANCES +THROUGH\nshop +1 +directly\n$/)
    assert.match((await run('shop', '--range', '^^')).err, /^trellis: ERR_BAD_OPTIONS: /)
  })
})
