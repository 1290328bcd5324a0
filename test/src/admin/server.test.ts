import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { type AdminServer, startAdmin } from '../../../src/admin/server.ts'
import { ClusterError } from '../../../src/errors.ts'
import type { Logger } from '../../../src/observability/logger.ts'
import { ask, openStream } from './client.ts'
import { type FakeNode, fakeNode, memberView } from './fake-node.ts'

const jsonType = { 'content-type': 'application/json' }
const tokens = { read: 'a-token-that-may-read', operate: 'a-token-that-operates', admin: 'a-token-that-may-all' }
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

describe('the admin without tokens', () => {
  let node: FakeNode
  let admin: AdminServer
  before(async () => {
    node = fakeNode()
    admin = await startAdmin(node, { address: '127.0.0.1:0' })
  })
  after(() => admin.close())

  /** What comes back until the server closes; `more` is sent once something has. */
  const raw = (request: string, more?: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(Number(new URL(admin.url).port), '127.0.0.1')
      let text = ''
      socket.on('data', (chunk) => {
        if (text === '' && more !== undefined) socket.write(more)
        text += chunk.toString()
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve(text))
      socket.write(request)
    })

  it('answers the status of the node as it is', async () => {
    const { status, headers, json } = await ask(`${admin.url}/v1/status`)
    assert.equal(status, 200)
    assert.match(headers['content-type'] ?? '', /^application\/json/)
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['cache-control'], 'no-store')
    assert.deepEqual(json, node.status())
  })

  it('answers the members', async () => {
    node.setMembers([memberView('node-1'), memberView('node-2', { state: 'down', zone: 'z' })])
    const { json } = await ask(`${admin.url}/v1/members`)
    assert.deepEqual(json, { members: node.members() })
  })

  it('answers HEAD with the head of GET', async () => {
    for (const path of ['/v1/status', '/', '/healthz', '/v1/events']) {
      const { status, text } = await ask(admin.url + path, { method: 'HEAD' })
      assert.deepEqual([status, text], [200, ''], path)
    }
  })

  it('is healthy while its loop turns', async () => {
    assert.equal((await ask(`${admin.url}/healthz`)).status, 200)
  })

  it('is ready with a cluster and a leader, and says else why not', async () => {
    const cases = [
      [{}, 200, undefined],
      [{ cluster: { id: null } }, 503, 'not admitted to a cluster yet'],
      [{ consensus: { leader: null } }, 503, 'no leader is known'],
      [{ node: { condition: 'draining' as const } }, 503, 'draining'],
    ] as const
    const whole = node.status()
    for (const [parts, expected, reason] of cases) {
      node.change(parts)
      const { status, json } = await ask(`${admin.url}/readyz`)
      node.change(whole)
      assert.deepEqual([status, json.ready, json.reason], [expected, expected === 200, reason])
    }
  })

  it('answers an unknown path with 404', async () => {
    const { status, json } = await ask(`${admin.url}/v1/nothing`)
    assert.equal(status, 404)
    assert.deepEqual(json, {
      code: 'ERR_NOT_FOUND',
      message: 'there is no /v1/nothing',
      details: { path: '/v1/nothing' },
      retryable: false,
      mayHaveHappened: false,
    })
  })

  it('answers a wrong method with 405 and those that are right', async () => {
    const { status, headers, json } = await ask(`${admin.url}/v1/status`, {
      method: 'PUT',
      headers: jsonType,
      body: '{}',
    })
    assert.deepEqual([status, headers.allow, json.code], [405, 'GET, HEAD', 'ERR_METHOD_NOT_ALLOWED'])
    assert.equal((await ask(`${admin.url}/v1/session`)).headers.allow, 'POST, DELETE')
    assert.equal((await ask(`${admin.url}/v1/status`, { method: 'OPTIONS' })).status, 405)
  })

  it('refuses a write that is not JSON', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', undefined]) {
      const headers = type === undefined ? {} : { 'content-type': type }
      const { status, json } = await ask(`${admin.url}/v1/session`, { method: 'POST', headers, body: '{"token":"x"}' })
      assert.deepEqual([status, json.code], [415, 'ERR_UNSUPPORTED_MEDIA_TYPE'], type)
    }
  })

  it('asks no type of a write without a body', async () => {
    const { status, json } = await ask(`${admin.url}/v1/session`, { method: 'POST' })
    assert.deepEqual([status, json.code], [400, 'ERR_BAD_REQUEST'])
  })

  it('refuses a body that is too large, with and without a length', async () => {
    const body = JSON.stringify({ token: 'x'.repeat(20_000) })
    for (const headers of [
      { ...jsonType, 'content-length': String(body.length) },
      { ...jsonType, 'transfer-encoding': 'chunked' },
    ]) {
      const answer = await ask(`${admin.url}/v1/session`, { method: 'POST', headers, body })
      assert.deepEqual([answer.status, answer.json.code], [413, 'ERR_PAYLOAD_TOO_LARGE'])
    }
  })

  it('answers what Node cannot read, or would refuse by itself, as it answers everything', async () => {
    const cases: readonly (readonly [string, number])[] = [
      ['GET /v1/status HTTP/1.1\r\nconnection: close\r\n\r\n', 400],
      ['garbage\r\n\r\n', 400],
      ['BREW /v1/status HTTP/1.1\r\nhost: localhost\r\n\r\n', 400],
      [`GET /v1/status HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
      ['GET /v1/status HTTP/1.1\r\nhost: localhost\r\nexpect: 200-maybe\r\nconnection: close\r\n\r\n', 417],
    ]
    for (const [request, status] of cases) {
      const answer = await raw(request)
      const [head = '', body = ''] = answer.split('\r\n\r\n')
      assert.match(head, new RegExp(`^HTTP/1.1 ${status} `), request.slice(0, 40))
      assert.match(head, /content-type: application\/json/i)
      const { code, message, details, retryable, mayHaveHappened } = JSON.parse(body)
      assert.deepEqual([code, retryable, mayHaveHappened], ['ERR_BAD_REQUEST', false, false])
      assert.deepEqual(details, { problem: message })
      assert.doesNotMatch(message, /\n/)
    }
  })

  it('says nothing in the middle of an answer that was begun, and closes', async () => {
    const answer = await raw('GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n', 'garbage\r\n\r\n')
    assert.match(answer, /^HTTP\/1.1 200 /)
    assert.doesNotMatch(answer, /HTTP\/1.1 400|ERR_BAD_REQUEST/)
  })

  it('answers a body of megabytes that it refuses, instead of cutting who still sends it', async () => {
    const body = JSON.stringify({ token: 'x'.repeat(10_000_000) })
    for (let n = 0; n < 5; n++) {
      const { status } = await fetch(`${admin.url}/v1/session`, { method: 'POST', headers: jsonType, body })
      assert.equal(status, 413)
    }
  })

  it('refuses a body that is not what the call takes', async () => {
    for (const body of ['', '{', '[]', '{"token":1}', 'null']) {
      const { status, json } = await ask(`${admin.url}/v1/session`, { method: 'POST', headers: jsonType, body })
      assert.deepEqual([status, json.code], [400, 'ERR_BAD_REQUEST'], body)
    }
  })

  it('answers 400 to a Host that is none', async () => {
    const { status, json } = await ask(`${admin.url}/v1/status`, { headers: { host: '127.0.0.1/../x' } })
    assert.ok(status === 400 || status === 403, String(status))
    assert.match(String(json.code), /^ERR_(BAD_REQUEST|FORBIDDEN_ORIGIN)$/)
  })

  it('answers a bug of its own with ERR_INTERNAL and logs it, and shows nothing of it', async () => {
    const logged: string[] = []
    const log = (message: string) => void logged.push(message)
    const logger: Logger = { error: log, warn: log, info: log, debug: log, child: () => logger }
    const broken = { ...fakeNode(), status: () => assert.fail('a secret detail') }
    const other = await startAdmin(broken, { address: '127.0.0.1:0', logger })
    const { status, text } = await ask(`${other.url}/v1/status`)
    await other.close()
    assert.equal(status, 500)
    assert.match(text, /"ERR_INTERNAL"/)
    assert.doesNotMatch(text, /secret detail/)
    assert.deepEqual(logged, ['an admin call failed'])
  })
})

describe('the admin with tokens', () => {
  let admin: AdminServer
  before(async () => {
    admin = await startAdmin(fakeNode(), { address: '127.0.0.1:0', tokens })
  })
  after(() => admin.close())

  it('asks for one', async () => {
    for (const headers of [
      {},
      bearer('wrong'),
      { authorization: `Basic ${tokens.read}` },
      { cookie: 'trellis_session=read.9999999999.x' },
    ]) {
      const answer = await ask(`${admin.url}/v1/status`, { headers })
      assert.deepEqual([answer.status, answer.json.code], [401, 'ERR_UNAUTHORIZED'])
      assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer/)
    }
  })

  it('lets every role read', async () => {
    for (const token of Object.values(tokens))
      assert.equal((await ask(`${admin.url}/v1/members`, { headers: bearer(token) })).status, 200)
  })

  it('keeps health, readiness and the page public', async () => {
    const { text } = await ask(`${admin.url}/`)
    const pageAssets = [...text.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path]) => path!)
    assert.equal(pageAssets.length, 2)
    for (const path of ['/healthz', '/readyz', '/', ...pageAssets])
      assert.equal((await ask(admin.url + path)).status, 200, path)
  })

  it('says 404 and 405 before it asks who is there', async () => {
    assert.equal((await ask(`${admin.url}/nothing`)).status, 404)
    assert.equal((await ask(`${admin.url}/v1/status`, { method: 'DELETE' })).status, 405)
  })

  it('opens a session for a token: strict, out of reach for scripts, without the token in it', async () => {
    const opened = await ask(`${admin.url}/v1/session`, {
      method: 'POST',
      headers: jsonType,
      body: JSON.stringify({ token: tokens.read }),
    })
    assert.equal(opened.status, 204)
    const cookie = opened.headers['set-cookie']?.[0] ?? ''
    assert.match(cookie, /HttpOnly/)
    assert.match(cookie, /SameSite=Strict/)
    assert.ok(!cookie.includes(tokens.read))
    const headers = { cookie: cookie.split(';', 1)[0]! }
    assert.equal((await ask(`${admin.url}/v1/status`, { headers })).status, 200)
    const raised = { cookie: headers.cookie.replace('read.', 'admin.') }
    assert.equal((await ask(`${admin.url}/v1/status`, { headers: raised })).status, 401)
    const forgotten = await ask(`${admin.url}/v1/session`, { method: 'DELETE', headers })
    assert.equal(forgotten.status, 204, forgotten.text)
    assert.match(forgotten.headers['set-cookie']?.[0] ?? '', /trellis_session=;.*Max-Age=0/)
  })

  it('opens no session for anything else', async () => {
    const answer = await ask(`${admin.url}/v1/session`, {
      method: 'POST',
      headers: jsonType,
      body: '{"token":"guess"}',
    })
    assert.equal(answer.status, 401)
    assert.equal(answer.headers['set-cookie'], undefined)
  })
})

describe('startAdmin', () => {
  it('rejects with ERR_ADDRESS_IN_USE when the port is taken', async () => {
    const first = await startAdmin(fakeNode(), { address: '127.0.0.1:0' })
    const address = first.url.slice('http://'.length)
    await assert.rejects(startAdmin(fakeNode(), { address }), (error) => {
      assert.ok(error instanceof ClusterError)
      assert.deepEqual([error.code, error.details], ['ERR_ADDRESS_IN_USE', { address }])
      return true
    })
    await first.close()
    await (await startAdmin(fakeNode(), { address })).close()
  })

  it('rejects with ERR_ADDRESS_UNUSABLE when the address is not of this machine', async () => {
    await assert.rejects(startAdmin(fakeNode(), { address: '192.0.2.1:0' }), { code: 'ERR_ADDRESS_UNUSABLE' })
  })

  it('closes streams and idle connections, twice without harm', async () => {
    const node = fakeNode()
    const admin = await startAdmin(node, { address: '127.0.0.1:0' })
    const stream = await openStream(`${admin.url}/v1/events`)
    const idle = connect(Number(new URL(admin.url).port), '127.0.0.1')
    await new Promise((resolve) => idle.once('connect', resolve))
    const idleClosed = new Promise((resolve) => idle.once('close', resolve))
    idle.resume()
    await Promise.all([admin.close(), admin.close()])
    while ((await stream.next()) !== undefined);
    await idleClosed
    assert.equal(node.listeners, 0)
    await assert.rejects(ask(`${admin.url}/healthz`), { code: 'ECONNREFUSED' })
  })
})
