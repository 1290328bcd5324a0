// What one resource of the admin API is: a path, and per method who may call it and what answers. One file per resource
// holds such a table; `server.ts` mounts them all. The rules that hold for every call (host, origin, token, media type,
// body size) are `access.ts` and `origin.ts`, so that no resource can forget one.

import type { AdminRole } from './access.ts'
import type { Answer, Context } from './http-call.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

export interface Call {
  /** `public`: no token is asked for. A role includes what those before it may: read, operate, admin. */
  readonly needs: AdminRole | 'public'
  readonly handle: (context: Context) => Answer | Promise<Answer>
}

export interface Resource {
  /** Fixed, or with hono's `:parameters`. */
  readonly path: string
  readonly calls: Readonly<Partial<Record<Method, Call>>>
}
