import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createAccess } from '../../../src/admin/access.ts'
import { adminResources } from '../../../src/admin/api.ts'
import { dashboardResources } from '../../../src/admin/dashboard/dashboard.ts'
import { createEventFeed } from '../../../src/admin/event-feed.ts'
import { errorAnswer } from '../../../src/admin/http-errors.ts'
import { describedPath } from '../../../src/admin/known-query.ts'
import { openapiDocument } from '../../../src/admin/openapi.ts'
import { commonErrors, operations } from '../../../src/admin/openapi-paths.ts'
import { errorDetails } from '../../../src/admin/openapi-schemas.ts'
import { startAdmin } from '../../../src/admin/server.ts'
import { ClusterError, type ErrorCode } from '../../../src/errors.ts'
import { createNode, type TrellisNode } from '../../../src/index.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { type Ask, ask, openStream } from './client.ts'
import { fakeNode } from './fake-node.ts'
import { problems, type Schema } from './openapi-schema.ts'

interface Described {
  readonly security?: readonly unknown[]
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >
  readonly 'x-event-data'?: Readonly<Record<string, Schema>>
}

const document = openapiDocument()
const named = document.components.schemas as Readonly<Record<string, Schema>>
const paths = document.paths as unknown as Readonly<Record<string, Readonly<Record<string, Described>>>>

/** `GET /v1/status`, of whatever has paths and methods. */
const callsOf = (table: Iterable<readonly [string, object]>): string[] =>
  [...table].flatMap(([path, calls]) => Object.keys(calls).map((method) => `${method.toUpperCase()} ${path}`)).sort()

function registered() {
  const node = fakeNode()
  // The page's own files are part of the page, under names that change with what is in them.
  const files = dashboardResources().flatMap(({ path }) => (path === '/' ? [] : [path]))
  return adminResources(node, { feed: createEventFeed(node), access: createAccess(undefined) })
    .filter(({ path }) => !files.includes(path))
    .map(({ path, calls }) => ({ path: describedPath(path), calls }))
}

/** Fails unless the answer is described: its status, its media type, its body. */
function assertDescribed(call: string, answer: Awaited<ReturnType<typeof ask>>, key = call): void {
  const [method, path] = key.split(' ') as [string, string]
  const response = paths[path]?.[method.toLowerCase()]?.responses[answer.status]
  assert.ok(response, `${call} answered ${answer.status}`)
  const type = answer.headers['content-type']?.split(';')[0] ?? ''
  if (response.content === undefined) {
    assert.equal(answer.text, '', call)
    return
  }
  const schema = response.content[type]?.schema
  assert.ok(schema, `${call} answered ${type}`)
  const value: unknown = type === 'application/json' ? JSON.parse(answer.text) : answer.text
  assert.deepEqual(problems(schema, value, named), [], `${call}: ${answer.text.slice(0, 500)}`)
}

