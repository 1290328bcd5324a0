// `GET /v1/topology`: the overlay, and the links that this node itself has. `PUT` switches the whole cluster to another
// overlay, and answers when that has ended, one way or the other. `GET /v1/topology/advice`: what the adviser would do.
// `GET /v1/topology/links`: the links of all members, as they tell them.

import { ClusterError } from '../errors.ts'
import { orderProblems } from '../switching/order-problems.ts'
import type { SwitchOptions } from '../switching/report.ts'
import { readJson } from './request-body.ts'
import type { Resource } from './resource.ts'
import type { AdminNode } from './server.ts'

export function topologyResources({ topology }: Pick<AdminNode, 'topology'>): Resource[] {
  return [
    {
      path: '/v1/topology',
      calls: {
        GET: { needs: 'read', handle: (context) => context.json(topology.view()) },
        PUT: {
          needs: 'operate',
          handle: async (context) => {
            const { name, ...options } = parseBody(await readJson(context))
            return context.json(await topology.switch(name, { ...options, signal: context.req.signal }))
          },
        },
      },
    },
    {
      path: '/v1/topology/advice',
      calls: { GET: { needs: 'read', handle: (context) => context.json(topology.advise()) } },
    },
    {
      path: '/v1/topology/links',
      calls: {
        GET: {
          needs: 'read',
          handle: async (context) => context.json(await topology.links({ signal: context.req.signal })),
        },
      },
    },
  ]
}

function parseBody(body: unknown): SwitchOptions & { readonly name: string } {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badRequest('the body must be an object')
  const problem = orderProblems({ ...body }).join('; ')
  if (problem !== '') throw badRequest(problem)
  return body as SwitchOptions & { readonly name: string }
}

function badRequest(problem: string): ClusterError {
  return new ClusterError('ERR_BAD_REQUEST', problem, { problem })
}
