// Node's HTTP, without what stands beside it: an `import` of a built-in module looks at all of its exports, and among
// those of `node:http` are some of Node's `fetch`, which is loaded for that look. It is 40 ms of processor time at each
// start, and 4 MB.

import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** `node:http` */
export const http: typeof import('node:http') = require('node:http')

/** What makes requests for URLs of this protocol: `http:` or `https:`. */
export function requesterFor(protocol: string): typeof http.request {
  const { request }: Pick<typeof http, 'request'> = protocol === 'https:' ? require('node:https') : http
  return request
}
