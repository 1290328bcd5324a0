// Config under one prefix, live: the list as of one revision, then every change after it, over a session such as users'
// clients have. What ends it, for whatever reason, makes it begin anew with a fresh list, so nothing is missed.

import { useEffect, useState } from 'preact/hooks'
import { Calls } from '../../../client/calls.ts'
import { watchConfig } from '../../../client/config-stream.ts'
import { ClientSession } from '../../../client/session.ts'
import type { ConfigList } from '../../../coordination/config-interface.ts'
import { followChange, maxShownEntries, type ShownConfig, shownConfig } from '../panels.ts'
import { type Asked, ask } from './asking.ts'

const againMs = 2_000
/** No call is made but the watch, which has no time. */
const callTimeoutMs = 10_000

export function useConfig(prefix: string): Asked<ShownConfig> {
  const [asked, setAsked] = useState<Asked<ShownConfig>>({ answer: undefined, at: 0, problem: undefined })
  useEffect(() => {
    const over = new AbortController()
    let timer: number | undefined
    const beginAgain = (problem: string): void => {
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
      try {
        await follow(revision + 1)
        if (!over.signal.aborted) beginAgain('the changes have ended; asking again')
      } catch (error) {
        if (!over.signal.aborted) beginAgain(`the changes are cut off (${String(error)}); asking again`)
      }
    }
    const follow = async (from: number): Promise<void> => {
      // By the cookie that this page has. What `connect` is beyond that would be a tenth of this page's program.
      const calls = new Calls(new ClientSession([location.origin], {}), callTimeoutMs)
      try {
        for await (const event of watchConfig(calls, prefix, from, over.signal))
          setAsked(({ answer }) => ({
            answer: answer && followChange(answer, event),
            at: Date.now(),
            problem: undefined,
          }))
      } finally {
        await calls.close()
      }
    }
    void begin()
    return () => {
      over.abort()
      clearTimeout(timer)
    }
  }, [prefix])
  return asked
}
