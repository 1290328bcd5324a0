// `GET /`: the cluster as a picture, live. It is public, for it holds nothing: what it shows comes from `/v1/events`
// with the caller's own rights. It loads nothing from elsewhere, and its policy forbids it to.

import type { Resource } from '../resource.ts'
import { loadAssets } from './assets.ts'
import { page } from './page.ts'

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export function dashboardResources(): Resource[] {
  const assets = loadAssets()
  const files = assets ? [assets.script, assets.style] : []
  return [
    text('/', 'text/html; charset=utf-8', page(assets), 'no-store'),
    ...files.map(({ path, type, body }) => text(path, type, body, 'public, max-age=31536000, immutable')),
  ]
}

function text(path: string, type: string, body: string, caching: string): Resource {
  const headers = {
    'content-type': type,
    'content-security-policy': policy,
    'x-frame-options': 'DENY',
    'cache-control': caching,
  }
  return { path, calls: { GET: { needs: 'public', handle: (context) => context.body(body, 200, headers) } } }
}
