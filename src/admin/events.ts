// `GET /v1/events` (server-sent events): `status`, `members` and `topology` as snapshots, at once and whenever they
// change, and every cluster event as it happens; once, at first, the last `past` events. The bytes are written by
// `event-feed.ts`.

import type { EventFeed } from './event-feed.ts'
import { type Answer, alreadySent, type Context } from './http-call.ts'
import type { Resource } from './resource.ts'

export function eventResources(feed: EventFeed): Resource[] {
  const handle = (context: Context): Answer => {
    // The connection ends with the stream: nothing else follows on it.
    const headers = {
      connection: 'close',
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    }
    if (context.req.method === 'HEAD') return context.body(null, 200, headers)
    feed.open(context.outgoing, headers)
    return alreadySent
  }
  return [{ path: '/v1/events', calls: { GET: { needs: 'read', handle } } }]
}
