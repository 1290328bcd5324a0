// Config under one prefix, live: the list as of one revision, then every change after it. A stream that breaks, for whatever reason,
// begins anew with a fresh list, so nothing is missed.

import { useEffect, useState } from 'preact/hooks'
import type { ConfigEvent, ConfigList } from '../../../coordination/config-interface.ts'
import { followChange, maxShownEntries, type ShownConfig, shownConfig } from '../panels.ts'
import { type Asked, ask } from './asking.ts'

const againMs = 2_000

export function useConfig(prefix: string): Asked<ShownConfig> {
  const [asked, setAsked] = useState<Asked<ShownConfig>>({ answer: undefined, at: 0, problem: undefined })
  useEffect(() => {
    const over = new AbortController()
    let source: EventSource | undefined
    let timer: number | undefined
    const beginAgain = (problem: string): void => {
      source?.close()
      setAsked((before) => ({ ...before, problem }))
      timer = setTimeout(() => void begin(), againMs)
    }
    const begin = async (): Promise<void> => {
      const path = `/v1/config?prefix=${encodeURIComponent(prefix)}&limit=${maxShownEntries}`
      const listed = await ask<ConfigList & { readonly next?: string }>(path, over.signal)
      if (over.signal.aborted) return
      if ('problem' in listed) return beginAgain(listed.problem)
      const { entries, revision, next } = listed.answer
      setAsked({ answer: shownConfig(entries, revision, next !== undefined), at: Date.now(), problem: undefined })
      source = new EventSource(`/v1/watch?prefix=${encodeURIComponent(prefix)}&from=${revision + 1}`)
      source.addEventListener('message', ({ data }: MessageEvent<string>) => {
        const event = JSON.parse(data) as ConfigEvent
        setAsked(({ answer }) => ({
          answer: answer && followChange(answer, event),
          at: Date.now(),
          problem: undefined,
        }))
      })
      source.onerror = () => beginAgain('the changes are cut off; asking again')
    }
    void begin()
    return () => {
      over.abort()
      source?.close()
      clearTimeout(timer)
    }
  }, [prefix])
  return asked
}
