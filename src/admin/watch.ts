// `GET /v1/watch`: changes of config as server-sent events. The id of an event is its revision, so a browser that lost
// its connection goes on where it was. A reader that is slow holds nothing up: its stream is pulled from the history,
// and ends with an event `error` when the history no longer reaches back so far.

import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { ConfigEvent, ConfigWatch } from '../coordination/config-interface.ts'
import { ClusterError } from '../errors.ts'
import { asked, wholeNumber } from './config.ts'
import { type Answer, alreadySent, type Context } from './http-call.ts'
import type { Resource } from './resource.ts'
import type { AdminNode } from './server.ts'

/** Open at once on one node. */
const maxWatches = 128
/** A stream that has nothing to say says so. */
const aliveIntervalMs = 2_000
const headers = {
  connection: 'close',
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
}

export function watchResources({ config }: Pick<AdminNode, 'config'>): Resource[] {
  let open = 0
  const handle = async (context: Context): Promise<Answer> => {
    if (context.req.method === 'HEAD') return context.body(null, 200, headers)
    if (open >= maxWatches) {
      const details = { queue: 'watches', limit: maxWatches }
      throw new ClusterError('ERR_BUFFER_FULL', `${maxWatches} watches are open already`, details)
    }
    const response = context.outgoing
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    open += 1
    response.once('close', () => (open -= 1))
    const watch = config.watch(context.req.query('prefix') ?? '', { from: beginning(context), signal: gone.signal })
    await asked(() => watch.from)
    response.writeHead(200, headers)
    void stream(watch, response, gone)
    return alreadySent
  }
  return [{ path: '/v1/watch', calls: { GET: { needs: 'read', handle } } }]
}

/** `from`, or after the event that a browser saw last. */
function beginning({ req }: Context): number | undefined {
  const seen = req.header('last-event-id')
  if (seen !== undefined) return wholeNumber(seen, 'Last-Event-ID', 0) + 1
  const from = req.query('from')
  return from === undefined ? undefined : wholeNumber(from, 'from', 0)
}

async function stream(watch: ConfigWatch, response: ServerResponse, gone: AbortController): Promise<void> {
  response.write(': watching\n\n')
  const alive = setInterval(() => response.write(': alive\n\n'), aliveIntervalMs)
  try {
    for await (const event of watch) {
      alive.refresh()
      if (!response.write(textOf(event))) await once(response, 'drain', { signal: gone.signal })
    }
  } catch (error) {
    if (!gone.signal.aborted && error instanceof ClusterError)
      response.write(`event: error\ndata: ${JSON.stringify(error)}\n\n`)
  } finally {
    clearInterval(alive)
    response.end()
  }
}

/** Whoever resumes must not do so in the middle of a transaction: only its last change has an id. */
function textOf(event: ConfigEvent): string {
  const id = event.more ? '' : `id: ${event.revision}\n`
  return `${id}event: message\ndata: ${JSON.stringify(event)}\n\n`
}
