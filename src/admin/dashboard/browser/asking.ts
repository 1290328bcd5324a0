// How a panel asks its node: only while it is open and the page is seen, one question at a time. What came last stays
// when the next answer fails, with the reason.

import { useEffect, useState } from 'preact/hooks'

export interface Asked<Answer> {
  /** Undefined until the first one has come. */
  readonly answer: Answer | undefined
  /** When it came, in milliseconds since the epoch. */
  readonly at: number
  /** Why the last question has no answer. */
  readonly problem: string | undefined
}

const patienceMs = 15_000

export function useAsked<Answer>(path: string, everyMs: number): Asked<Answer> {
  const [asked, setAsked] = useState<Asked<Answer>>({ answer: undefined, at: 0, problem: undefined })
  useEffect(() => {
    const over = new AbortController()
    let timer: number | undefined
    const look = async (): Promise<void> => {
      if (!document.hidden) {
        const next = await ask<Answer>(path, over.signal)
        if (over.signal.aborted) return
        setAsked((before) =>
          'problem' in next ? { ...before, ...next } : { ...next, at: Date.now(), problem: undefined },
        )
      }
      timer = setTimeout(() => void look(), everyMs)
    }
    void look()
    return () => {
      over.abort()
      clearTimeout(timer)
    }
  }, [path, everyMs])
  return asked
}

/** Never rejects: what went wrong is for the reader of the panel. */
export async function ask<Answer>(
  path: string,
  signal: AbortSignal,
): Promise<{ readonly answer: Answer } | { readonly problem: string }> {
  try {
    const response = await fetch(path, { signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]) })
    const body = await response.json()
    return response.ok ? { answer: body as Answer } : { problem: problemOf(body) }
  } catch {
    return { problem: 'the node does not answer' }
  }
}

/** Of an answer that is an error, or of a stream's last word. */
export function problemOf(body: unknown): string {
  const { code, message } = (body ?? {}) as { code?: unknown; message?: unknown }
  return [code, message].filter((part) => typeof part === 'string').join(': ') || 'the node refused'
}
