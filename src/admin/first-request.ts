// What answers is loaded with the first request, and not when a node starts. It may fail, as anything that opens files:
// then who asks hears of that, and the next one tries again.

import type { RequestListener } from 'node:http'
import { ClusterError } from '../errors.ts'
import type { Logger } from '../observability/logger.ts'

/** Answers with what `load` resolves to, which is asked for it once it is wanted. */
export function loadedWithFirst(load: () => Promise<RequestListener>, logger: Logger): RequestListener {
  let listener: Promise<RequestListener> | undefined
  return (request, response) => {
    listener ??= load()
    listener.then(
      (answer) => answer(request, response),
      (error: unknown) => {
        listener = undefined
        logger.error('what answers in the admin cannot be loaded', { error })
        const failure = new ClusterError('ERR_INTERNAL', 'what answers cannot be loaded; the log says why', {})
        response.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify(failure))
      },
    )
  }
}
