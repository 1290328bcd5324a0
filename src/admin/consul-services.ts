// Services and members in the form of Consul's HTTP API, for programs that ask Consul today: reads only. An instance is
// a service of Consul on the node that is its member; capabilities are its tags, its cluster is the data center.
// Without an address of its own it has port 0.

import { ClusterError } from '../errors.ts'
import { parseAddress } from '../network-address.ts'
import type { MemberView } from '../node-interface.ts'
import { packageVersion } from '../observability/version.ts'
import type { ServiceInstance } from '../services/service-interface.ts'
import { badRequest } from './config.ts'
import { blockingOf, ServiceIndexes, withIndex } from './consul-blocking.ts'
import type { Answer, Context } from './http-call.ts'
import type { Resource } from './resource.ts'
import type { AdminNode } from './server.ts'

type Node = Pick<AdminNode, 'services' | 'status' | 'members'>
type Status = 'passing' | 'warning' | 'critical'

export function consulResources(node: Node): Resource[] {
  const indexes = new ServiceIndexes(node.services)
  const read = (path: string, handle: (context: Context) => Answer | Promise<Answer>): Resource => ({
    path,
    calls: { GET: { needs: 'read', handle } },
  })
  return [
    read('/v1/health/service/:name', (context) => health(node, indexes, context)),
    read('/v1/catalog/services', (context) => names(node, indexes, context)),
    read('/v1/catalog/service/:name', (context) => catalog(node, indexes, context)),
    read('/v1/catalog/nodes', (context) => context.json(here(node).map((member) => nodeOf(node, member)))),
    read('/v1/catalog/datacenters', (context) => context.json([node.status().cluster.name])),
    read('/v1/status/leader', (context) => context.json(addressOf(node, node.status().consensus.leader))),
    read('/v1/status/peers', (context) =>
      context.json(node.status().consensus.voters.map((voter) => addressOf(node, voter))),
    ),
    read('/v1/agent/self', (context) => context.json(self(node))),
  ]
}

// --- What is asked ---

async function health(node: Node, indexes: ServiceIndexes, context: Context): Promise<Answer> {
  const name = await waited(node, indexes, context)
  const rows = asked(node, name, context).map((instance) => ({
    Node: nodeOf(node, memberOf(node, instance)),
    Service: serviceOf(instance),
    Checks: checksOf(instance),
  }))
  const { req } = context
  const isPassing = req.query('passing') !== undefined && req.query('passing') !== 'false'
  const found = isPassing ? rows.filter(({ Checks }) => Checks.every(({ Status: is }) => is === 'passing')) : rows
  return context.json(found)
}

async function catalog(node: Node, indexes: ServiceIndexes, context: Context): Promise<Answer> {
  const name = await waited(node, indexes, context)
  return context.json(asked(node, name, context).map((instance) => catalogRow(node, instance)))
}

async function names(node: Node, indexes: ServiceIndexes, context: Context): Promise<Answer> {
  await waited(node, indexes, context)
  const tags = new Map<string, Set<string>>()
  for (const { name, capabilities } of node.services.find({ namespace: context.req.query('ns') ?? '', cluster: '' })) {
    const known = tags.get(name) ?? new Set()
    for (const capability of capabilities) known.add(capability)
    tags.set(name, known)
  }
  return context.json(Object.fromEntries([...tags].sort().map(([name, known]) => [name, [...known].sort()])))
}

/** Waits as long as the query says, and gives the name that it is about. */
async function waited(node: Node, indexes: ServiceIndexes, context: Context): Promise<string | undefined> {
  const { req } = context
  const { name: cluster } = node.status().cluster
  const center = req.query('dc')
  if (center !== undefined && center !== cluster) throw badRequest(`No path to datacenter '${center.slice(0, 100)}'`)
  if (req.query('filter') !== undefined) throw badRequest('filter is not understood here; use tag and passing')
  const name = req.param('name')
  await indexes.changed(name, blockingOf(context), req.signal)
  if (req.signal.aborted) throw new ClusterError('ERR_ABORTED', 'the client left', { operation: req.path })
  withIndex(context, indexes.indexOf(name), node.status().consensus.leader !== null)
  return name
}

/** The instances of a name that bear all tags, those near first. */
function asked(node: Node, name: string | undefined, { req }: Context): readonly ServiceInstance[] {
  const found = node.services.find({
    ...(name === undefined ? {} : { name }),
    namespace: req.query('ns') ?? '',
    cluster: '',
    capabilities: req.queries('tag') ?? [],
  })
  const near = req.query('near')
  if (near === undefined) return found
  const { name: self } = node.status().node
  const origin = node.members().find((member) => member.name === (near === '_agent' ? self : near))
  const distance = ({ member, zone }: ServiceInstance): number =>
    member === origin?.name ? 0 : zone !== '' && zone === origin?.zone ? 1 : 2
  return [...found].sort((one, other) => distance(one) - distance(other))
}

