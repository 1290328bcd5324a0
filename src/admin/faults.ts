// `POST /v1/faults {block?, direction?, stallMs?}` replaces the faults that this node suffers on request, `DELETE` ends
// them, `GET` says which there are. Only on a node that was started with `allowFaults`.

import type { Faults } from '../node-interface.ts'
import { readJson } from './request-body.ts'
import type { Resource } from './resource.ts'

/** As many names as there may be, of the length they may have. */
const maxBytes = 131_072

export function faultResources({ faults }: { readonly faults: Faults }): Resource[] {
  return [
    {
      path: '/v1/faults',
      calls: {
        GET: { needs: 'read', handle: (context) => context.json(faults.current()) },
        POST: {
          needs: 'admin',
          handle: async (context) => context.json(faults.set((await readJson(context, maxBytes)) as object)),
        },
        DELETE: { needs: 'admin', handle: (context) => context.json(faults.clear()) },
      },
    },
  ]
}
