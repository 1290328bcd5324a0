// Changes of a stretch of keys from a revision on, once each and in their order, across lost streams and members of
// etcd that stop. The changes of one revision come together.
//
//   opening ── created ──▶ following ── stream lost ──▶ opening, from the revision after the last one that came whole
//      └── compacted ──▶ `onCompacted`: what was between is gone

import type { IEvent, IWatchResponse } from 'etcd3'
import { jittered } from '../../discovery/patience.ts'
import { pause } from '../../wait.ts'
import type { EtcdClient } from './client.ts'
import type { WatchStream } from './endpoint.ts'
import type { Stretch } from './keys.ts'

export interface ChangeStreamOptions {
  readonly client: EtcdClient
  readonly stretch: Stretch
  /** The first revision to tell of. */
  readonly from: number
  /** What changed, of one revision or several; `through`: nothing up to it is missing. */
  readonly onChanges: (events: readonly IEvent[], through: number) => void
  /** Changes up to and including this revision are no longer kept. Ends the stream. */
  readonly onCompacted: (revision: number) => void
  readonly signal: AbortSignal
}

const REOPEN_MS = 100

export async function followChanges(options: ChangeStreamOptions): Promise<void> {
  const { client, signal } = options
  let from = options.from
  let isCompacted = false
  while (!signal.aborted && !isCompacted) {
    try {
      const { stream, endpoint } = await client.watch()
      const end = await follow(stream, from, options)
      from = end.from
      isCompacted = end.isCompacted
      if (!isCompacted && !signal.aborted) client.leave(endpoint)
    } catch {
      // The next member may have it: the caller sees in `isReached` that nothing is heard.
      client.leave(client.endpoint)
    }
    if (!signal.aborted && !isCompacted) await pause(client.clock, jittered(REOPEN_MS), signal)
  }
}

/** Resolves when the stream has ended, to where to go on. */
function follow(
  stream: WatchStream,
  begin: number,
  { stretch, onChanges, onCompacted, signal }: ChangeStreamOptions,
): Promise<{ readonly from: number; readonly isCompacted: boolean }> {
  let from = begin
  /** Parts of a revision too large for one message. */
  let parts: IEvent[] = []
  return new Promise((resolve) => {
    const end = (isCompacted = false): void => {
      signal.removeEventListener('abort', onAbort)
      stream.cancel()
      resolve({ from, isCompacted })
    }
    const onAbort = (): void => end()
    signal.addEventListener('abort', onAbort, { once: true })
    stream.on('error', () => end())
    stream.on('end', () => end())
    stream.on('data', (response: IWatchResponse & { fragment?: boolean }) => {
      if (signal.aborted) return
      const { canceled, compact_revision, events, fragment } = response
      if (canceled) {
        const compacted = Number(compact_revision)
        if (compacted > 0) onCompacted(compacted)
        return end(compacted > 0)
      }
      parts.push(...events)
      if (fragment || parts.length === 0) return
      // One revision earlier than asked for was watched.
      const changes = parts.filter(({ kv }) => Number(kv.mod_revision) >= from)
      parts = []
      const through = Number(changes.at(-1)?.kv.mod_revision ?? 0)
      if (through === 0) return
      from = through + 1
      onChanges(changes, through)
    })
    // From one earlier: etcd refuses what lies before the revision that it was compacted at, but not that one itself,
    // whose deletions may be gone.
    const create_request = {
      ...stretch,
      start_revision: String(Math.max(1, begin - 1)),
      prev_kv: true,
      fragment: true,
    }
    stream.write({ create_request } as Parameters<WatchStream['write']>[0])
    if (signal.aborted) end()
  })
}
