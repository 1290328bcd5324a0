// `/v1/locks`: locks for holders that are no process of this cluster. Nobody renews for them: a grant ends by itself, or is renewed with `PUT`.

import type { Context } from 'hono'
import { asked, badRequest } from './config.ts'
import { readJson } from './request-body.ts'
import type { Resource } from './resource.ts'
import type { AdminNode } from './server.ts'

type Locks = AdminNode['locks']

/** A caller waits for its turn so long at most. */
const maxWaitMs = 600_000

export function lockResources({ locks }: Pick<AdminNode, 'locks'>): Resource[] {
  return [
    {
      path: '/v1/locks',
      calls: { GET: { needs: 'read', handle: (context) => list(locks, context) } },
    },
    {
      path: '/v1/locks/:name',
      calls: {
        POST: { needs: 'operate', handle: (context) => acquire(locks, context) },
        PUT: { needs: 'operate', handle: (context) => renew(locks, context) },
        DELETE: { needs: 'operate', handle: (context) => release(locks, context) },
      },
    },
  ]
}

async function list(locks: Locks, context: Context): Promise<Response> {
  return context.json({ locks: await asked(() => locks.list({ signal: context.req.raw.signal })) })
}

async function acquire(locks: Locks, context: Context): Promise<Response> {
  const name = nameOf(context)
  const { leaseMs, waitMs = 0, owner } = await fieldsOf(context)
  if (typeof leaseMs !== 'number') throw badRequest('leaseMs must be a number of milliseconds')
  if (typeof owner !== 'string') throw badRequest('owner must be a text')
  if (typeof waitMs !== 'number' || waitMs > maxWaitMs) throw badRequest(`waitMs must be 0 to ${maxWaitMs}`)
  const { signal } = context.req.raw
  return context.json(await asked(() => locks.grant(name, { leaseMs, waitMs, owner, signal })))
}

async function renew(locks: Locks, context: Context): Promise<Response> {
  const name = nameOf(context)
  const { signal } = context.req.raw
  return context.json(await asked(() => locks.renew(name, tokenOf(context), { signal })))
}

async function release(locks: Locks, context: Context): Promise<Response> {
  const name = nameOf(context)
  const token = tokenOf(context)
  await asked(() => locks.release(name, token, { signal: context.req.raw.signal }))
  return context.json({ name, token })
}

async function fieldsOf(context: Context): Promise<Record<string, unknown>> {
  const body = await readJson(context)
  if (typeof body === 'object' && body !== null) return body as Record<string, unknown>
  throw badRequest('the body must be { "leaseMs", "waitMs", "owner" }')
}

function nameOf(context: Context): string {
  return context.req.param('name') ?? ''
}

function tokenOf({ req }: Context): number {
  const token = req.query('token') ?? ''
  if (/^\d{1,15}$/.test(token)) return Number(token)
  throw badRequest('token must be in the query: the one that the lock was granted with')
}
