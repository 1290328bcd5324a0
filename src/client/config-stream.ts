// Changes of config as a client watches them: a stream that begins anew, with a session, goes on behind the last change
// that it told of.

import type { ConfigEvent } from '../coordination/config-interface.ts'
import { endable } from '../iteration.ts'
import type { Calls, StreamSource } from './calls.ts'

/** Each change under `prefix` from `from` on. */
export function watchConfig(
  calls: Calls,
  prefix: string,
  from: number | undefined,
  signal: AbortSignal | undefined,
): AsyncIterable<ConfigEvent> {
  return endable((ending) => changesOf(calls, prefix, from, ending), [signal])
}

async function* changesOf(
  calls: Calls,
  prefix: string,
  from: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<ConfigEvent, void, undefined> {
  let next = from
  // Of the transaction at `next`: changes told so far, and how many of them come again.
  let [told, again] = [0, 0]
  const source = (): StreamSource => {
    again = told
    return { op: 'config-watch', fields: next === undefined ? { prefix } : { prefix, from: next } }
  }
  for await (const item of calls.stream(source, signal)) {
    // The node says first from where it tells.
    if (typeof item === 'number') next ??= item
    else {
      const event = item as ConfigEvent
      if (again > 0 && event.revision === next) {
        again -= 1
        continue
      }
      if (event.more) [next, told] = [event.revision, event.revision === next ? told + 1 : 1]
      else [next, told] = [event.revision + 1, 0]
      yield event
    }
  }
}
