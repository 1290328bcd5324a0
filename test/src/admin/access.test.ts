import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Context, Hono } from 'hono'
import { type AdminRole, adminRoles, createAccess, sessionSeconds } from '../../../src/admin/access.ts'
import { ClusterError } from '../../../src/errors.ts'

const tokens = { read: 'the-token-to-read', operate: 'the-token-to-operate', admin: 'the-token-of-the-admin' }

/** What `access` says to a request with these headers: `ok` or the code of the refusal. */
async function verdict(access: ReturnType<typeof createAccess>, headers: Record<string, string>, role: AdminRole) {
  const app = new Hono()
  app.onError((error, context) => context.text(error instanceof ClusterError ? error.code : String(error)))
  app.get('/', (context: Context) => {
    access.require(context, role)
    return context.text('ok')
  })
  return (await app.request('/', { headers })).text()
}

describe('access', () => {
  it('lets a role do what the roles before it may, and no more', async () => {
    const access = createAccess(tokens)
    for (const [have, token] of Object.entries(tokens))
      for (const needed of adminRoles) {
        const enough = adminRoles.indexOf(have as AdminRole) >= adminRoles.indexOf(needed)
        const expected = enough ? 'ok' : 'ERR_FORBIDDEN'
        assert.equal(await verdict(access, { authorization: `Bearer ${token}` }, needed), expected, `${have} ${needed}`)
      }
  })

  it('lets everyone do everything without tokens', async () => {
    assert.equal(await verdict(createAccess(undefined), {}, 'admin'), 'ok')
  })

  it('lets nobody in when only other roles have a token', async () => {
    const access = createAccess({ admin: tokens.admin })
    assert.equal(await verdict(access, { authorization: 'Bearer undefined' }, 'read'), 'ERR_UNAUTHORIZED')
  })

  it('ends a session at its time, and with its token', async () => {
    let now = 1_000_000
    const access = createAccess(tokens, () => now)
    const cookie = `trellis_session=${access.openSession(tokens.operate)}`
    assert.equal(await verdict(access, { cookie }, 'operate'), 'ok')
    assert.equal(await verdict(access, { cookie }, 'admin'), 'ERR_FORBIDDEN')
    const elsewhere = createAccess({ ...tokens, operate: 'a-new-token-to-operate' }, () => now)
    assert.equal(await verdict(elsewhere, { cookie }, 'read'), 'ERR_UNAUTHORIZED')
    now += sessionSeconds * 1_000
    assert.equal(await verdict(access, { cookie }, 'read'), 'ERR_UNAUTHORIZED')
  })

  it('accepts no session that it did not sign', async () => {
    const access = createAccess(tokens, () => 0)
    const [role, end, mac] = access.openSession(tokens.read)!.split('.')
    for (const forged of [
      `admin.${end}.${mac}`,
      `${role}.${Number(end) + 1}.${mac}`,
      `${role}.${end}.`,
      `${role}`,
      '..',
      '',
    ])
      assert.equal(await verdict(access, { cookie: `trellis_session=${forged}` }, 'read'), 'ERR_UNAUTHORIZED', forged)
  })

  it('prefers what the header says to what the cookie says', async () => {
    const access = createAccess(tokens)
    const headers = { cookie: `trellis_session=${access.openSession(tokens.admin)}`, authorization: 'Bearer wrong' }
    assert.equal(await verdict(access, headers, 'read'), 'ERR_UNAUTHORIZED')
  })
})
