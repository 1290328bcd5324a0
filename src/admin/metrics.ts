// `GET /metrics`: what Prometheus scrapes, computed at that moment. It says no more than `/v1/status` and asks for the
// same role; a scraper sends its token as `authorization`.

import type { Measures } from '../observability/families.ts'
import { createMetrics } from '../observability/metrics.ts'
import type { Resource } from './resource.ts'
import type { AdminNode } from './server.ts'

/** `measures`: what the node counts beside its views. */
export function metricsResources(
  node: Pick<AdminNode, 'status' | 'members' | 'links' | 'channel'>,
  measures?: Measures,
): Resource[] {
  const metrics = createMetrics(node, measures)
  const handle: NonNullable<Resource['calls']['GET']>['handle'] = async (context) =>
    context.body(await metrics.text(), 200, { 'content-type': metrics.contentType })
  return [{ path: '/metrics', calls: { GET: { needs: 'read', handle } } }]
}
