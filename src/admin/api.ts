// What the admin answers, and to whom: the resources behind the checks that all calls pass. It is loaded with the first
// request, for many nodes are never asked.

import type { RequestListener } from 'node:http'
import { TrieRouter } from 'hono/router/trie-router'
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
import { type Answer, alreadySent, CallRequest, Context, writeAnswer } from './http-call.ts'
import { errorAnswer } from './http-errors.ts'
import { describedPath, knownQuery } from './known-query.ts'
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
  { feed, access, measures, isStopping }: Pick<AdminListenerOptions, 'feed' | 'access'> & Partial<AdminListenerOptions>,
): Resource[] {
  return [
    ...statusResources(node),
    ...memberResources(node),
    ...topologyResources(node),
    ...faultResources(node),
    ...whyResources(node),
    ...healthResources(node, isStopping),
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

/** A resource as the router finds it. */
interface MountedResource {
  readonly path: string
  readonly known: ReadonlyMap<string, { readonly call: Call; readonly query: ReturnType<typeof knownQuery> }>
  readonly allowed: readonly string[]
}

interface Rules {
  readonly guard: OriginGuard
  readonly access: Access
  readonly logger: Logger
}

export interface AdminListenerOptions extends Rules {
  readonly feed: EventFeed
  readonly measures: Measures | undefined
  /** See {@link AdminOptions.isStopping}. */
  readonly isStopping: (() => boolean) | undefined
}

/** Answers the requests to `node`'s admin. */
export function adminListener(node: AdminNode, options: AdminListenerOptions): RequestListener {
  const { logger } = options
  const answer = answering(adminResources(node, options), options)
  return async (incoming, outgoing) => {
    try {
      const said = await answer(new Context(new CallRequest(incoming, outgoing), incoming, outgoing))
      if (said !== alreadySent) writeAnswer(incoming, outgoing, withCommonHeaders(said))
    } catch (error) {
      const said = withCommonHeaders(errorAnswer(error, logger))
      if (outgoing.headersSent) outgoing.destroy()
      else writeAnswer(incoming, outgoing, said)
    }
  }
}

/** In this order: foreign host or origin 403, path 404, method 405, token 401, role 403, media type 415, query 400. */
function answering(resources: readonly Resource[], { guard, access }: Rules): (context: Context) => Promise<Answer> {
  const router = new TrieRouter<MountedResource>()
  for (const { path, calls } of resources) {
    const mounted = Object.entries(calls) as [Method, Call][]
    const known = new Map(
      mounted.map(([method, call]) => [method as string, { call, query: knownQuery(path, method) }]),
    )
    const allowed = mounted.flatMap(([method]) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    router.add('ALL', path, { path, known, allowed })
  }
  return async (context) => {
    const { req } = context
    const { method, path } = req
    guard(req)
    const found = router.match('ALL', path)[0]
    const [first] = found
    if (!first)
      throw new ClusterError('ERR_NOT_FOUND', `there is no ${path.slice(0, 100)}`, { path: path.slice(0, 100) })
    // A fixed name in a path takes no method from what may have any name there: a service may have a method `impact`.
    const asked = method === 'HEAD' ? 'GET' : method
    const [resource, params] = found.find(([{ known }]) => known.has(asked)) ?? first
    const mounted = resource.known.get(asked)
    if (!mounted) {
      const allowed = [...new Set(found.flatMap(([each]) => each.allowed))]
      const message = `${method} is not for ${describedPath(resource.path)}`
      throw new ClusterError('ERR_METHOD_NOT_ALLOWED', message, { method, allowed })
    }
    req.found(params as Record<string, string>)
    const { call, query } = mounted
    if (call.needs !== 'public') access.require(context, call.needs)
    requireJson(req)
    query(req)
    return await call.handle(context)
  }
}

/**
 * A form of a foreign page can send anything but this type. A call without a body has none to declare; the `Origin`
 * keeps such pages out, too.
 */
function requireJson({ method, headers }: CallRequest): void {
  if (method === 'GET' || method === 'HEAD') return
  const hasBody = headers.has('transfer-encoding') || (headers.get('content-length') ?? '0') !== '0'
  if (!hasBody) return
  const contentType = headers.get('content-type') ?? ''
  if (/^application\/json\s*(;|$)/i.test(contentType)) return
  throw new ClusterError('ERR_UNSUPPORTED_MEDIA_TYPE', 'the body must be application/json', {
    contentType: contentType.slice(0, 100),
  })
}

function withCommonHeaders({ status, headers, body }: Answer): Answer {
  const common = { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' }
  return { status, headers: { 'cache-control': 'no-store', ...headers, ...common }, body }
}
