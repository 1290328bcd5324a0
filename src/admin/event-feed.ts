// One feed for all open pages: snapshots are made once and written to each. Events leave as they come; snapshots follow
// them at most every `snapshotIntervalMs`, so that a storm of changes costs a page little. A page that does not read is
// cut when more than `maxQueuedBytes` wait for it, and its browser comes back for fresh snapshots. The last events are
// kept, so that a page opened later sees what happened before; else nothing runs while no page is open. The links of
// the other members are asked for while one is (`link-watch.ts`).

import type { ServerResponse } from 'node:http'
import { ClusterError } from '../errors.ts'
import type { ClusterEvent } from '../node-interface.ts'
import { nodeStopping } from '../wait.ts'
import { type LinkWatchOptions, watchLinks } from './link-watch.ts'
import type { AdminNode } from './server.ts'

export interface EventFeed {
  /** Turns `response` into a stream. Throws `ERR_BUFFER_FULL` past `maxStreams`, `ERR_SHUTTING_DOWN` when closed. */
  open(response: ServerResponse, headers: Record<string, string>): void
  /** Streams open now. */
  readonly size: number
  /** Ends all streams. */
  close(): void
}

export interface EventFeedOptions {
  readonly maxStreams?: number
  /** Beside the bytes that the kernel holds. Above one snapshot of 1,000 members. */
  readonly maxQueuedBytes?: number
  readonly snapshotIntervalMs?: number
  /** Events that are kept for pages to come, the last ones. */
  readonly maxPastEvents?: number
  /**
   * A stream that had nothing to say for this long says `alive`; a page that hears nothing for longer knows it is
   * alone.
   */
  readonly aliveIntervalMs?: number
  readonly links?: LinkWatchOptions
}

/** How long a browser waits before it comes back by itself. */
const retryMs = 1_000

export function createEventFeed(
  node: Pick<AdminNode, 'status' | 'members' | 'topology' | 'events'>,
  options: EventFeedOptions = {},
): EventFeed {
  const { maxStreams = 32, maxQueuedBytes = 1_048_576, snapshotIntervalMs = 250, aliveIntervalMs = 2_000 } = options
  const { maxPastEvents = 200 } = options
  let links = ''
  const past: ClusterEvent[] = []
  const streams = new Set<ServerResponse>()
  let timer: NodeJS.Timeout | undefined
  let saidAt = 0
  let last: readonly string[] = []
  let closed = false

  const forget = (stream: ServerResponse): void => {
    streams.delete(stream)
    if (streams.size === 0) end()
  }
  const send = (stream: ServerResponse, text: string): void => {
    if (stream.writableLength + text.length <= maxQueuedBytes) {
      stream.write(text)
      return
    }
    forget(stream)
    stream.destroy()
  }
  const broadcast = (text: string): void => {
    saidAt = performance.now()
    for (const stream of streams) send(stream, text)
  }
  const snapshots = (): readonly string[] => [
    frame('status', node.status()),
    frame('members', { members: node.members() }),
    frame('topology', node.topology.view()),
  ]
  const tick = (): void => {
    const now = snapshots()
    for (const [index, text] of now.entries()) if (text !== last[index]) broadcast(text)
    last = now
    if (performance.now() - saidAt >= aliveIntervalMs) broadcast(frame('alive', {}))
  }
  const watch = watchLinks(
    node,
    (map) => {
      const text = frame('links', map)
      if (text !== links) broadcast(text)
      links = text
    },
    options.links,
  )
  const begin = (): void => {
    watch.begin()
    timer = setInterval(tick, snapshotIntervalMs)
    timer.unref()
  }
  const end = (): void => {
    clearInterval(timer)
    watch.end()
    links = ''
  }
  const subscription = node.events.subscribe((event) => {
    past.push(event)
    if (past.length > maxPastEvents) past.shift()
    if (streams.size > 0) broadcast(frame(event.type, event))
    watch.poke()
  })

  return {
    open(response, headers) {
      if (closed) throw nodeStopping()
      if (streams.size >= maxStreams)
        throw new ClusterError('ERR_BUFFER_FULL', `${maxStreams} event streams are open already`, {
          queue: 'event streams',
          limit: maxStreams,
        })
      const first = snapshots()
      if (streams.size === 0) {
        last = first
        begin()
      }
      streams.add(response)
      // A reset connection is no more than a closed one.
      response.on('error', () => forget(response))
      response.on('close', () => forget(response))
      response.writeHead(200, headers)
      response.write(`retry: ${retryMs}\n\n${first.join('')}${links}${frame('past', { events: past })}`)
    },
    get size() {
      return streams.size
    },
    close() {
      closed = true
      subscription[Symbol.dispose]()
      for (const stream of streams) stream.end()
      end()
    },
  }
}

/** One server-sent event. JSON has no line break outside its strings, and none inside. */
function frame(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
