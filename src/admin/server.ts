// The server of one node's admin API: its port, and bounds on what a stranger can hold, which are named below. What is
// answered there: `api.ts`.

import type { RequestListener, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ClusterError } from '../errors.ts'
import { formatAddress, isWildcard, type NetworkAddress, parseAddress, streamAddress } from '../network-address.ts'
import { http } from '../node-http.ts'
import type { TrellisNode } from '../node-interface.ts'
import type { Measures } from '../observability/families.ts'
import { type Logger, silentLogger } from '../observability/logger.ts'
import type { AdminTokens } from '../options.ts'
import { createAccess } from './access.ts'
import { ClientEndpoint } from './clients/client-endpoint.ts'
import { createEventFeed } from './event-feed.ts'
import { loadedWithFirst } from './first-request.ts'
import { createOriginGuard } from './origin.ts'
import { answerUnreadable } from './unreadable.ts'

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
  /** The node stops: it is not ready any more. Default: never. */
  readonly isStopping?: () => boolean
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
  const underWay = new Set<ServerResponse>()
  const { measures, isStopping } = options
  const load = async (): Promise<RequestListener> =>
    (await import('./api.ts')).adminListener(node, { feed, access, guard, logger, measures, isStopping })
  const server = await listen(loadedWithFirst(load, logger), address, logger)
  const clients = new ClientEndpoint({ node, guard, access, logger, origins: options.clientOrigins ?? [] })
  clients.attach(server)
  answerUnreadable(server, underWay)
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

function requireAddress(text: string): NetworkAddress {
  const address = parseAddress(text)
  if (typeof address !== 'string') return address
  const problem = `admin ('${text}') ${address}`
  throw new ClusterError('ERR_BAD_OPTIONS', problem, { problems: [problem] })
}

async function listen(listener: RequestListener, address: NetworkAddress, logger: Logger): Promise<Server> {
  const server = http.createServer(
    {
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      maxHeaderSize: maxHeaderBytes,
      connectionsCheckingInterval: 2_000,
      // Who sends none is told so as of any other Host that is not ours.
      requireHostHeader: false,
    },
    listener,
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
