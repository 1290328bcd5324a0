// What the admin answers, and to whom: the resources behind the checks that all calls pass. It is loaded with the first request: with it come Hono and Node's `fetch`, which are
// a tenth of the work of a start.

import type { RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { ClusterError } from '../errors.ts'
import type { Measures } from '../observability/families.ts'
import type { Logger } from '../observability/logger.ts'
import type { Access } from './access.ts'
import { backupResources } from './backup.ts'
import { channelResources } from './channels.ts'
import { clientResources } from './clients/clients.ts'
import { configResources } from './config.ts'
import { consulKeyResources } from './consul-kv.ts'
import { consulResources } from './consul-services.ts'
import { dashboardResources } from './dashboard/dashboard.ts'
import type { EventFeed } from './event-feed.ts'
import { eventResources } from './events.ts'
import { faultResources } from './faults.ts'
import { healthResources } from './health.ts'
import { errorResponse } from './http-errors.ts'
import { knownQuery } from './known-query.ts'
import { leaderResources } from './leader.ts'
import { lockResources } from './locks.ts'
import { memberResources } from './members.ts'
import { mergeResources } from './merge.ts'
import { messageResources } from './messages.ts'
import { metricsResources } from './metrics.ts'
import { openapiResources } from './openapi.ts'
import type { OriginGuard } from './origin.ts'
import type { Call, Method, Resource } from './resource.ts'
import type { AdminNode } from './server.ts'
import { serviceResources } from './services.ts'
import { sessionResources } from './session.ts'
import { statusResources } from './status.ts'
import { streamResources } from './stream.ts'
import { topologyResources } from './topology.ts'
import { watchResources } from './watch.ts'
import { whyResources } from './why.ts'

/** Everything that the admin answers. `openapi-paths.ts` describes it; a test holds one to the other. */
export function adminResources(
  node: AdminNode,
  { feed, access, measures }: { feed: EventFeed; access: Access; measures?: Measures | undefined },
): Resource[] {
  return [
    ...statusResources(node),
    ...memberResources(node),
    ...topologyResources(node),
    ...faultResources(node),
    ...whyResources(node),
    ...healthResources(node),
    ...metricsResources(node, measures),
    ...eventResources(feed),
    ...configResources(node),
    ...serviceResources(node),
    ...consulResources(node),
    ...consulKeyResources(node),
    ...watchResources(node),
    ...lockResources(node),
    ...backupResources(node),
    ...leaderResources(node),
    ...mergeResources(node),
    ...messageResources(node),
    ...streamResources(node),
    ...channelResources(node),
    ...clientResources(),
    ...sessionResources(access),
    ...openapiResources(),
    ...dashboardResources(),
  ]
}

interface Rules {
  readonly guard: OriginGuard
  readonly access: Access
  readonly logger: Logger
}

export interface AdminListenerOptions extends Rules {
  readonly feed: EventFeed
  readonly measures: Measures | undefined
}

/** Answers the requests to `node`'s admin. */
export function adminListener(node: AdminNode, options: AdminListenerOptions): RequestListener {
  const { logger } = options
  return getRequestListener(createApp(adminResources(node, options), options).fetch, {
    overrideGlobalObjects: false,
    // Only requests that are no requests come here: everything else is answered by `onError`.
    errorHandler: () => {
      const problem = 'the request line or the Host header is malformed'
      return withCommonHeaders(errorResponse(new ClusterError('ERR_BAD_REQUEST', problem, { problem }), logger))
    },
  })
}

/** In this order: foreign host or origin 403, path 404, method 405, token 401, role 403, media type 415, query 400. */
function createApp(resources: readonly Resource[], { guard, access, logger }: Rules): Hono {
  const app = new Hono()
  app.use(async (context, next) => {
    guard(context.req.raw)
    await next()
    withCommonHeaders(context.res)
  })
  for (const { path, calls } of resources) {
    for (const [method, call] of Object.entries(calls) as [Method, Call][]) {
      app.on(method, path, admit(call, access), knownQuery(path, method), (context) => call.handle(context))
    }
    const allowed = Object.keys(calls).flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    app.all(path, ({ req: { method } }) => {
      throw new ClusterError('ERR_METHOD_NOT_ALLOWED', `${method} is not for ${path}`, { method, allowed })
    })
  }
  app.notFound(({ req: { path } }) => {
    throw new ClusterError('ERR_NOT_FOUND', `there is no ${path.slice(0, 100)}`, { path: path.slice(0, 100) })
  })
  app.onError((error) => withCommonHeaders(errorResponse(error, logger)))
  return app
}

function admit(call: Call, access: Access) {
  return async (context: Context, next: () => Promise<void>): Promise<void> => {
    if (call.needs !== 'public') access.require(context, call.needs)
    requireJson(context.req.raw)
    await next()
  }
}

/** A form of a foreign page can send anything but this type. A call without a body has none to declare; the `Origin` keeps such pages out, too. */
function requireJson({ method, headers }: Request): void {
  if (method === 'GET' || method === 'HEAD') return
  const hasBody = headers.has('transfer-encoding') || (headers.get('content-length') ?? '0') !== '0'
  if (!hasBody) return
  const contentType = headers.get('content-type') ?? ''
  if (/^application\/json\s*(;|$)/i.test(contentType)) return
  throw new ClusterError('ERR_UNSUPPORTED_MEDIA_TYPE', 'the body must be application/json', {
    contentType: contentType.slice(0, 100),
  })
}

function withCommonHeaders(response: Response): Response {
  const { headers } = response
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store')
  headers.set('x-content-type-options', 'nosniff')
  headers.set('referrer-policy', 'no-referrer')
  return response
}
