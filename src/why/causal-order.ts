// Entries of many observers as one story. Their clocks differ, so time alone would put effects before causes. Three
// things are known: one observer's entries have an order of their own; who counts an accuser heard of it after the
// accuser had found out; and what a member says of itself was said before others believed it. Between these, wall
// clocks decide.

import type { Evidence, VerdictEvidence } from './why-interface.ts'

/** `entries` are about the one member called `subject`. Each comes after all that it rests on. */
export function inCausalOrder(entries: readonly Evidence[], subject: string): readonly Evidence[] {
  const waiting = [...entries].sort(byTime)
  const causes = new Map(waiting.map((entry) => [entry, causesOf(entry, waiting, subject)]))
  const told = new Set<Evidence>()
  const story: Evidence[] = []
  while (waiting.length > 0) {
    const isReady = (entry: Evidence): boolean => causes.get(entry)!.every((cause) => told.has(cause))
    // A circle cannot be; whoever claims one is told in the order of time.
    const at = Math.max(0, waiting.findIndex(isReady))
    const [next] = waiting.splice(at, 1)
    told.add(next!)
    story.push(next!)
  }
  return story
}

function causesOf(entry: Evidence, all: readonly Evidence[], subject: string): Evidence[] {
  const causes = all.filter((other) => other.observer === entry.observer && other.sequence < entry.sequence)
  if (entry.type !== 'verdict') return causes
  for (const { by } of entry.accusers) {
    if (by === entry.observer) continue
    causes.push(...first(all, (other) => other.incarnation === entry.incarnation && accusesItself(other, by)))
  }
  const own = (other: VerdictEvidence): boolean => other.observer === subject
  if (entry.observer !== subject && (entry.reason === 'refuted' || entry.reason === 'condition'))
    causes.push(...first(all, (other) => own(other) && other.incarnation === entry.incarnation))
  if (entry.observer === subject && entry.reason === 'refuted')
    causes.push(...first(all, (other) => !own(other) && isBad(other) && other.incarnation === entry.incarnation - 1))
  return causes
}

function first(all: readonly Evidence[], fits: (entry: VerdictEvidence) => boolean): Evidence[] {
  const found = all.find((entry) => entry.type === 'verdict' && fits(entry))
  return found ? [found] : []
}

function accusesItself(entry: VerdictEvidence, observer: string): boolean {
  return entry.observer === observer && isBad(entry) && entry.accusers.some(({ by }) => by === observer)
}

function isBad({ state }: VerdictEvidence): boolean {
  return state === 'suspect' || state === 'down'
}

function byTime(one: Evidence, other: Evidence): number {
  const byName = one.observer < other.observer ? -1 : one.observer > other.observer ? 1 : 0
  return one.at - other.at || byName || one.sequence - other.sequence
}
