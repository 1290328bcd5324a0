import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AdminRole, adminRoles, createAccess, sessionSeconds } from '../../../src/admin/access.ts'
import { ClusterError } from '../../../src/errors.ts'

const tokens = { read: 'the-token-to-read', operate: 'the-token-to-operate', admin: 'the-token-of-the-admin' }

/** What `access` says to a request with these headers: `ok` or the code of the refusal. */
function verdict(access: ReturnType<typeof createAccess>, headers: Record<string, string>, role: AdminRole): string {
  try {
    access.require({ req: { header: (name) => headers[name] } }, role)
    return 'ok'
  } catch (error) {
    return error instanceof ClusterError ? error.code : String(error)
  }
}

describe('access', () => {
  it('lets a role do what the roles before it may, and no more', () => {
    const access = createAccess(tokens)
    for (const [have, token] of Object.entries(tokens))
      for (const needed of adminRoles) {
        const enough = adminRoles.indexOf(have as AdminRole) >= adminRoles.indexOf(needed)
        const expected = enough ? 'ok' : 'ERR_FORBIDDEN'
        assert.equal(verdict(access, { authorization: `Bearer ${token}` }, needed), expected, `${have} ${needed}`)
      }
  })

  it('lets everyone do everything without tokens', () => {
    assert.equal(verdict(createAccess(undefined), {}, 'admin'), 'ok')
  })

  it('lets nobody in when only other roles have a token', () => {
    const access = createAccess({ admin: tokens.admin })
    assert.equal(verdict(access, { authorization: 'Bearer undefined' }, 'read'), 'ERR_UNAUTHORIZED')
  })

  it('ends a session at its time, and with its token', () => {
    let now = 1_000_000
    const access = createAccess(tokens, () => now)
    const cookie = `trellis_session=${access.openSession(tokens.operate)}`
    assert.equal(verdict(access, { cookie }, 'operate'), 'ok')
    assert.equal(verdict(access, { cookie }, 'admin'), 'ERR_FORBIDDEN')
    const elsewhere = createAccess({ ...tokens, operate: 'a-new-token-to-operate' }, () => now)
    assert.equal(verdict(elsewhere, { cookie }, 'read'), 'ERR_UNAUTHORIZED')
    now += sessionSeconds * 1_000
    assert.equal(verdict(access, { cookie }, 'read'), 'ERR_UNAUTHORIZED')
  })

  it('accepts no session that it did not sign', () => {
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
      assert.equal(verdict(access, { cookie: `trellis_session=${forged}` }, 'read'), 'ERR_UNAUTHORIZED', forged)
  })

  it('prefers what the header says to what the cookie says', () => {
    const access = createAccess(tokens)
    const headers = { cookie: `trellis_session=${access.openSession(tokens.admin)}`, authorization: 'Bearer wrong' }
    assert.equal(verdict(access, headers, 'read'), 'ERR_UNAUTHORIZED')
  })
})
