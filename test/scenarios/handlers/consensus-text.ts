// How the consensus core's effects read in a scenario: one line each, nothing left out but undefined fields.

import type { ClusterCommand, Effect, Entry, HostEffect, RaftMessage, RaftView } from '../../../consensus/index.ts'

export function entriesText(entries: readonly Entry<ClusterCommand>[]): string {
  return entries.map(({ index, term, command }) => `${index}/${term}:${commandText(command)}`).join(' ') || 'none'
}

export function commandText(command: ClusterCommand | undefined): string {
  if (command === undefined) return 'no-op'
  switch (command.type) {
    case 'bind-name':
      return command.name
    case 'activate':
      return `activate(${command.host},${command.term})`
    case 'release':
      return `release(${command.token})`
    case 'decide':
      return `decide(${command.token})`
    default:
      return command.type
  }
}

export function messageText(message: RaftMessage<ClusterCommand>): string {
  const head = `${message.type} term=${message.term} round=${message.round}`
  switch (message.type) {
    case 'pre-vote':
    case 'vote':
      return `${head} last=${message.lastIndex}/${message.lastTerm}`
    case 'pre-vote-reply':
    case 'vote-reply':
      return `${head} ${message.granted ? 'granted' : 'denied'}`
    case 'append':
      return `${head} previous=${message.previousIndex}/${message.previousTerm} commit=${message.commitIndex} entries: ${entriesText(message.entries)}`
    case 'append-reply':
      return message.accepted
        ? `${head} accepted match=${message.matchIndex}`
        : `${head} refused previous=${message.matchIndex} hint=${message.hintIndex}/${message.hintTerm}`
  }
}

export function effectText(self: string, effect: Effect<ClusterCommand>): string {
  switch (effect.type) {
    case 'send':
      return `${self} -> ${effect.to}  ${messageText(effect.message)}`
    case 'set-timer':
      return `${self}: set ${effect.timer} at ${effect.at}`
    case 'clear-timer':
      return `${self}: clear ${effect.timer}`
    case 'persist': {
      const state = effect.hardState && ` term=${effect.hardState.term} vote=${effect.hardState.votedFor ?? 'none'}`
      return `${self}: persist #${effect.ticket}${state ?? ''} entries: ${entriesText(effect.entries)}`
    }
    case 'apply':
      return `${self}: apply ${entriesText(effect.entries)}`
    case 'accepted':
      return `${self}: accepted at ${effect.index}/${effect.term}`
    case 'reject':
      return `${self}: rejected, ${effect.code}, leader ${effect.leader ?? 'unknown'}`
    case 'emit':
      return effect.event.type === 'dropped'
        ? `${self}: dropped from ${effect.event.from}: ${effect.event.reason}`
        : `${self}: ${effect.event.role} in term ${effect.event.term}, leader ${effect.event.leader ?? 'unknown'} (${effect.event.reason})`
  }
}

export function hostEffectText(self: string, effect: HostEffect): string {
  switch (effect.type) {
    case 'propose':
      return `${self}: host proposes ${commandText(effect.command)}`
    case 'start':
      return `${self}: host starts ${effect.token}`
    case 'stop':
      return `${self}: host stops ${effect.token} (${effect.reason})`
    case 'set-timer':
      return `${self}: host sets ${effect.timer} at ${effect.at}`
    case 'clear-timer':
      return `${self}: host clears ${effect.timer}`
  }
}

export function viewText(self: string, view: RaftView): string {
  const { role, term, leader = 'unknown', commitIndex, lastIndex, leaderSince, quorumAt } = view
  const lead = role === 'leader' ? ` since=${leaderSince} quorum-at=${quorumAt ?? 'never'}` : ''
  return `${self}: ${role} in term ${term}, leader ${leader}, commit=${commitIndex} last=${lastIndex}${lead}`
}
