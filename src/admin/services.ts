// `/v1/services`: who offers what, for programs that are not Node or not a member: look up, register, remove, call. And
// the members' own admin addresses in the form that Prometheus asks for (its `http_sd` format).

import { ClusterError } from '../errors.ts'
import { parseAddress } from '../network-address.ts'
import { OWN_NAMESPACE } from '../services/service-facts.ts'
import type { ServiceOptions, ServiceQuery } from '../services/service-interface.ts'
import type { Answer, Context } from './http-call.ts'
import { readJson, readOptionalJson } from './request-body.ts'
import type { Resource } from './resource.ts'
import type { AdminNode } from './server.ts'

type Services = AdminNode['services']

const maxCallBytes = 1_048_576
/** Where nodes with an admin API offer it. */
export const adminService = { name: 'admin', namespace: OWN_NAMESPACE } as const

export function serviceResources(node: Pick<AdminNode, 'services' | 'status' | 'federation'>): Resource[] {
  const { services } = node
  return [
    {
      path: '/v1/services',
      calls: {
        GET: { needs: 'read', handle: (context) => list(services, context) },
        POST: { needs: 'operate', handle: (context) => register(services, context) },
      },
    },
    {
      path: '/v1/services/:id',
      calls: { DELETE: { needs: 'operate', handle: (context) => remove(services, context) } },
    },
    {
      path: '/v1/services/:name/impact',
      calls: { GET: { needs: 'read', handle: (context) => context.json(services.impact(parameter(context, 'name'))) } },
    },
    {
      path: '/v1/services/:name/:method',
      calls: { POST: { needs: 'operate', handle: (context) => call(services, context) } },
    },
    {
      path: '/v1/calls',
      calls: {
        GET: {
          needs: 'read',
          handle: async (context) => context.json(await services.callGraph({ signal: context.req.signal })),
        },
      },
    },
    {
      path: '/v1/federation',
      calls: { GET: { needs: 'read', handle: (context) => context.json(node.federation()) } },
    },
    {
      path: '/v1/sd/prometheus',
      calls: {
        GET: { needs: 'read', handle: (context) => context.json(targets(services, node.status().cluster.name)) },
      },
    },
  ]
}

function list(services: Services, { req, json }: Context): Answer {
  const asked = {
    name: req.query('name'),
    namespace: req.query('namespace'),
    version: req.query('version'),
    zone: req.query('zone'),
    health: req.query('health'),
    cluster: req.query('cluster'),
  }
  const capabilities = capabilitiesOf(req)
  const query = Object.fromEntries(
    Object.entries({ ...asked, capabilities }).filter(([, value]) => value !== undefined),
  )
  return json({ instances: services.find(query as ServiceQuery) })
}

async function register(services: Services, context: Context): Promise<Answer> {
  const body = await readJson(context)
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw badRequest('the body must be { "name": … }')
  const { name, ...options } = body as { name?: unknown } & ServiceOptions
  if (typeof name !== 'string') throw badRequest('name must be a text')
  if (Object(options.health).ttlMs !== undefined) throw unpassable()
  const { id } = services.register(name, {}, options)
  return context.json({ id }, 201)
}

async function remove(services: Services, context: Context): Promise<Answer> {
  const id = parameter(context, 'id')
  await services.remove(id, { signal: context.req.signal })
  return context.json({ id })
}

async function call(services: Services, context: Context): Promise<Answer> {
  const { req } = context
  const argument = await readOptionalJson(context, maxCallBytes)
  const deadline = req.query('deadlineMs')
  if (deadline !== undefined && !(Number(deadline) > 0 && Number(deadline) < Number.POSITIVE_INFINITY))
    throw badRequest('deadlineMs must be a number above 0')
  const result = await services.call(parameter(context, 'name'), parameter(context, 'method'), argument, {
    signal: req.signal,
    ...(deadline === undefined ? {} : { deadlineMs: Number(deadline) }),
    ...(req.query('key') === undefined ? {} : { key: req.query('key') as string }),
    ...Object.fromEntries(
      ['version', 'namespace', 'zone', 'cluster'].flatMap((name) => {
        const value = req.query(name)
        return value === undefined ? [] : [[name, value]]
      }),
    ),
    capabilities: capabilitiesOf(req),
  })
  return context.json({ result })
}

function targets(services: Services, cluster: string): object[] {
  // Members of an earlier release let anybody offer an instance without an address.
  const reachable = services.find(adminService).filter(({ address }) => typeof parseAddress(address) !== 'string')
  return reachable.map(({ address, member, zone }) => ({
    targets: [address],
    labels: { __meta_trellis_cluster: cluster, __meta_trellis_member: member, __meta_trellis_zone: zone },
  }))
}

function capabilitiesOf(req: Context['req']): readonly string[] {
  return req.queries('capability')?.flatMap((each) => each.split(',')) ?? []
}

/** The router takes a parameter apart before it decodes it, so it may hold any sign. */
function parameter({ req }: Context, name: string): string {
  return req.param(name) ?? ''
}

/** Such an instance would be critical for ever. */
function unpassable(): ClusterError {
  const problem =
    'services.health: ttlMs is for programs that call pass(), which cannot be called over HTTP: use http or tcp'
  return new ClusterError('ERR_BAD_OPTIONS', problem, { problems: [problem] })
}

function badRequest(problem: string): ClusterError {
  return new ClusterError('ERR_BAD_REQUEST', problem, { problem })
}
