import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { askAdmin } from '../../../src/cli/admin-client.ts'
import { answering, losing } from './odd-servers.ts'
import { runInProcess } from './run-in-process.ts'

describe('a command without an answer', () => {
  const writes = [
    ['config', 'set', 'k', '1'],
    ['config', 'delete', 'k'],
    ['locks', 'acquire', 'l', '--owner', 'me'],
    ['leader', 'transfer'],
    ['merge', '127.0.0.1:7400'],
  ]
  for (const argv of writes)
    it(`may have done what it was to do: ${argv.join(' ')}`, async () => {
      using server = await losing()
      const { code, err } = await runInProcess([...argv, '--json', '--admin', server.url])
      assert.equal(code, 3)
      assert.deepEqual([JSON.parse(err).code, JSON.parse(err).mayHaveHappened], ['ERR_UNREACHABLE', true])
    })

  it('says so for people, too', async () => {
    using server = await losing()
    const { err } = await runInProcess(['config', 'set', 'k', '1', '--admin', server.url])
    assert.match(err, /^trellis: ERR_UNREACHABLE: [^\n]* cannot be reached \([^\n]*\); it may have happened\n$/)
  })

  it('has done nothing where it only asks', async () => {
    using server = await losing()
    const { err } = await runInProcess(['config', 'get', 'k', '--json', '--admin', server.url])
    assert.equal(JSON.parse(err).mayHaveHappened, false)
  })

  it('has done nothing where nobody is there to be told', async () => {
    for (const url of ['http://127.0.0.1:1', 'http://nowhere.invalid:7501']) {
      const { err } = await runInProcess(['config', 'set', 'k', '1', '--json', '--admin', url])
      assert.equal(JSON.parse(err).mayHaveHappened, false)
    }
  })

  it('may have done it where the answer comes too late, is none, or the call is ended', async () => {
    const put = { method: 'PUT', body: { value: 1 } } as const
    using silent = await answering(() => {})
    const late = askAdmin('/v1/config/k', { url: silent.url, timeoutMs: 200 }, put)
    await assert.rejects(late, { code: 'ERR_UNREACHABLE', mayHaveHappened: true })
    const ended = askAdmin('/v1/config/k', { url: silent.url, signal: AbortSignal.timeout(200) }, put)
    await assert.rejects(ended, { code: 'ERR_ABORTED', mayHaveHappened: true })
    using gateway = await answering((_, response) => response.writeHead(504).end('<html>'))
    const other = askAdmin('/v1/config/k', { url: gateway.url }, put)
    await assert.rejects(other, { code: 'ERR_UNREACHABLE', mayHaveHappened: true })
  })
})
