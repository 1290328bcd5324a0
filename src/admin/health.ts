// What an orchestrator asks, without a token. `/healthz`: the process turns its event loop, so do not restart it.
// `/readyz`: it belongs to a cluster whose leader it knows, and does not stop, so work may be sent to it; else 503 says
// why not.

import type { NodeStatus } from '../node-interface.ts'
import type { Resource } from './resource.ts'
import type { AdminNode } from './server.ts'

/** `isStopping`: the node takes no more work, though what it has goes on for a while. Default: never. */
export function healthResources(node: Pick<AdminNode, 'status'>, isStopping = () => false): Resource[] {
  return [
    { path: '/healthz', calls: { GET: { needs: 'public', handle: (context) => context.json({ healthy: true }) } } },
    {
      path: '/readyz',
      calls: {
        GET: {
          needs: 'public',
          handle: (context) => {
            const reason = isStopping() ? 'stopping' : whyNotReady(node.status())
            return reason === undefined ? context.json({ ready: true }) : context.json({ ready: false, reason }, 503)
          },
        },
      },
    },
  ]
}

/** Undefined when the node is ready for work. */
export function whyNotReady({ node, cluster, consensus }: NodeStatus): string | undefined {
  if (node.condition === 'draining') return 'draining'
  if (cluster.id === null) return 'not admitted to a cluster yet'
  if (consensus.leader === null) return 'no leader is known'
  return undefined
}
