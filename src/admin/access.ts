// Who is calling: by `Authorization: Bearer`, by `X-Consul-Token` as clients of Consul do, or by the cookie that
// `POST /v1/session` hands to the dashboard. Without configured tokens everyone who reaches the port is `admin`;
// options allow that on loopback only.
//
// The cookie is stateless: role, end of validity and an HMAC by that role's token. So it is good on every member with
// the same token (browsers share cookies between ports), dies with the token, and never holds it.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { parse } from 'hono/utils/cookie'
import { ClusterError } from '../errors.ts'
import type { AdminTokens } from '../options.ts'
import type { CallRequest } from './http-call.ts'

/** In rising order: each may all that those before it may. */
export const adminRoles = ['read', 'operate', 'admin'] as const
export type AdminRole = (typeof adminRoles)[number]

export const sessionCookie = 'trellis_session'
/** A day's work: the dashboard asks again tomorrow. */
export const sessionSeconds = 12 * 60 * 60

export interface Access {
  /** Throws `ERR_UNAUTHORIZED` or `ERR_FORBIDDEN` unless the caller has at least the role. */
  require(context: { readonly req: Pick<CallRequest, 'header'> }, role: AdminRole): void
  /** The role of a client, by the token it shows or the cookie of its page; undefined when it has neither. */
  identify(token: string | undefined, cookies: string | undefined): AdminRole | undefined
  /** The cookie's value for whoever holds `token`; undefined when it is nobody's. */
  openSession(token: string): string | undefined
}

export function createAccess(tokens: AdminTokens | undefined, now: () => number = Date.now): Access {
  const roleOfToken = (presented: string): AdminRole | undefined => {
    let found: AdminRole | undefined
    // Every token is compared, so that the time taken says nothing about which came near.
    for (const role of adminRoles) if (tokens?.[role] !== undefined && equal(tokens[role], presented)) found = role
    return found
  }
  const roleOfSession = (cookie: string): AdminRole | undefined => {
    const [role, end, mac] = cookie.split('.') as [AdminRole, string?, string?]
    const token = adminRoles.includes(role) ? tokens?.[role] : undefined
    if (token === undefined || end === undefined || mac === undefined) return undefined
    return equal(sign(token, role, end), mac) && Number(end) > now() / 1_000 ? role : undefined
  }
  const roleOfCookies = (cookies: string | undefined): AdminRole | undefined => {
    const cookie = cookies === undefined ? undefined : parse(cookies, sessionCookie)[sessionCookie]
    return cookie === undefined ? undefined : roleOfSession(cookie)
  }
  const roleOf = (context: Parameters<Access['require']>[0]): AdminRole | undefined => {
    if (tokens === undefined) return 'admin'
    const bearer =
      /^Bearer +(\S+)$/i.exec(context.req.header('authorization') ?? '')?.[1] ?? context.req.header('x-consul-token')
    if (bearer !== undefined) return roleOfToken(bearer)
    return roleOfCookies(context.req.header('cookie'))
  }
  return {
    require(context, needed) {
      const role = roleOf(context)
      if (role === undefined)
        throw new ClusterError('ERR_UNAUTHORIZED', 'this admin asks for a token: Authorization: Bearer …', {})
      if (adminRoles.indexOf(role) < adminRoles.indexOf(needed))
        throw new ClusterError('ERR_FORBIDDEN', `the token has the role ${role}, this needs ${needed}`, {
          role,
          needs: needed,
        })
    },
    identify(token, cookies) {
      if (tokens === undefined) return 'admin'
      if (token !== undefined) return roleOfToken(token)
      return roleOfCookies(cookies)
    },
    openSession(token) {
      const role = roleOfToken(token)
      if (role === undefined) return undefined
      const end = String(Math.floor(now() / 1_000) + sessionSeconds)
      return `${role}.${end}.${sign(tokens![role]!, role, end)}`
    },
  }
}

function sign(token: string, role: string, end: string): string {
  return createHmac('sha256', token).update(`trellis session ${role} ${end}`).digest('base64url')
}

/** Takes the same time for every wrong text of any length. */
function equal(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
