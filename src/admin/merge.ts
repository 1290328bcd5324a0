// `POST /v1/merge`: makes one cluster of two that formed separately, or says what that would do.

import { asked, badRequest } from './config.ts'
import { readJson } from './request-body.ts'
import type { Resource } from './resource.ts'
import type { AdminNode } from './server.ts'

const MAX_TIMEOUT_MS = 600_000

export function mergeResources(node: Pick<AdminNode, 'merge'>): Resource[] {
  return [
    {
      path: '/v1/merge',
      calls: {
        POST: {
          needs: 'admin',
          handle: async (context) => {
            const body = ((await readJson(context)) ?? {}) as Readonly<Record<string, unknown>>
            const { with: address, keep, dryRun, timeoutMs } = body
            if (typeof address !== 'string' || address === '')
              throw badRequest('with must be the address of a member of the other cluster')
            if (keep !== undefined && keep !== 'ours' && keep !== 'theirs')
              throw badRequest("keep must be 'ours' or 'theirs'")
            if (dryRun !== undefined && typeof dryRun !== 'boolean') throw badRequest('dryRun must be true or false')
            const isTime = Number.isInteger(timeoutMs) && Number(timeoutMs) >= 1 && Number(timeoutMs) <= MAX_TIMEOUT_MS
            if (timeoutMs !== undefined && !isTime)
              throw badRequest(`timeoutMs must be a whole number from 1 to ${MAX_TIMEOUT_MS}`)
            const { signal } = context.req
            const options = { keep, dryRun, signal, ...(isTime ? { timeoutMs: Number(timeoutMs) } : {}) } as const
            return context.json(await asked(() => node.merge(address, options)))
          },
        },
      },
    },
  ]
}
