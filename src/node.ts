// `createNode`: from options to a running node. What it opens is closed again when anything on the way fails.

import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Discovery } from './discovery/discovery.ts'
import { ClusterError, isClusterError } from './errors.ts'
import { formatAddress, parseAddress, streamAddress } from './network-address.ts'
import type { TrellisNode } from './node-interface.ts'
import { type NodeWorld, thisMachine } from './node-world.ts'
import { type Logger, type LogLevel, silentLogger } from './observability/logger.ts'
import { traced } from './observability/tracing.ts'
import { defaultName, type NodeOptions, type ResolvedOptions, resolveOptions, type StoredOptions } from './options.ts'
import { RunningNode } from './running-node.ts'
import type { Self } from './self.ts'
import { foreign } from './storage/disk-error.ts'
import type { NodeStorage } from './storage/node-storage.ts'
import { readSecretFile, readSeedsFile, upFiles } from './storage/up-files.ts'
import { FaultyTransport, NetworkFaults } from './transport/faulty.ts'
import type { RefusedReason } from './transport/half-open.ts'
import { type Identity, loadIdentity } from './transport/identity.ts'
import {
  inWords,
  listenAddresses,
  providerOf,
  splitAddress,
  type TransportProvider,
  tcpProvider,
} from './transport/provider.ts'
import { SeveralTransports } from './transport/several-transports.ts'
import type { Connection, Transport } from './transport/transport.ts'
import { waitFor } from './wait.ts'
import { INSTANCE_BYTES } from './wire/hello.ts'

/**
 * How long `createNode` waits for a cluster that cannot be there yet: co-founders (`expect`) and the other members of a
 * remembered cluster may be started one after another, by the very program that awaits this call.
 */
const OTHERS_GRACE_MS = 2_000

/**
 * Starts a node and resolves when it is a member that knows a leader. A node that only joins waits for that up to
 * `timeoutMs`; one with `expect`, or with a data directory that remembers its cluster, at most two seconds, for the
 * others may be started after it: await `node.ready()` then. Rejects, and leaves nothing behind, with
 * `ERR_BAD_OPTIONS`, `ERR_SECRET_REQUIRED`, `ERR_ADMIN_TOKEN_REQUIRED`, `ERR_ADDRESS_IN_USE`, `ERR_ADDRESS_UNUSABLE`,
 * `ERR_DATA_UNWRITABLE`, `ERR_DATA_IN_USE`, `ERR_DATA_FOREIGN`, `ERR_DATA_VERSION`, `ERR_DATA_ROLLED_BACK`,
 * `ERR_LOG_CORRUPT`, `ERR_NAME_TAKEN`, `ERR_WRONG_SECRET`, `ERR_FOREIGN_CLUSTER`, `ERR_VERSION_MISMATCH` (all seeds
 * refused), `ERR_CLUSTER_UNREACHABLE` (out of time), `ERR_ABORTED`.
 */
export function createNode(raw: NodeOptions = {}): Promise<TrellisNode> {
  return traced('trellis.create_node', { isDetached: true }, () => createNodeIn(thisMachine, raw))
}

/** {@link createNode}, in a world of its own. */
export async function createNodeIn(world: NodeWorld, raw: NodeOptions): Promise<RunningNode> {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw noOptions(raw)
  const options = resolveOptions(raw, await readStored(raw), await loggersFor(raw))
  for (const warning of options.warnings) options.logger.warn(warning)
  if (options.signal?.aborted) throw aborted()
  const storage = await world.openStorage(options)
  let node: RunningNode | undefined
  try {
    node = await open(world, options, storage)
    await node.start()
    await settle(world, node, options, await isRemembered(storage))
    return node
  } catch (error) {
    await node?.stop()
    await storage.close()
    throw node?.ended ?? error
  }
}

