// `/v1/locks`: locks for holders that are no process of this cluster. Nobody renews for them: a grant ends by itself,
// or is renewed with `PUT`.

import { asked, badRequest } from './config.ts'
import type { Answer, Context } from './http-call.ts'
import { fieldsOf, readJson } from './request-body.ts'
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

async function list(locks: Locks, context: Context): Promise<Answer> {
  return context.json({ locks: await asked(() => locks.list({ signal: context.req.signal })) })
}

async function acquire(locks: Locks, context: Context): Promise<Answer> {
  const name = nameOf(context)
  const { leaseMs, waitMs = 0, owner } = fieldsOf(await readJson(context), ['leaseMs', 'waitMs', 'owner'])
  const isWait = typeof waitMs === 'number' && waitMs >= 0 && waitMs <= maxWaitMs
  if (typeof leaseMs === 'number' && isWait && typeof owner === 'string') {
    const { signal } = context.req
    return context.json(await asked(() => locks.grant(name, { leaseMs, waitMs, owner, signal })))
  }
  const problems: string[] = []
  if (typeof leaseMs !== 'number') problems.push('leaseMs must be a number of milliseconds')
  if (!isWait) problems.push(`waitMs must be 0 to ${maxWaitMs}`)
  if (typeof owner !== 'string') problems.push('owner must be a text')
  throw badRequest(problems.join('; '))
}

async function renew(locks: Locks, context: Context): Promise<Answer> {
  const name = nameOf(context)
  const { signal } = context.req
  return context.json(await asked(() => locks.renew(name, tokenOf(context), { signal })))
}

async function release(locks: Locks, context: Context): Promise<Answer> {
  const name = nameOf(context)
  const token = tokenOf(context)
  await asked(() => locks.release(name, token, { signal: context.req.signal }))
  return context.json({ name, token })
}

function nameOf(context: Context): string {
  return context.req.param('name') ?? ''
}

function tokenOf({ req }: Context): number {
  const token = req.query('token') ?? ''
  if (/^\d{1,15}$/.test(token)) return Number(token)
  throw badRequest('token must be in the query: the one that the lock was granted with')
}
