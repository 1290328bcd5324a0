// `GET /`: one plain page that shows members, leader and S5, live. It is public, for it holds nothing: what it shows comes
// from `/v1/events` with the caller's own rights. It loads nothing from elsewhere, and its policy forbids it to.

import type { Resource } from '../resource.ts'
import { page } from './page.ts'
import { script } from './script.ts'
import { style } from './style.ts'

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
  return [
    text('/', 'text/html; charset=utf-8', page),
    text('/dashboard.css', 'text/css; charset=utf-8', style),
    text('/dashboard.js', 'text/javascript; charset=utf-8', script),
  ]
}

function text(path: string, type: string, body: string): Resource {
  const headers = { 'content-type': type, 'content-security-policy': policy, 'x-frame-options': 'DENY' }
  return { path, calls: { GET: { needs: 'public', handle: (context) => context.body(body, 200, headers) } } }
}