/** The built-in logger of each level. Without one nothing of it is loaded. */
async function loggersFor({ logger }: NodeOptions): Promise<(level: LogLevel) => Logger> {
  if (typeof logger !== 'string' || logger === 'silent') return () => silentLogger
  const { createLogger } = await import('./observability/pino-logger.ts')
  return (level) => createLogger({ level })
}

async function readStored({ dataDir }: NodeOptions): Promise<StoredOptions> {
  if (typeof dataDir !== 'string' || dataDir === '') return {}
  const files = upFiles(dataDir)
  const secret = await readSecretFile(files.secret)
  const seeds = await readSeedsFile(files.seeds)
  return {
    ...(secret === undefined ? {} : { secret }),
    ...(seeds === undefined ? {} : { join: seeds.addresses }),
    ...(seeds?.expect === undefined ? {} : { expect: seeds.expect }),
  }
}

async function open(world: NodeWorld, options: ResolvedOptions, storage: NodeStorage): Promise<RunningNode> {
  const identity = loadIdentity(storage.identity.privateKeyPem)
  const { logger } = options
  const providers = await providersIn(world, options)
  const context = {
    identity,
    onRefused: (reason: RefusedReason, remoteAddress: string) => node?.stranger(reason, remoteAddress),
  }
  const wire = new SeveralTransports(providers.map((provider) => ({ provider, transport: provider.create(context) })))
  const faults = options.allowFaults ? new NetworkFaults(world.clock) : undefined
  const transport: Transport = faults ? new FaultyTransport(wire, faults) : wire
  // Whoever connects before the node is put together waits for it; the transport bounds how many and how long.
  const early: Connection[] = []
  let node: RunningNode | undefined
  const accept = (connection: Connection): void => {
    if (node) node.accept(connection)
    else early.push(connection)
  }
  try {
    const bound = await transport.listen(listenAddresses(providers, options.listen).join(','), accept)
    const self = await selfOf(options, storage, identity, bound, providers)
    const expect = await founders(options, storage)
    const told = { ...spoken(options, providers, self), expect }
    node = new RunningNode({ options: told, self, storage, transport, faults, world })
  } catch (error) {
    await transport.close()
    throw error
  }
  logger.info('listening', { name: node.name, id: node.id, address: node.address })
  for (const connection of early.splice(0)) accept(connection)
  return node
}

/** How many fresh nodes form a cluster, this one among them. Undefined: it joins one. */
async function founders(options: ResolvedOptions, storage: NodeStorage): Promise<number | undefined> {
  const { expect, join, providers, logger } = options
  if (expect !== undefined || join.length + providers.length > 0) return expect
  const hasCluster = (await storage.readCluster()) !== undefined
  // In an earlier life it met a cluster that could not admit it at once: that one is joined, not another one formed.
  if (hasCluster || (await storage.readPeers()).length === 0) return 1
  logger.warn('without seeds this node looks for those that it was about to join in an earlier life')
  return undefined
}

/** What the options name, unless the node's world has a network of its own. */
function providersIn(world: NodeWorld, { transports }: ResolvedOptions): Promise<TransportProvider[]> {
  const { transport } = world
  if (transport === undefined) return Promise.all(transports.map(providerOf))
  return Promise.resolve([{ ...tcpProvider, create: ({ identity, onRefused }) => transport(identity, onRefused) }])
}

async function selfOf(
  options: ResolvedOptions,
  storage: NodeStorage,
  identity: Identity,
  bound: string,
  providers: readonly TransportProvider[],
): Promise<Self> {
  const place = streamAddress(bound)
  const port = place?.port ?? 0
  if (storage.name !== undefined && options.name !== undefined && options.name !== storage.name)
    throw foreign(join(options.dataDir ?? '', 'node.json'), 'node', options.name, storage.name)
  const name = storage.name ?? options.name ?? defaultName(hostname(), port)
  if (storage.name !== name) await storage.writeName(name)
  return {
    id: identity.id,
    name,
    cluster: options.cluster,
    engine: options.coordination?.name,
    generation: storage.generation,
    instance: randomBytes(INSTANCE_BYTES),
    storeId: await storage.storeId(),
    address: options.advertise === undefined ? bound : inWords(providers, advertised(options.advertise, port)),
    liveness: options.keepStalledMs === 0 ? undefined : place,
    roles: options.roles,
    zone: options.zone,
  }
}

