// `GET /v1/topology`: the overlay, and the links that this node itself has. Nobody knows the links of the others.

import type { TopologyView } from '../node-interface.ts'
import type { Resource } from './resource.ts'
import type { AdminNode } from './server.ts'

export function topologyResources(node: Pick<AdminNode, 'status' | 'links'>): Resource[] {
  return [
    { path: '/v1/topology', calls: { GET: { needs: 'read', handle: (context) => context.json(topologyView(node)) } } },
  ]
}

export function topologyView(node: Pick<AdminNode, 'status' | 'links'>): TopologyView {
  return { ...node.status().topology, links: node.links(), history: [] }
}
