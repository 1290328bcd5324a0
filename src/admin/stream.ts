// `GET /v1/stream`: the messages of a channel, or of those topics that fit, as they come (server-sent events). An open
// stream is a handler like any other: a message is handled when it is written. A reader that does not read slows the
// senders, and is cut after a while.

import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Message } from '../channels/channel.ts'
import { ClusterError } from '../errors.ts'
import { type Answer, alreadySent, type Context } from './http-call.ts'
import { messageView } from './message-view.ts'
import type { Resource } from './resource.ts'
import type { AdminNode } from './server.ts'

/** Open at once on one node. */
const maxStreams = 128
/** A stream that has nothing to say says so. */
const aliveIntervalMs = 2_000
/** For how long a reader may leave what was written unread. */
const stalledAfterMs = 10_000
const headers = {
  connection: 'close',
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
}

export function streamResources(node: Pick<AdminNode, 'channel'>): Resource[] {
  let open = 0
  const handle = async (context: Context): Promise<Answer> => {
    const { req } = context
    const name = req.query('channel')
    if (name === undefined)
      throw new ClusterError('ERR_BAD_REQUEST', 'channel is missing', { problem: 'channel is missing' })
    const channel = node.channel(name)
    if (req.method === 'HEAD') return context.body(null, 200, headers)
    if (open >= maxStreams) {
      const details = { queue: 'streams', limit: maxStreams }
      throw new ClusterError('ERR_BUFFER_FULL', `${maxStreams} streams are open already`, details)
    }
    const response = context.outgoing
    const gone = new AbortController()
    const topic = req.query('topic')
    const messages = channel.messages({ signal: gone.signal, ...(topic === undefined ? {} : { topic }) })
    open += 1
    response.once('close', () => {
      open -= 1
      gone.abort()
    })
    response.writeHead(200, headers)
    void writeMessages(messages, response, gone.signal)
    return alreadySent
  }
  return [{ path: '/v1/stream', calls: { GET: { needs: 'read', handle } } }]
}

/**
 * Writes messages as they come, until `gone` or a reader that leaves what was written unread for `patienceMs`. Never
 * rejects.
 */
export async function writeMessages(
  messages: AsyncIterable<Message>,
  response: ServerResponse,
  gone: AbortSignal,
  patienceMs: number = stalledAfterMs,
): Promise<void> {
  // A reset connection is no more than a closed one.
  response.on('error', () => response.destroy())
  response.write(': open\n\n')
  const alive = setInterval(() => response.write(': alive\n\n'), aliveIntervalMs)
  try {
    for await (const message of messages) {
      alive.refresh()
      if (response.write(`data: ${JSON.stringify(messageView(message))}\n\n`)) continue
      await once(response, 'drain', { signal: AbortSignal.any([gone, AbortSignal.timeout(patienceMs)]) })
    }
    response.end()
  } catch {
    // It is gone, or has not read for too long.
    response.destroy()
  } finally {
    clearInterval(alive)
  }
}