// --- What is answered ---

function nodeOf(node: Node, member: MemberView | undefined) {
  const host = hostOf(member?.address)
  return {
    ID: member?.id ?? '',
    Node: member?.name ?? '',
    Address: host,
    Datacenter: node.status().cluster.name,
    TaggedAddresses: { lan: host, wan: host },
    Meta: { zone: member?.zone ?? '' },
    CreateIndex: 1,
    ModifyIndex: 1,
  }
}

function serviceOf({ id, name, capabilities, address, metadata, version, zone, weight }: ServiceInstance) {
  const { host, port } = hostAndPort(address)
  return {
    ID: id,
    Service: name,
    Tags: capabilities,
    Address: host,
    TaggedAddresses: host === '' ? {} : { lan: { Address: host, Port: port }, wan: { Address: host, Port: port } },
    Meta: { version, zone, ...metadata },
    Port: port,
    Weights: weightsOf(weight),
    EnableTagOverride: false,
    Proxy: {},
    Connect: {},
    CreateIndex: 1,
    ModifyIndex: 1,
  }
}

function catalogRow(node: Node, instance: ServiceInstance) {
  const { ID, Node: name, Address, Datacenter, TaggedAddresses, Meta } = nodeOf(node, memberOf(node, instance))
  const service = serviceOf(instance)
  return {
    ID,
    Node: name,
    Address,
    Datacenter,
    TaggedAddresses,
    NodeMeta: Meta,
    ServiceKind: '',
    ServiceID: service.ID,
    ServiceName: service.Service,
    ServiceTags: service.Tags,
    ServiceAddress: service.Address,
    ServiceTaggedAddresses: service.TaggedAddresses,
    ServiceWeights: service.Weights,
    ServiceMeta: service.Meta,
    ServicePort: service.Port,
    ServiceEnableTagOverride: false,
    ServiceProxy: {},
    ServiceConnect: {},
    CreateIndex: 1,
    ModifyIndex: 1,
  }
}

/** Two, as Consul has them: the node's own, and the service's. */
function checksOf({ id, name, member, capabilities, health: is, state, condition }: ServiceInstance) {
  const common = { Node: member, Notes: '', Type: '', Definition: {}, CreateIndex: 1, ModifyIndex: 1 }
  const isWell = state === 'alive' && condition === 'ok'
  const ofMember: Status = isWell ? 'passing' : 'warning'
  const ofService: Status = is === 'passing' ? 'passing' : is === 'degraded' ? 'warning' : 'critical'
  return [
    {
      ...common,
      CheckID: 'serfHealth',
      Name: 'Member',
      Status: ofMember,
      Output: condition === 'ok' ? state : `${state}, ${condition}`,
      ServiceID: '',
      ServiceName: '',
      ServiceTags: [],
    },
    {
      ...common,
      CheckID: `service:${id}`,
      Name: `Service '${name}' check`,
      Status: ofService,
      Output: is,
      ServiceID: id,
      ServiceName: name,
      ServiceTags: capabilities,
    },
  ]
}

function self(node: Node) {
  const { node: own, cluster, consensus } = node.status()
  const { host, port } = hostAndPort(own.address)
  const isServer = consensus.role !== 'none'
  const version = packageVersion()
  return {
    Config: {
      Datacenter: cluster.name,
      NodeName: own.name,
      NodeID: own.id,
      Revision: '',
      Server: isServer,
      Version: version,
    },
    DebugConfig: {},
    Coord: null,
    Member: {
      Name: own.name,
      Addr: host,
      Port: port,
      Tags: { dc: cluster.name, id: own.id, role: isServer ? 'consul' : 'node', build: version },
      Status: 1,
    },
    Stats: {},
    Meta: { trellis: version },
  }
}

function weightsOf(weight: number) {
  const whole = Math.round(weight)
  return { Passing: whole, Warning: whole }
}

function memberOf(node: Node, { member }: ServiceInstance): MemberView | undefined {
  return node.members().find(({ name }) => name === member)
}

function here(node: Node): readonly MemberView[] {
  return node.members().filter(({ state }) => state === 'alive' || state === 'suspect')
}

/** `''`: there is none. */
function addressOf(node: Node, name: string | null): string {
  return node.members().find((member) => member.name === name)?.address ?? ''
}

function hostOf(address = ''): string {
  return hostAndPort(address).host
}

function hostAndPort(address: string): { readonly host: string; readonly port: number } {
  const parsed = parseAddress(address)
  return typeof parsed === 'string' ? { host: '', port: 0 } : parsed
}
