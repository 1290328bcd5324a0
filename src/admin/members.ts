// `GET /v1/members`: every member that this node remembers, itself included.

import type { Resource } from './resource.ts'
import type { AdminNode } from './server.ts'

export function memberResources(node: Pick<AdminNode, 'members'>): Resource[] {
  const handle: NonNullable<Resource['calls']['GET']>['handle'] = (context) => context.json({ members: node.members() })
  return [{ path: '/v1/members', calls: { GET: { needs: 'read', handle } } }]
}