/** Port 0 in `advertise` stands for the one that was bound. */
function advertised(advertise: string, port: number): string {
  const address = parseAddress(advertise)
  if (typeof address === 'string' || address.port !== 0) return advertise
  return formatAddress({ host: address.host, port })
}

/** Seeds in the words of this node's transports, which are those that others announce; its own address is none. */
function spoken(options: ResolvedOptions, providers: readonly TransportProvider[], { address }: Self): ResolvedOptions {
  const own = splitAddress(address)
  const join = options.join.map((seed) => inWords(providers, seed)).filter((seed) => !own.includes(seed))
  return { ...options, join, providers: options.providers.map((discovery) => spokenDiscovery(discovery, providers)) }
}

/** What finds seeds, and what it tells others of this node, are hosts and ports. */
function spokenDiscovery(discovery: Discovery, providers: readonly TransportProvider[]): Discovery {
  const { name } = discovery
  const watch: Discovery['watch'] = async function* (signal, report) {
    // What is no text is told of, and left out, by who follows it.
    for await (const seeds of discovery.watch(signal, report))
      yield new Set([...seeds].map((seed) => (typeof seed === 'string' ? inWords(providers, seed) : seed)))
  }
  if (discovery.announce === undefined) return { name, watch }
  const place = (address: string): string => formatAddress(streamAddress(address) ?? { host: '127.0.0.1', port: 0 })
  return {
    name,
    watch,
    announce: async (self, ...rest) => discovery.announce?.({ ...self, address: place(self.address) }, ...rest),
  }
}

async function isRemembered(storage: NodeStorage): Promise<boolean> {
  return (await storage.readCluster())?.admitted ?? false
}

async function settle(
  world: NodeWorld,
  node: RunningNode,
  options: ResolvedOptions,
  wasMember: boolean,
): Promise<void> {
  const { signal, join, providers } = options
  const isPatient = join.length + providers.length > 0 && options.expect === undefined && !wasMember
  const timeoutMs = isPatient ? options.timeoutMs : Math.min(options.timeoutMs, OTHERS_GRACE_MS)
  try {
    await waitFor('createNode', () => isSettled(node), { clock: world.clock, signal, timeoutMs })
  } catch (error) {
    if (!isClusterError(error, 'ERR_TIMEOUT')) throw error
    if (isPatient) throw unreachable([...join, ...providers.map(({ name }) => name)], timeoutMs, node.troubles())
  }
}

function isSettled(node: RunningNode): boolean {
  const refusal = node.ended ?? node.unwelcome()
  if (refusal) throw refusal
  return node.isReady()
}

/** `troubles` of providers of peers; the first one is its cause. */
function unreachable(
  join: readonly string[],
  timeoutMs: number,
  troubles: ReturnType<RunningNode['troubles']>,
): ClusterError {
  const said = troubles.map(([provider, { message }]) => `; ${provider} said: ${message.replace(/\s+/g, ' ')}`)
  const message = `no cluster was found at ${join.join(', ')} within ${timeoutMs} ms${said.join('')}`
  const [first] = troubles
  return new ClusterError('ERR_CLUSTER_UNREACHABLE', message, { join }, first ? { cause: first[1] } : {})
}

function noOptions(raw: unknown): ClusterError {
  const problem = `options must be an object, got ${raw === null ? 'null' : Array.isArray(raw) ? 'a list' : typeof raw}`
  return new ClusterError('ERR_BAD_OPTIONS', problem, { problems: [problem] })
}

function aborted(): ClusterError {
  return new ClusterError('ERR_ABORTED', "'createNode' was aborted", { operation: 'createNode' })
}
