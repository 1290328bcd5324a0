// The links of all members for whoever looks at a page: asked for again and again while somebody does, sooner after an
// event that may have changed them. A survey of many members is rarer: it costs each of them an answer.

import type { LinkMap } from '../link-survey/link-map.ts'
import type { AdminNode } from './server.ts'

export interface LinkWatchOptions {
  /** Between two surveys when nothing happens. */
  readonly restMs?: number
  /** Of that, for each member that is there. */
  readonly restPerMemberMs?: number
  /** After an event, so that those that follow it are seen, too. */
  readonly soonMs?: number
}

export interface LinkWatch {
  begin(): void
  /** Something happened that may have changed the links. */
  poke(): void
  end(): void
}

export function watchLinks(
  node: Pick<AdminNode, 'topology' | 'members'>,
  onMap: (map: LinkMap) => void,
  options: LinkWatchOptions = {},
): LinkWatch {
  const { restMs = 2_000, restPerMemberMs = 20, soonMs = 300 } = options
  let timer: NodeJS.Timeout | undefined
  let asking: AbortController | undefined
  let isWatching = false
  let isPoked = false

  const later = (ms: number): void => {
    clearTimeout(timer)
    timer = setTimeout(() => void survey(), ms)
    timer.unref()
  }
  const survey = async (): Promise<void> => {
    isPoked = false
    asking = new AbortController()
    const { signal } = asking
    try {
      const map = await node.topology.links({ signal })
      if (signal.aborted) return
      onMap(map)
    } catch (error) {
      // Nobody looks any more. There is no other reason to have no map.
      if (signal.aborted) return
      throw error
    } finally {
      asking = undefined
    }
    if (isWatching) later(isPoked ? soonMs : Math.max(restMs, node.members().length * restPerMemberMs))
  }
  return {
    begin() {
      isWatching = true
      later(0)
    },
    poke() {
      if (!isWatching || isPoked) return
      isPoked = true
      if (!asking) later(soonMs)
    },
    end() {
      isWatching = false
      clearTimeout(timer)
      asking?.abort(new Error('nobody looks any more'))
    },
  }
}
