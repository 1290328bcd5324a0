// `GET /v1/status`: the cluster as this node knows it.

import type { Resource } from './resource.ts'
import type { AdminNode } from './server.ts'

export function statusResources(node: Pick<AdminNode, 'status'>): Resource[] {
  return [{ path: '/v1/status', calls: { GET: { needs: 'read', handle: (context) => context.json(node.status()) } } }]
}
