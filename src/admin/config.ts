// `/v1/config`: keys and values that the whole cluster agrees on. Preconditions are HTTP's own: `If-Match` with a
// revision, `If-None-Match: *` for a key that must not exist yet.

import type { ConfigReadOptions, ConfigTransaction } from '../coordination/config-interface.ts'
import { ClusterError } from '../errors.ts'
import type { Answer, Context } from './http-call.ts'
import { fieldsOf, readJson } from './request-body.ts'
import type { Resource } from './resource.ts'
import type { AdminNode } from './server.ts'

type Config = AdminNode['config']

/** A value at its maximum with its escapes, and something around it. */
const maxValueBytes = 2 * 65_536 + 1_024
const maxTransactionBytes = 4 * 65_536
const defaultPage = 1_000
const maxPage = 10_000

export function configResources({ config }: Pick<AdminNode, 'config'>): Resource[] {
  return [
    {
      path: '/v1/config',
      calls: {
        GET: { needs: 'read', handle: (context) => list(config, context) },
        POST: { needs: 'operate', handle: (context) => transact(config, context) },
      },
    },
    {
      path: '/v1/config/:key',
      calls: {
        GET: { needs: 'read', handle: (context) => get(config, context) },
        PUT: { needs: 'operate', handle: (context) => put(config, context) },
        DELETE: { needs: 'operate', handle: (context) => remove(config, context) },
      },
    },
    {
      path: '/v1/config/:key/history',
      calls: { GET: { needs: 'read', handle: (context) => history(config, context) } },
    },
    {
      path: '/v1/config/:key/rollback',
      calls: { POST: { needs: 'operate', handle: (context) => rollback(config, context) } },
    },
  ]
}

async function list(config: Config, context: Context): Promise<Answer> {
  const { req } = context
  const limit = wholeNumber(req.query('limit'), 'limit', defaultPage)
  if (limit < 1 || limit > maxPage) throw badRequest(`limit is 1 to ${maxPage}`)
  const after = req.query('after') ?? ''
  const { entries, ...rest } = await asked(() => config.list(req.query('prefix') ?? '', reading(context)))
  const following = entries.filter(({ key }) => key > after)
  const page = following.slice(0, limit)
  const next = following.length > limit ? { next: page.at(-1)!.key } : {}
  return context.json({ entries: page, ...rest, ...next })
}

async function get(config: Config, context: Context): Promise<Answer> {
  const key = keyOf(context)
  const entry = await asked(() => config.get(key, reading(context)))
  if (!entry) throw new ClusterError('ERR_KEY_NOT_FOUND', `there is no key '${key}'`, { key })
  context.header('etag', `"${entry.revision}"`)
  return context.json(entry)
}

async function put(config: Config, context: Context): Promise<Answer> {
  const key = keyOf(context)
  const revision = precondition(context)
  const { value } = fieldsOf(await readJson(context, maxValueBytes), ['value'])
  if (value === undefined) throw badRequest('the body must be { "value": … }')
  const { signal } = context.req
  const entry = await asked(() =>
    revision === undefined
      ? config.set(key, value, { signal })
      : config.compareAndSet(key, revision, value, { signal }),
  )
  context.header('etag', `"${entry.revision}"`)
  return context.json(entry)
}

async function remove(config: Config, context: Context): Promise<Answer> {
  const key = keyOf(context)
  const revision = precondition(context)
  return context.json(await asked(() => config.delete(key, { revision, signal: context.req.signal })))
}

async function history(config: Config, context: Context): Promise<Answer> {
  const key = keyOf(context)
  const events = await asked(() => config.history(key, reading(context)))
  if (events.length === 0) throw new ClusterError('ERR_KEY_NOT_FOUND', `nothing is known of '${key}'`, { key })
  return context.json({ key, events, ageMs: events.ageMs })
}

async function rollback(config: Config, context: Context): Promise<Answer> {
  const key = keyOf(context)
  const { revision } = fieldsOf(await readJson(context), ['revision'])
  if (!Number.isSafeInteger(revision)) throw badRequest('the body must be { "revision": n }')
  const entry = await asked(() => config.rollback(key, revision as number, { signal: context.req.signal }))
  return context.json(entry ?? { key, value: null, revision: 0, createRevision: 0 })
}

async function transact(config: Config, context: Context): Promise<Answer> {
  const body = fieldsOf(await readJson(context, maxTransactionBytes), ['if', 'do', 'else'])
  const { signal } = context.req
  return context.json(await asked(() => config.transaction(body as unknown as ConfigTransaction, { signal })))
}

function keyOf(context: Context): string {
  return context.req.param('key') ?? ''
}

function reading(context: Context): ConfigReadOptions {
  const consistency = context.req.query('consistency') ?? 'linearizable'
  if (consistency !== 'linearizable' && consistency !== 'stale')
    throw badRequest("consistency is 'linearizable' or 'stale'")
  return { consistency, signal: context.req.signal }
}

/** The revision that the key must have; 0: none. Undefined: whatever it has. */
function precondition({ req }: Context): number | undefined {
  const match = req.header('if-match')
  const noneMatch = req.header('if-none-match')
  if (match !== undefined && noneMatch !== undefined) throw badRequest('If-Match and If-None-Match exclude each other')
  if (noneMatch !== undefined) {
    if (noneMatch.trim() === '*') return 0
    throw badRequest('If-None-Match can only be *')
  }
  if (match === undefined) return undefined
  const digits = /^\s*(?:W\/)?("?)(\d{1,15})\1\s*$/.exec(match)?.[2]
  if (digits === undefined) throw badRequest('If-Match must be a revision, such as 17 or "17"')
  return Number(digits)
}

/** A query parameter. */
export function wholeNumber(text: string | undefined, name: string, otherwise: number): number {
  if (text === undefined) return otherwise
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw badRequest(`${name} must be a whole number`)
}

/** What the API calls bad options is a bad request here. */
export async function asked<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof ClusterError) || error.code !== 'ERR_BAD_OPTIONS') throw error
    throw badRequest(error.message)
  }
}

export function badRequest(problem: string): ClusterError {
  return new ClusterError('ERR_BAD_REQUEST', problem, { problem })
}
