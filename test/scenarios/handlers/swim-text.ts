// Messages, events and members of membership as one line each, for scenarios.

import type {
  EvidenceView,
  Incarnation,
  MemberRecord,
  SwimEvent,
  SwimMessage,
  Update,
} from '../../../topology/index.ts'

/** `b 1.0 alive`; a condition stands only when it is not `ok`. */
export function recordText({ id, incarnation, state, condition }: MemberRecord): string {
  return `${id} ${incarnationText(incarnation)} ${state}${condition === 'ok' ? '' : ` ${condition}`}`
}

export function eventText(event: SwimEvent): string {
  switch (event.type) {
    case 'member': {
      const by = event.accusers.length === 0 ? '' : `, accused by ${event.accusers.join(' ')}`
      return `${event.reason}: ${recordText(event.after)}${by}`
    }
    case 'forgotten':
      return `forgotten: ${recordText(event.member)}`
    case 'unanswered':
      return `unanswered: ${recordText(event.member)}`
    case 'superseded':
      return `superseded by ${incarnationText(event.incarnation)}`
    case 'dropped':
      return `dropped from ${event.from}: ${event.reason}`
    default:
      return event satisfies never
  }
}

export function messageText(message: SwimMessage): string {
  if (message.type === 'push-pull') {
    return `push-pull${message.reply ? ', reply' : ''}: ${message.records.map(recordText).join(', ')}`
  }
  const updates = message.updates.length === 0 ? '' : `: ${message.updates.map(updateText).join(', ')}`
  switch (message.type) {
    case 'gossip':
      return `gossip${updates}`
    case 'ping':
      return `ping ${message.probe}${updates}`
    default:
      return `${message.type} ${message.probe} about ${message.target}${updates}`
  }
}

export function evidenceText(view: EvidenceView | undefined): string {
  if (!view) return 'no evidence'
  const accusers = view.suspectors.map(({ by, kind, at }) => `${by} ${kind} at ${round(at)}`).join(', ')
  const end = view.deadline === undefined ? 'verdict stands' : `deadline ${round(view.deadline)}`
  return `${view.member} ${incarnationText(view.incarnation)} since ${round(view.since)}, ${end}: ${accusers || 'nobody'}`
}

export function round(time: number): number {
  return Math.round(time * 10) / 10
}

function updateText(update: Update): string {
  if (update.type === 'record') return recordText(update.record)
  return `${update.by} accuses ${update.member} ${incarnationText(update.incarnation)} (${update.kind})`
}

function incarnationText({ generation, refutation }: Incarnation): string {
  return `${generation}.${refutation}`
}
