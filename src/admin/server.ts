// The admin API of one node: which rules hold for every call, and in which order they refuse. What each path
// answers is in one file per resource. Bounds on what a stranger can hold are named below.

import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { ClusterError } from '../errors.ts'
import { formatAddress, isWildcard, type NetworkAddress, parseAddress, streamAddress } from '../network-address.ts'
import type { TrellisNode } from '../node-interface.ts'
import type { Measures } from '../observability/families.ts'
import { type Logger, silentLogger } from '../observability/logger.ts'
import type { AdminTokens } from '../options.ts'
import { type Access, createAccess } from './access.ts'
import { backupResources } from './backup.ts'
import { channelResources } from './channels.ts'
import { ClientEndpoint } from './clients/client-endpoint.ts'
import { clientResources } from './clients/clients.ts'
import { configResources } from './config.ts'
import { consulKeyResources } from './consul-kv.ts'
import { consulResources } from './consul-services.ts'
import { dashboardResources } from './dashboard/dashboard.ts'
import { createEventFeed, type EventFeed } from './event-feed.ts'
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
import { createOriginGuard, type OriginGuard } from './origin.ts'
import type { Call, Method, Resource } from './resource.ts'
import { serviceResources } from './services.ts'
import { sessionResources } from './session.ts'
import { statusResources } from './status.ts'
import { streamResources } from './stream.ts'
import { topologyResources } from './topology.ts'
import { watchResources } from './watch.ts'
import { whyResources } from './why.ts'

/** What the admin shows of a node. */
export type AdminNode = Pick<
  TrellisNode,
  | 'address'
  | 'status'
  | 'members'
  | 'links'
  | 'topology'
  | 'events'
  | 'config'
  | 'locks'
  | 'backup'
  | 'leadership'
  | 'merge'
  | 'faults'
  | 'channel'
  | 'services'
  | 'federation'
  | 'why'
>

export interface AdminOptions {
  /** `HOST:PORT` to listen on; port 0 takes a free one. */
  readonly address: string
  /** Undefined: whoever reaches the port may everything. `resolveOptions` allows that on loopback only. */
  readonly tokens?: AdminTokens | undefined
  /** Default: silent. */
  readonly logger?: Logger
  /** Origins of web pages elsewhere that may be clients. Default: none. */
  readonly clientOrigins?: readonly string[]
  /** What `/metrics` shows beside the node's views. Default: nothing. */
  readonly measures?: Measures
}

export interface AdminServer {
  /** `http://127.0.0.1:7501`: where a browser on this machine finds it. */
  readonly url: string
  /** Ends every stream and connection. Idempotent; afterwards no socket is left. */
  close(): Promise<void>
}

/** Calls and streams, and clients. */
const maxConnections = 256 + 1_024
const maxHeaderBytes = 16_384
/** Until the whole head, and the whole request, must have come. */
const headersTimeoutMs = 10_000
const requestTimeoutMs = 30_000
const keepAliveTimeoutMs = 5_000
/** How long calls under way may still take when the server closes. */
const closeGraceMs = 500

/** Starts the admin API of `node`. Rejects with `ERR_ADDRESS_IN_USE` or `ERR_ADDRESS_UNUSABLE`. */
export async function startAdmin(node: AdminNode, options: AdminOptions): Promise<AdminServer> {
  const { logger = silentLogger } = options
  const address = requireAddress(options.address)
  const advertised = streamAddress(node.address)
  const names = advertised === undefined ? [] : [advertised.host]
  const guard = await createOriginGuard({ host: address.host, names })
  const access = createAccess(options.tokens)
  const feed = createEventFeed(node)
  const resources = adminResources(node, { feed, access, measures: options.measures })
  const underWay = new Set<ServerResponse>()
  const server = await listen(createApp(resources, { guard, access, logger }), address, logger)
  const clients = new ClientEndpoint({ node, guard, access, logger, origins: options.clientOrigins ?? [] })
  clients.attach(server)
  server.on('request', (_request, response) => {
    underWay.add(response)
    response.once('close', () => underWay.delete(response))
  })
  const { port } = server.address() as AddressInfo
  const host = isWildcard(address.host) ? '127.0.0.1' : address.host
  let closed: Promise<void> | undefined
  return {
    url: `http://${formatAddress({ host, port })}`,
    close() {
      closed ??= closeServer(server, underWay, () => {
        feed.close()
        clients.close()
      })
      return closed
    },
  }
}

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

function requireAddress(text: string): NetworkAddress {
  const address = parseAddress(text)
  if (typeof address !== 'string') return address
  const problem = `admin ('${text}') ${address}`
  throw new ClusterError('ERR_BAD_OPTIONS', problem, { problems: [problem] })
}

async function listen(app: Hono, address: NetworkAddress, logger: Logger): Promise<Server> {
  const listener = getRequestListener(app.fetch, {
    overrideGlobalObjects: false,
    // Only requests that are no requests come here: everything else is answered by `onError`.
    errorHandler: () => {
      const problem = 'the request line or the Host header is malformed'
      return withCommonHeaders(errorResponse(new ClusterError('ERR_BAD_REQUEST', problem, { problem }), logger))
    },
  })
  const server = createServer(
    {
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      maxHeaderSize: maxHeaderBytes,
      connectionsCheckingInterval: 2_000,
    },
    (request, response) => void listener(request, response),
  )
  server.maxConnections = maxConnections
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, address)))
    server.listen({ host: address.host, port: address.port }, resolve)
  })
  server.removeAllListeners('error')
  server.on('error', (error) => logger.error('the admin server failed', { error }))
  return server
}

function listenError(error: NodeJS.ErrnoException, address: NetworkAddress): ClusterError {
  const details = { address: formatAddress(address) }
  if (error.code === 'EADDRINUSE')
    return new ClusterError('ERR_ADDRESS_IN_USE', `the admin address ${details.address} is in use`, details, {
      cause: error,
    })
  const message = `the admin cannot listen on ${details.address} (${error.code ?? error.message})`
  return new ClusterError('ERR_ADDRESS_UNUSABLE', message, details, { cause: error })
}

/** Calls under way may end; then what is left is closed: a connection that never asked anything is not idle to Node. */
async function closeServer(server: Server, underWay: Set<ServerResponse>, endStreams: () => void): Promise<void> {
  const ended = new Promise<void>((resolve) => server.close(() => resolve()))
  endStreams()
  const impatience = setTimeout(() => server.closeAllConnections(), closeGraceMs)
  await Promise.all([...underWay].map((response) => new Promise((resolve) => response.once('close', resolve))))
  server.closeAllConnections()
  await ended
  clearTimeout(impatience)
}
