// `GET /v1/client`: where clients attach, by a WebSocket. Requests that ask for one never come here
// (`client-endpoint.ts`); all others are told so.

import { CLIENT_PATH, CLIENT_PROTOCOL } from '../../client/protocol.ts'
import { ClusterError } from '../../errors.ts'
import type { Resource } from '../resource.ts'

export function clientResources(): Resource[] {
  const handle = (): never => {
    throw new ClusterError('ERR_UPGRADE_REQUIRED', 'this path is for WebSockets', { protocol: CLIENT_PROTOCOL })
  }
  return [{ path: CLIENT_PATH, calls: { GET: { needs: 'read', handle } } }]
}