describe('the description of the admin API', () => {
  it('describes every route and method that is registered, and no other', () => {
    assert.deepEqual(callsOf(Object.entries(paths)), callsOf(registered().map(({ path, calls }) => [path, calls])))
  })

  it('says of every call whether it asks for a token', () => {
    for (const { path, calls } of registered()) {
      for (const [method, { needs }] of Object.entries(calls))
        assert.equal(
          paths[path]?.[method.toLowerCase()]?.security?.length === 0,
          needs === 'public',
          `${method} ${path}`,
        )
    }
  })

  it('has every error under the status that it is answered with', () => {
    const errors = Object.values(operations).flatMap((calls) => Object.values(calls).map((call) => call.errors ?? {}))
    const seen = new Set<string>()
    for (const [status, codes] of [commonErrors.all, commonErrors.token, ...errors].flatMap(Object.entries)) {
      for (const code of codes as ErrorCode[]) {
        const error = new ClusterError(code, 'x', { allowed: [] } as never)
        assert.equal(errorAnswer(error, silentLogger).status, Number(status), code)
        seen.add(code)
      }
    }
    assert.deepEqual([...seen].sort(), Object.keys(errorDetails).sort())
  })

  it('refers to nothing that is not there, describes nothing that is not used', () => {
    const used = new Set(
      [...JSON.stringify(document).matchAll(/#\/components\/schemas\/([^"]+)/g)].map(([, name]) => name!),
    )
    assert.deepEqual([...used].sort(), Object.keys(named).sort())
  })

  it('names every operation once', () => {
    const ids = [...JSON.stringify(document).matchAll(/"operationId":"(\w+)"/g)].map(([, id]) => id)
    assert.equal(new Set(ids).size, ids.length)
  })
})

describe('a running node', () => {
  let node: TrellisNode
  before(async () => {
    node = await createNode({ name: 'described', listen: '127.0.0.1:0', admin: '127.0.0.1:0' })
    await waitUntil(() => node.status().s5.phase === 'active')
  })
  after(() => node.stop())

  it('serves the document itself', async () => {
    const { status, json } = await ask(`${node.admin}/v1/openapi.json`)
    assert.equal(status, 200)
    assert.equal(json.openapi, '3.1.0')
    assert.deepEqual(json, JSON.parse(JSON.stringify(document)))
  })

  const streams = ['GET /v1/events', 'GET /v1/watch', 'GET /v1/stream']

  it('answers every call as described', async () => {
    for (const call of callsOf(Object.entries(paths)).filter((it) => !streams.includes(it))) {
      const [method, path] = call.split(' ') as [string, string]
      const body =
        method === 'POST' ? { headers: { 'content-type': 'application/json' }, body: '{"token":"none"}' } : {}
      assertDescribed(call, await ask(node.admin + path, { method, ...body }))
    }
  })

  it('streams events as described', async () => {
    const data = paths['/v1/events']?.get?.['x-event-data'] ?? {}
    const stream = await openStream(`${node.admin}/v1/events`)
    const seen: string[] = []
    for (let event = await stream.next(); event; event = await stream.next()) {
      assert.ok(data[event.event], event.event)
      assert.deepEqual(problems(data[event.event]!, event.data, named), [])
      seen.push(event.event)
      if (['status', 'members', 'topology', 'alive'].every((name) => seen.includes(name))) break
    }
    stream.close()
    assert.ok(seen.includes('alive'))
  })

  it('refuses what a query has beside what is described, all at once, but where programs of others ask', async () => {
    for (const [path, calls] of Object.entries(operations)) {
      for (const [method, { tag }] of Object.entries(calls)) {
        const { status, text } = await ask(`${node.admin}${path}?qery=1&other=2`, { method })
        const stray = ['qery', 'other'].filter((name) => text.includes(`unknown query field '${name}'`))
        const isRefused = status === 400 && stray.length === 2
        assert.equal(isRefused, path.startsWith('/v1/') && tag !== 'consul', `${method} ${path}: ${status} ${text}`)
      }
    }
    const { text } = await ask(`${node.admin}/v1/services?nam=billing`)
    assert.match(text, /unknown query field 'nam', did you mean 'name'\?/)
  })

  it('reads the header lines that are described, and where they are', async () => {
    for (const name of ['If-Match', 'If-None-Match', 'Last-Event-ID'])
      for (const [path, calls] of Object.entries(operations))
        for (const [method, { headers = {}, events }] of Object.entries(calls)) {
          // What does not read it would stream without an end.
          if (events && !Object.hasOwn(headers, name)) continue
          const { status, text } = await ask(node.admin + path, { method, headers: { [name]: 'wrong' } })
          assert.equal(
            status === 400 && text.includes(name),
            Object.hasOwn(headers, name),
            `${method} ${path} ${name}: ${text}`,
          )
        }
  })

  it('gives one value as text, as described', async () => {
    await node.ready()
    await node.config.set('described', 'as it is')
    for (const query of ['', '?raw']) {
      const answer = await ask(`${node.admin}/v1/kv/described${query}`)
      assert.equal(answer.status, 200)
      assertDescribed('GET /v1/kv/described', answer, 'GET /v1/kv/{key}')
    }
  })

  it('has described what comes before every call', async () => {
    const headers = { 'x-long': 'x'.repeat(20_000) }
    assertDescribed('GET /v1/status', await ask(`${node.admin}/v1/status`, { headers }))
    const expect = { expect: '200-maybe' }
    assertDescribed('GET /v1/status', await ask(`${node.admin}/v1/status`, { headers: expect }))
  })

  it('refuses as described', async () => {
    const json = { 'content-type': 'application/json' }
    const refused: readonly [string, string, Ask, number][] = [
      ['GET /v1/status', '/v1/status', { headers: { host: 'evil.example' } }, 403],
      ['GET /v1/status', '/v1/status', { method: 'PUT', headers: json, body: '{}' }, 405],
      ['GET /v1/status', '/v1/nothing', {}, 404],
      ['POST /v1/session', '/v1/session', { method: 'POST', headers: json, body: '{' }, 400],
      ['POST /v1/session', '/v1/session', { method: 'POST', body: 'x' }, 415],
      ['POST /v1/session', '/v1/session', { method: 'POST', headers: json, body: 'x'.repeat(20_000) }, 413],
      ['POST /v1/session', '/v1/session', { method: 'POST', headers: json, body: '{"token":"x"}' }, 401],
    ]
    for (const [key, path, asked, status] of refused) {
      const answer = await ask(node.admin + path, asked)
      assert.equal(answer.status, status, `${key} ${path}`)
      assertDescribed(`${key} ${path}`, answer, key)
    }
  })
})

describe('a node that is not well', () => {
  it('refuses as described: not ready, no token, a wrong role, a bug', async () => {
    const sick = fakeNode()
    sick.change({ consensus: { leader: null }, cluster: { id: null } })
    const admin = await startAdmin(sick, { address: '127.0.0.1:0', tokens: { read: 'a-token-that-may-read' } })
    const broken = await startAdmin({ ...fakeNode(), status: () => assert.fail('a bug') }, { address: '127.0.0.1:0' })
    try {
      assertDescribed('GET /readyz', await ask(`${admin.url}/readyz`))
      assertDescribed('GET /v1/status', await ask(`${admin.url}/v1/status`))
      assertDescribed('GET /v1/status', await ask(`${broken.url}/v1/status`))
    } finally {
      await Promise.all([admin.close(), broken.close()])
    }
  })
})

describe('the validator of these tests', () => {
  const schemas = document.components.schemas
  it('sees what is missing, too much, of the wrong type or value, and a keyword that it does not know', () => {
    const status = fakeNode().status()
    assert.deepEqual(problems(schemas.Status!, status, named), [])
    for (const wrong of [
      { ...status, s5: undefined },
      { ...status, more: 1 },
      { ...status, consensus: { ...status.consensus, term: -1 } },
      { ...status, consensus: { ...status.consensus, role: 'king' } },
      { ...status, node: { ...status.node, condition: 'sad' } },
      { ...status, node: { ...status.node, roles: [1] } },
      [],
    ])
      assert.notDeepEqual(
        problems(schemas.Status!, JSON.parse(JSON.stringify(wrong)), named),
        [],
        JSON.stringify(wrong),
      )
    assert.notDeepEqual(problems({ patternProperties: {} }, {}, named), [])
  })
})
