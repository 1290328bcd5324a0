// The program of a member that works on data (`data-work.ts`), as an application may begin: what V8 compiles is kept
// beside the members' directories and used again by the next start. A process that is killed could not keep it at its
// end, so it does as soon as it is a member.

import * as modules from 'node:module'
import { dirname, join } from 'node:path'

// Both came with Node 22.10 at the latest.
modules.enableCompileCache?.(join(dirname(process.env.TRELLIS_DATA_DIR ?? '.'), 'compiled'))
await import('./data-work.ts')
modules.flushCompileCache?.()
