// `POST /v1/session {token}`: how the dashboard, which cannot set a header on its event stream, becomes known. The answer
// is a cookie that scripts cannot read and other sites cannot send. `DELETE` forgets it.

import type { Context } from 'hono'
import { deleteCookie, setCookie } from 'hono/cookie'
import { ClusterError } from '../errors.ts'
import { type Access, sessionCookie, sessionSeconds } from './access.ts'
import { readJson } from './request-body.ts'
import type { Resource } from './resource.ts'

export function sessionResources(access: Pick<Access, 'openSession'>): Resource[] {
  const open = async (context: Context): Promise<Response> => {
    const session = access.openSession(await tokenOf(context))
    if (session === undefined) throw new ClusterError('ERR_UNAUTHORIZED', 'the token is not known here', {})
    setCookie(context, sessionCookie, session, {
      httpOnly: true,
      sameSite: 'Strict',
      path: '/',
      maxAge: sessionSeconds,
    })
    return context.body(null, 204)
  }
  const close = (context: Context): Response => {
    deleteCookie(context, sessionCookie, { path: '/' })
    return context.body(null, 204)
  }
  return [
    {
      path: '/v1/session',
      calls: { POST: { needs: 'public', handle: open }, DELETE: { needs: 'public', handle: close } },
    },
  ]
}

async function tokenOf(context: Context): Promise<string> {
  const body = await readJson(context)
  const token: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'token') : undefined
  if (typeof token === 'string') return token
  throw new ClusterError('ERR_BAD_REQUEST', 'the body must be {"token": "…"}', { problem: 'no token' })
}
