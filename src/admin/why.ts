// `GET /v1/members/:name/why`: what the members believe of one of them, and on what grounds.

import type { TrellisNode } from '../node-interface.ts'
import type { Resource } from './resource.ts'

export function whyResources(node: Pick<TrellisNode, 'why'>): Resource[] {
  return [
    {
      path: '/v1/members/:name/why',
      calls: {
        GET: {
          needs: 'read',
          handle: async (context) =>
            context.json(await node.why(context.req.param('name') ?? '', { signal: context.req.signal })),
        },
      },
    },
  ]
}
