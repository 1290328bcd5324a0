// What the collector leaves: whether memory that nobody needs any more is let go.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Of these, those that are still there after all garbage was collected. */
export async function living<Value extends object>(references: readonly WeakRef<Value>[]): Promise<Value[]> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // What a reference was made of or asked for lives until the turn is over.
  await new Promise((turn) => setImmediate(turn))
  collect()
  return references.flatMap((reference) => reference.deref() ?? [])
}
