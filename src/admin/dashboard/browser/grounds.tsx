// What the members believe of the one whose detail is open, and the last evidence for it: asked anew when its state
// changes and from time to time. A node that does not answer leaves the panel with what it knows by itself.

import { useEffect, useState } from 'preact/hooks'
import type { Belief, WhyView } from '../../../why/why-interface.ts'
import { evidenceLine } from '../words.ts'

const askAgainMs = 3_000
const shownEntries = 8

export function useWhy(name: string, state: string): WhyView | undefined {
  const [why, setWhy] = useState<WhyView>()
  useEffect(() => {
    let isOver = false
    const ask = async (): Promise<void> => {
      const answer = await fetch(`/v1/members/${encodeURIComponent(name)}/why`).catch(() => undefined)
      const view = answer?.ok ? ((await answer.json()) as WhyView) : undefined
      if (!isOver) setWhy(view)
    }
    void ask()
    const timer = setInterval(() => void ask(), askAgainMs)
    return () => {
      isOver = true
      clearInterval(timer)
    }
  }, [name, state])
  return why?.member.name === name ? why : undefined
}

export function Grounds({ why }: { readonly why: WhyView | undefined }) {
  if (!why) return null
  const last = why.evidence.slice(-shownEntries).reverse()
  return (
    <section class="grounds" aria-label="What the members say">
      <h3>What the members say</h3>
      <p>{beliefText(why)}</p>
      {last.length > 0 && (
        <ol reversed>
          {last.map((entry) => (
            <li key={`${entry.observer} ${entry.sequence}`}>
              <b>{entry.observer}</b> {evidenceLine(entry, why.member.name)}{' '}
              <time dateTime={new Date(entry.at).toISOString()}>{new Date(entry.at).toLocaleTimeString()}</time>
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}

function beliefText({ beliefs, unanswered }: WhyView): string {
  const by = new Map<string, string[]>()
  const put = (text: string, name: string): void => void by.set(text, [...(by.get(text) ?? []), name])
  for (const belief of beliefs) put(stateOf(belief), belief.name)
  for (const { name } of unanswered) put('no answer', name)
  return [...by].map(([text, names]) => `${text}: ${namesOf(names)}`).join('; ')
}

function stateOf({ state, condition }: Belief): string {
  if (state === null) return 'unknown'
  return condition === 'ok' || condition === null ? state : `${state}, ${condition}`
}

function namesOf(names: readonly string[]): string {
  return names.length <= 6 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`
}
