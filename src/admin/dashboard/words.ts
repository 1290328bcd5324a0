// The words and signs of the dashboard. Every state has a sign and a word; colour only repeats them.

import type {
  ClusterEvent,
  LinkView,
  MemberChange,
  MemberView,
  MemberViewCondition,
  MemberViewState,
} from '../../node-interface.ts'
import type { ServiceHealth } from '../../services/service-interface.ts'
import type { Evidence } from '../../why/why-interface.ts'

export const stateSign: Readonly<Record<MemberViewState, string>> = { alive: '●', suspect: '◐', down: '✕', left: '○' }
export const conditionSign: Readonly<Record<MemberViewCondition, string>> = { ok: '✓', stalled: '‖', draining: '↧' }
/** A line as links of this kind are drawn: single, double, dashed. */
export const linkSign: Readonly<Record<LinkView['kind'], string>> = { overlay: '━', pinned: '═', 'on-demand': '╌' }
export const healthSign: Readonly<Record<ServiceHealth, string>> = { passing: '✓', degraded: '▲', critical: '✕' }

/** What a line of the time line is about; it decides its sign and tone. */
export type LineKind = 'good' | 'warn' | 'bad' | 'faint' | 'leader' | 's5' | 'page'

export interface Line {
  readonly kind: LineKind
  readonly sign: string
  readonly text: string
}

export const healthTone: Readonly<Record<ServiceHealth, LineKind>> = {
  passing: 'good',
  degraded: 'warn',
  critical: 'bad',
}

const toneOf: Readonly<Record<MemberViewState, LineKind>> = {
  alive: 'good',
  suspect: 'warn',
  down: 'bad',
  left: 'faint',
}

export function eventLine(event: ClusterEvent): Line {
  switch (event.type) {
    case 'member':
      return memberLine(event.change)
    case 'leader':
      return event.leader === null
        ? { kind: 'bad', sign: '♛', text: `no leader is known (term ${event.term})` }
        : { kind: 'leader', sign: '♛', text: `${event.leader} leads in term ${event.term}` }
    case 's5': {
      const host = event.host === null ? '' : ` on ${event.host}`
      const token = event.fencingToken === null ? '' : `, token ${event.fencingToken}`
      return { kind: 's5', sign: '◆', text: `S5 is ${event.phase}${host}${token}` }
    }
    case 'switch': {
      const kind = event.phase === 'aborted' ? 'warn' : event.phase === 'committed' ? 'good' : 'faint'
      return { kind, sign: '⬡', text: `topology: ${event.phase}, ${switchText(event)}` }
    }
    case 'advice':
      return { kind: 'faint', sign: '⬡', text: `the adviser switches ${event.from} to ${event.to}: ${event.because}` }
    case 'link': {
      const reason = event.reason === undefined ? '' : `: ${event.reason}`
      const isUp = event.state === 'up'
      return {
        kind: isUp ? 'faint' : 'warn',
        sign: isUp ? '⟷' : '⤫',
        text: `link to ${event.peer} is ${event.state}${reason}`,
      }
    }
    case 'congestion': {
      const why = event.cause === 'consumer' ? 'its handlers are slow' : 'its connection takes no more'
      return event.state === 'congested'
        ? { kind: 'warn', sign: '⋯', text: `${event.channel} to ${event.peer} is congested: ${why}` }
        : { kind: 'good', sign: '⋯', text: `${event.channel} to ${event.peer} flows again` }
    }
  }
}

function memberLine({ type, member, previous }: MemberChange): Line {
  const line = (text: string): Line => ({ kind: toneOf[member.state], sign: stateSign[member.state], text })
  if (type === 'added') return line(`${member.name} joined, ${member.state}`)
  if (type === 'removed') return { kind: 'faint', sign: '–', text: `${member.name} was forgotten` }
  if (previous.state !== member.state) return line(changeText(previous, member))
  if (previous.condition === member.condition) return line(`${member.name} renewed itself`)
  const kind = member.condition === 'ok' ? 'good' : 'warn'
  const text = `${member.name}: ${previous.condition} → ${member.condition}`
  return { kind, sign: conditionSign[member.condition], text }
}

function changeText(previous: MemberView, member: MemberView): string {
  return `${member.name}: ${previous.state} → ${member.state}`
}

/** What became of the members while a page was cut off: it has missed the events, but not the outcome. */
export function missedLines(before: readonly MemberView[], now: readonly MemberView[]): Line[] {
  const known = new Map(before.map((member) => [member.id, member]))
  return now.flatMap((member): Line[] => {
    const previous = known.get(member.id)
    if (previous?.state === member.state) return []
    const text = previous ? changeText(previous, member) : `${member.name} joined, ${member.state}`
    return [{ kind: toneOf[member.state], sign: stateSign[member.state], text: `${text} (meanwhile)` }]
  })
}

function switchText({ name, epoch, to }: Extract<ClusterEvent, { type: 'switch' }>): string {
  return to === name ? `${name}, epoch ${epoch}` : `${name} to ${to}`
}

/** What one observer saw, without its name. */
export function evidenceLine(entry: Evidence, member: string): string {
  switch (entry.type) {
    case 'verdict': {
      const accusers = entry.accusers.map(({ by, kind }) => `${by}: ${kind}`).join(', ')
      const condition = entry.condition === 'ok' ? '' : `, ${entry.condition}`
      const state = entry.reason === entry.state ? entry.state : `${entry.reason}: ${entry.state}`
      return `${state}${condition}${accusers === '' ? '' : ` (${accusers})`}`
    }
    case 'link':
      return entry.state === 'up' ? 'its link came up' : `its link went: ${entry.reason ?? 'closed'}`
    case 'absence':
      return `did not run for ${entry.ms} ms`
    case 'leader':
      return `${member} ${entry.isLeader ? 'leads' : 'leads no longer'} in term ${entry.term}`
  }
}

/** As much of a name as has room: how it begins and how it ends. */
export function shortened(name: string, letters: number): string {
  const all = [...name]
  if (all.length <= letters) return name
  const half = Math.ceil((letters - 1) / 2)
  return `${all.slice(0, half).join('')}…${all.slice(half + 1 - letters).join('')}`
}
