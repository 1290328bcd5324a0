// `GET /v1/backup`: what the cluster has agreed on, as one file for `trellis restore`. Linearizable: whatever was
// acknowledged before the call is in it.

import type { Resource } from './resource.ts'
import type { AdminNode } from './server.ts'

export function backupResources({ backup }: Pick<AdminNode, 'backup'>): Resource[] {
  const handle: NonNullable<Resource['calls']['GET']>['handle'] = async (context) => {
    const headers = { 'content-type': 'application/octet-stream' }
    if (context.req.method === 'HEAD') return context.body(null, 200, headers)
    const bytes = await backup({ signal: context.req.signal })
    return context.body(new Uint8Array(bytes), 200, headers)
  }
  return [{ path: '/v1/backup', calls: { GET: { needs: 'admin', handle } } }]
}
