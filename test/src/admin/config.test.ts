import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createNode, type TrellisNode } from '../../../src/index.ts'
import { type Ask, ask, openStream } from './client.ts'

describe('/v1/config', () => {
  let node: TrellisNode
  before(async () => {
    node = await createNode({ listen: '127.0.0.1:0', admin: '127.0.0.1:0' })
    await node.ready()
  })
  after(() => node.stop())

  const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const options: Ask = { method, headers: { 'content-type': 'application/json', ...headers } }
    return ask(`${node.admin}${path}`, body === undefined ? options : { ...options, body: JSON.stringify(body) })
  }
  const codeOf = async (asked: ReturnType<typeof call>): Promise<[number, unknown]> => {
    const { status, json } = await asked
    return [status, json.code]
  }

  it('sets, gets and deletes a key', async () => {
    const put = await call('PUT', '/v1/config/limits.rate', { value: { max: 100 } })
    assert.equal(put.status, 200)
    const { revision } = put.json as { revision: number }
    assert.deepEqual(put.json, { key: 'limits.rate', value: { max: 100 }, revision, createRevision: revision })
    const got = await call('GET', '/v1/config/limits.rate')
    assert.deepEqual([got.status, got.json, got.headers.etag], [200, put.json, `"${revision}"`])
    assert.equal((await call('DELETE', '/v1/config/limits.rate')).status, 200)
    assert.deepEqual(await codeOf(call('GET', '/v1/config/limits.rate')), [404, 'ERR_KEY_NOT_FOUND'])
    assert.deepEqual(await codeOf(call('DELETE', '/v1/config/limits.rate')), [404, 'ERR_KEY_NOT_FOUND'])
  })

  it('takes a key with slashes, spaces and signs in its path, and null as a value', async () => {
    const key = 'a/b c?#%ü'
    await call('PUT', `/v1/config/${encodeURIComponent(key)}`, { value: null })
    const { json } = await call('GET', `/v1/config/${encodeURIComponent(key)}`)
    assert.deepEqual([json.key, json.value], [key, null])
  })

  it('keeps the preconditions of HTTP', async () => {
    const made = await call('PUT', '/v1/config/pre', { value: 1 }, { 'if-none-match': '*' })
    assert.equal(made.status, 200)
    const { revision } = made.json as { revision: number }
    const refused = await call('PUT', '/v1/config/pre', { value: 2 }, { 'if-none-match': '*' })
    assert.deepEqual(
      [refused.status, refused.json.code, refused.json.details],
      [412, 'ERR_REVISION_MISMATCH', { key: 'pre', revision }],
    )
    assert.equal((await call('PUT', '/v1/config/pre', { value: 2 }, { 'if-match': `${revision - 1}` })).status, 412)
    const bare = await call('PUT', '/v1/config/pre', { value: 2 }, { 'if-match': `${revision}` })
    assert.equal(bare.status, 200)
    const quoted = await call('PUT', '/v1/config/pre', { value: 3 }, { 'if-match': `"${bare.json.revision}"` })
    assert.equal(quoted.status, 200)
    assert.equal((await call('DELETE', '/v1/config/pre', undefined, { 'if-match': `${revision}` })).status, 412)
    assert.equal(
      (await call('DELETE', '/v1/config/pre', undefined, { 'if-match': `${quoted.json.revision}` })).status,
      200,
    )
    assert.equal((await call('PUT', '/v1/config/pre', { value: 2 }, { 'if-match': 'abc' })).status, 400)
  })

  it('lists by prefix, page by page', async () => {
    for (const name of ['a', 'b', 'c']) await call('PUT', `/v1/config/list.${name}`, { value: name })
    const keys = (json: { entries?: unknown }) => (json.entries as { key: string }[]).map(({ key }) => key)
    const all = await call('GET', '/v1/config?prefix=list.')
    assert.deepEqual(keys(all.json), ['list.a', 'list.b', 'list.c'])
    const page = await call('GET', '/v1/config?prefix=list.&limit=2')
    assert.deepEqual([keys(page.json), page.json.next], [['list.a', 'list.b'], 'list.b'])
    assert.deepEqual(keys((await call('GET', '/v1/config?prefix=list.&limit=2&after=list.b')).json), ['list.c'])
  })

  it('answers stale reads with their age', async () => {
    await call('PUT', '/v1/config/old', { value: 1 })
    const { status, json } = await call('GET', '/v1/config/old?consistency=stale')
    assert.deepEqual([status, json.value, Number.isInteger(json.ageMs)], [200, 1, true])
  })

  it('tells the history and rolls back', async () => {
    const first = await call('PUT', '/v1/config/back', { value: 1 })
    await call('PUT', '/v1/config/back', { value: 2 })
    const { json } = await call('GET', '/v1/config/back/history')
    assert.deepEqual(
      (json.events as { value: number }[]).map(({ value }) => value),
      [1, 2],
    )
    assert.equal(json.ageMs, undefined)
    const stale = (await call('GET', '/v1/config/back/history?consistency=stale')).json
    assert.deepEqual([stale.events, Number.isInteger(stale.ageMs)], [json.events, true])
    assert.equal((await call('POST', '/v1/config/back/rollback', { revision: first.json.revision })).json.value, 1)
  })

  it('does several things at once, or none', async () => {
    const transaction = { if: [{ key: 'once', exists: false }], do: [{ set: 'once', value: 1 }], else: [] }
    assert.equal((await call('POST', '/v1/config', transaction)).json.succeeded, true)
    assert.equal((await call('POST', '/v1/config', transaction)).json.succeeded, false)
    for (const check of [{ key: 'once', value: 1 }, { key: 'once' }, { key: 'once', exists: 'no' }, null]) {
      const refused = await call('POST', '/v1/config', { if: [check], do: [{ set: 'never', value: 1 }] })
      assert.deepEqual([refused.status, refused.json.code], [400, 'ERR_BAD_REQUEST'], JSON.stringify(check))
    }
  })

  it('refuses what it cannot take', async () => {
    for (const body of [{}, [], null, { value: 1, ttl: 2 }])
      assert.deepEqual(await codeOf(call('PUT', '/v1/config/x', body)), [400, 'ERR_BAD_REQUEST'])
    assert.deepEqual(await codeOf(call('POST', '/v1/config', { do: [], unless: [] })), [400, 'ERR_BAD_REQUEST'])
    assert.deepEqual(await codeOf(call('PUT', '/v1/config/x', { value: 'x'.repeat(70_000) })), [
      413,
      'ERR_PAYLOAD_TOO_LARGE',
    ])
    assert.deepEqual(await codeOf(call('PUT', `/v1/config/${'x'.repeat(600)}`, { value: 1 })), [
      413,
      'ERR_PAYLOAD_TOO_LARGE',
    ])
    assert.deepEqual(await codeOf(call('GET', '/v1/config/x?consistency=fresh')), [400, 'ERR_BAD_REQUEST'])
    assert.deepEqual(await codeOf(call('POST', '/v1/config', { do: [{ jump: 'x' }] })), [400, 'ERR_BAD_REQUEST'])
  })

  it('streams changes as they come, and again from a revision, each once', async () => {
    const live = await openStream(`${node.admin}/v1/watch?prefix=live.`)
    const { json } = await call('PUT', '/v1/config/live.a', { value: 1 })
    await call('PUT', '/v1/config/other', { value: 1 })
    await call('DELETE', '/v1/config/live.a')
    const set = await live.next()
    assert.deepEqual(set?.data, { type: 'set', ...json })
    const removed = await live.next()
    assert.equal(removed?.data.type, 'delete')
    live.close()
    const again = await openStream(`${node.admin}/v1/watch?prefix=live.&from=${json.revision}`)
    assert.deepEqual([await again.next(), await again.next()], [set, removed])
    again.close()
    const resumed = await openStream(`${node.admin}/v1/watch?prefix=live.`, { 'last-event-id': String(json.revision) })
    assert.deepEqual(await resumed.next(), removed)
    resumed.close()
  })
})
