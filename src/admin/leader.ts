// `GET /v1/leader`: how far everybody has the leader's log. `POST /v1/leader/transfer`: another voter leads, S5 goes
// with it.

import { asked, badRequest } from './config.ts'
import { fieldsOf, readOptionalJson } from './request-body.ts'
import type { Resource } from './resource.ts'
import type { AdminNode } from './server.ts'

export function leaderResources({ leadership }: Pick<AdminNode, 'leadership'>): Resource[] {
  return [
    {
      path: '/v1/leader',
      calls: {
        GET: {
          needs: 'read',
          handle: async (context) =>
            context.json(await asked(() => leadership.replication({ signal: context.req.signal }))),
        },
      },
    },
    {
      path: '/v1/leader/transfer',
      calls: {
        POST: {
          needs: 'operate',
          handle: async (context) => {
            // Whoever mistypes `to` must not move leadership to just anybody.
            const { to } = fieldsOf((await readOptionalJson(context)) ?? {}, ['to'])
            if (to !== undefined && to !== null && typeof to !== 'string')
              throw badRequest('to must be the name of a voter')
            return context.json(
              await asked(() => leadership.transfer({ to: to ?? undefined, signal: context.req.signal })),
            )
          },
        },
      },
    },
  ]
}
