// `POST /v1/session {token}`: how the dashboard, which cannot set a header on its event stream, becomes known. The
// answer is a cookie that scripts cannot read and other sites cannot send. `DELETE` forgets it.

import { serialize } from 'hono/utils/cookie'
import { ClusterError } from '../errors.ts'
import { type Access, sessionCookie, sessionSeconds } from './access.ts'
import type { Answer, Context } from './http-call.ts'
import { readJson } from './request-body.ts'
import type { Resource } from './resource.ts'

export function sessionResources(access: Pick<Access, 'openSession'>): Resource[] {
  const open = async (context: Context): Promise<Answer> => {
    const session = access.openSession(await tokenOf(context))
    if (session === undefined) throw new ClusterError('ERR_UNAUTHORIZED', 'the token is not known here', {})
    const bounds = { httpOnly: true, sameSite: 'Strict', path: '/', maxAge: sessionSeconds } as const
    context.header('set-cookie', serialize(sessionCookie, session, bounds))
    return context.body(null, 204)
  }
  const close = (context: Context): Answer => {
    context.header('set-cookie', serialize(sessionCookie, '', { path: '/', maxAge: 0 }))
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
