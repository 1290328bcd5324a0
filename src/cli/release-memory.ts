// What a start needs and an idle node does not: code that runs once, a young generation that grew. V8 gives it back only when
// it is asked, which only the owner of a process may do: so `trellis node` does, and an embedded node does not.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** After readiness: until what follows it, such as the first links and records, is done. */
const SETTLED_MS = 1_000

/** Collects once, thoroughly, when the start is over. Its timer holds no process. */
export function releaseMemoryOfStart(): void {
  setTimeout(() => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as (options: object) => void
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  }, SETTLED_MS).unref()
}
