// Requests as sockets bring them, and what is read of them.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { CallRequest, Context, writeAnswer } from '../../../src/admin/http-call.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'

let seen: CallRequest | undefined
let failure: unknown
const handle = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
  seen = undefined
  failure = undefined
  try {
    seen = new CallRequest(incoming, outgoing)
    if (seen.path === '/silent') return
    writeAnswer(incoming, outgoing, new Context(seen, incoming, outgoing).json({ path: seen.path }))
  } catch (error) {
    failure = error
    outgoing.end()
  }
}
const server = createServer(handle)

before(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
after(() => {
  server.close()
  server.closeAllConnections()
})

/** What comes back for these lines, until the server closes. */
function ask(...lines: readonly string[]): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  return new Promise((resolve) => {
    let text = ''
    socket.on('data', (chunk) => (text += chunk.toString()))
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  })
}

const get = (target: string, ...more: readonly string[]): Promise<string> =>
  ask(`GET ${target} HTTP/1.1`, 'host: a.example:80', 'connection: close', ...more)

describe('a request', () => {
  it('has a path, a query and headers, decoded', async () => {
    await get('/v1/a%20b/c%2Fd?x=1%202&y=&x=3&z', 'x-one: 1', 'x-one: 2', 'cookie: a=1')
    assert.equal(seen!.path, '/v1/a b/c%2Fd')
    assert.deepEqual({ ...seen!.query() }, { x: '1 2', y: '', z: '' })
    assert.deepEqual([seen!.query('x'), seen!.query('none'), seen!.queries('x')], ['1 2', undefined, ['1 2', '3']])
    assert.deepEqual(
      [seen!.header('X-One'), seen!.header('none'), seen!.headers.has('cookie')],
      ['1, 2', undefined, true],
    )
    seen!.found({ key: 'c%2Fd' })
    assert.deepEqual([seen!.param('key'), seen!.param('none')], ['c/d', undefined])
  })

  it('goes by an absolute target, and by a path without its dots', async () => {
    await get('http://b.example/v1/x?q=1')
    assert.deepEqual([seen!.path, seen!.query('q'), seen!.header('host')], ['/v1/x', '1', 'a.example:80'])
    await get('/v1/x/../../etc/./y')
    assert.equal(seen!.path, '/etc/y')
    await get('//evil.example/x')
    assert.equal(seen!.path, '//evil.example/x')
  })

  it('that is none is refused', async () => {
    for (const [target, host] of [
      ['*', 'a'],
      ['x', 'a'],
      ['ftp://a/b', 'a'],
      ['/a\\b', 'a'],
      ['/', ''],
      ['/', 'a/b'],
      ['/', 'a@b'],
      ['/', 'a b'],
      ['/', 'a:b:c'],
    ]) {
      await ask(`GET ${target} HTTP/1.1`, `host: ${host}`, 'connection: close')
      assert.equal((failure as { code?: string }).code, 'ERR_BAD_REQUEST', `${target} ${host}`)
    }
  })

  it('whose path is no text is refused', async () => {
    for (const path of ['/v1/config/%FF', '/v1/config/%', '/%zz', '/a%2', '/%C3%28']) {
      await get(path)
      const { code, message } = failure as { code?: string; message?: string }
      assert.deepEqual([code, message], ['ERR_BAD_REQUEST', 'the path is not UTF-8 in percent-encoding'], path)
    }
    for (const path of ['/v1/%C3%A9', '/v1/%25', '/v1/a?x=%C3%A9', '/v1/a?x=%25&y=a+b']) {
      await get(path)
      assert.equal(failure, undefined, path)
    }
  })

  it('whose query is no text is refused', async () => {
    for (const query of ['x=%FF', 'x=%', 'x=1&y=%zz', '%2=1', 'x=a%C3']) {
      await get(`/v1/config?${query}`)
      const { code, message } = failure as { code?: string; message?: string }
      assert.deepEqual([code, message], ['ERR_BAD_REQUEST', 'the query is not UTF-8 in percent-encoding'], query)
    }
  })

  it('shows two Host headers as one that is none', async () => {
    await get('/', 'host: other.example')
    assert.equal(seen?.header('host') ?? 'a.example:80, other.example', 'a.example:80, other.example')
  })

  it('tells when its client leaves before the answer, also who asks late', async () => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    socket.write('GET /silent HTTP/1.1\r\nhost: a\r\n\r\n')
    await waitUntil(() => seen?.path === '/silent')
    const { signal } = seen!
    socket.destroy()
    await waitUntil(() => signal.aborted)
    assert.equal(seen!.signal, signal)
  })
})

describe('an answer', () => {
  it('says how long it is, also to who asks for its head only', async () => {
    assert.match(await get('/a'), /content-length: 13\r\n.*\r\n\r\n\{"path":"\/a"\}$/s)
    assert.match(
      await ask('HEAD /a HTTP/1.1', 'host: a', 'connection: close'),
      /content-type: application\/json\r\ncontent-length: 13\r\n.*\r\n\r\n$/s,
    )
  })

  it('arrives although the body was not read, and a long one is cut', async () => {
    const post = (length: number, body: string): Promise<string> =>
      ask('POST /a HTTP/1.1', 'host: a', `content-length: ${length}`, 'connection: close', '', body)
    assert.match(await post(8, '1234'), /"path":"\/a"/)
    assert.match(await post(10_000_000, 'x'.repeat(200_000)), /"path":"\/a"/)
  })
})

it('what answers does without the client that Node has for requests of its own', () => {
  const program = `await import('./src/admin/api.ts')
    console.log(process.moduleLoadList.filter((name) => /undici|webstreams|http2/.test(name)).join())`
  const cwd = new URL('../../../', import.meta.url)
  const options = { cwd, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } } as const
  const out = execFileSync(process.execPath, ['--input-type=module', '--no-warnings', '--eval', program], options)
  assert.equal(out.trim(), '')
})
