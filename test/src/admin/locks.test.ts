import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createNode, type TrellisNode } from '../../../src/index.ts'
import { runInProcess } from '../cli/run-in-process.ts'
import { ask } from './client.ts'

describe('/v1/locks', () => {
  let node: TrellisNode
  before(async () => {
    node = await createNode({ listen: '127.0.0.1:0', admin: '127.0.0.1:0' })
    await node.ready()
  })
  after(() => node.stop())

  const call = (method: string, path: string, body?: unknown) => {
    const headers = { 'content-type': 'application/json' }
    return ask(`${node.admin}/v1/locks${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  }
  const trellis = (...argv: string[]) => runInProcess(['locks', ...argv, '--admin', node.admin!])

  it('grants a lock to one owner, refuses the next one with 409, and gives it back by its token', async () => {
    const granted = await call('POST', '/ledger', { leaseMs: 10_000, owner: 'a' })
    assert.equal(granted.status, 200)
    const { token, expiresInMs } = granted.json as { token: number; expiresInMs: number }
    assert.ok(token > 0 && expiresInMs > 0 && expiresInMs <= 10_000)
    for (const owner of ['a', 'b']) {
      const refused = await call('POST', '/ledger', { leaseMs: 10_000, owner, waitMs: 10 })
      assert.deepEqual([refused.status, refused.json.code], [409, 'ERR_LOCK_HELD'])
    }
    assert.equal((await call('PUT', `/ledger?token=${token}`, {})).status, 200)
    assert.deepEqual((await call('GET', '')).json, {
      locks: [
        { kind: 'lock', name: 'ledger', limit: 1, holders: [{ owner: 'a', token, leaseMs: 10_000 }], waiting: [] },
      ],
    })
    const waiting = call('POST', '/ledger', { leaseMs: 10_000, owner: 'b', waitMs: 10_000 })
    assert.equal((await call('DELETE', `/ledger?token=${token}`)).status, 200)
    const next = (await waiting).json as { token: number }
    assert.ok(next.token > token)
    const stale = await call('DELETE', `/ledger?token=${token}`)
    assert.deepEqual(
      [stale.status, stale.json.code, stale.json.details],
      [409, 'ERR_STALE_TOKEN', { token, current: next.token }],
    )
    await call('DELETE', `/ledger?token=${next.token}`)
  })

  it('refuses what it cannot take', async () => {
    for (const body of [
      { owner: 'a' },
      { leaseMs: 1_000 },
      { leaseMs: 1, owner: 'a' },
      { leaseMs: 1_000, owner: 'a', waitMs: -1 },
      { leaseMs: 1_000, owner: 'a', wait: 1 },
      [],
    ])
      assert.deepEqual((await call('POST', '/x', body)).status, 400)
    const { details } = (await call('POST', '/x', { waitMs: 'long', owner: 5 })).json as {
      details: { problem: string }
    }
    for (const name of ['leaseMs', 'waitMs', 'owner']) assert.ok(details.problem.includes(name), details.problem)
    assert.equal((await call('DELETE', '/x')).status, 400)
    assert.equal((await call('DELETE', '/x?token=7')).status, 409)
  })

  it('serves trellis locks', async () => {
    const acquired = await trellis('acquire', 'backup', '--owner', 'host')
    assert.equal(acquired.code, 0)
    const token = acquired.out.trim()
    assert.match(
      (await trellis()).out,
      new RegExp(`^KIND +NAME +OWNER +TOKEN +LEASE\\nlock +backup +host +${token} +30000 ms\\n$`),
    )
    assert.equal(JSON.parse((await trellis('--json')).out).locks.length, 1)
    const refused = await trellis('acquire', 'backup', '--owner', 'other', '--json')
    assert.deepEqual([refused.code, JSON.parse(refused.err).code], [1, 'ERR_LOCK_HELD'])
    assert.match((await trellis('renew', 'backup', token)).out, /^held for another \d+ ms\n$/)
    assert.equal((await trellis('release', 'backup', token)).out, 'backup is free\n')
    assert.equal((await trellis('release', 'backup', token)).code, 1)
    assert.equal((await trellis('acquire', 'backup')).code, 2)
    const misspelt = await trellis('release', 'backup', 'one')
    assert.deepEqual([misspelt.code, misspelt.err.includes("argument 'token'")], [2, true])
  })
})
