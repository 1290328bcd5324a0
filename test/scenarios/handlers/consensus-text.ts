// How the consensus core's effects read in a scenario: one line each, nothing left out but undefined fields.

import type {
  ClusterCommand,
  Configuration,
  Effect,
  Entry,
  HostEffect,
  RaftEvent,
  RaftMessage,
  RaftView,
  Voter,
} from '../../../consensus/index.ts'

export function entriesText(entries: readonly Entry<ClusterCommand>[]): string {
  const text = entries.map(({ index, term, command, configuration }) => {
    return `${index}/${term}:${configuration ? configurationText(configuration) : commandText(command)}`
  })
  return text.join(' ') || 'none'
}

/**
 * Voters, then who is replaced, then who learns: `(a b d <- a b c | e)`. A log that is not named after its member is
 * named too.
 */
export function configurationText({ voters, outgoing, learners }: Configuration): string {
  const replaced = outgoing.length > 0 ? ` <- ${votersText(outgoing)}` : ''
  const learning = learners.length > 0 ? ` | ${votersText(learners)}` : ''
  return `(${votersText(voters)}${replaced}${learning})`
}

function votersText(voters: readonly Voter[]): string {
  return voters.map(({ id, storeId }) => (id === storeId ? id : `${id}:${storeId}`)).join(' ')
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
    case 'transfer-vote':
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
    case 'timeout-now':
    case 'read-index':
      return head
    case 'read-index-reply':
      return `${head} index=${message.index ?? 'refused'}`
    case 'snapshot': {
      const { index, term, configuration, id } = message.snapshot
      return `${head} ${id} of ${index}/${term} ${configurationText(configuration)} bytes ${message.offset}+${message.bytes.length}`
    }
    case 'snapshot-reply':
      return `${head} ${message.id} of ${message.index} wants ${message.offset}`
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
      const base = effect.base && ` behind ${effect.base.index}/${effect.base.term}`
      return `${self}: persist #${effect.ticket}${state ?? ''}${base ?? ''} entries: ${entriesText(effect.entries)}`
    }
    case 'apply':
      return `${self}: apply ${entriesText(effect.entries)}`
    case 'accepted':
      return `${self}: accepted at ${effect.index}/${effect.term}`
    case 'reject':
      return `${self}: rejected, ${effect.code}, leader ${effect.leader ?? 'unknown'}`
    case 'emit':
      return `${self}: ${eventText(effect.event)}`
    case 'readable':
      return `${self}: read ${effect.read} may see ${effect.index}`
    case 'unreadable':
      return `${self}: read ${effect.read} refused, ${effect.code}, leader ${effect.leader ?? 'unknown'}`
    case 'transferred':
      return `${self}: transferred to ${effect.to}`
    case 'capture':
      return `${self}: capture ${effect.index}/${effect.term} ${configurationText(effect.configuration)}`
    case 'compact':
      return `${self}: compact through ${effect.through.index}/${effect.through.term}`
    case 'fetch-chunk':
      return `${self}: fetch for ${effect.to} ${effect.id} ${effect.offset}+${effect.length}`
    case 'store-chunk':
      return `${self}: store ${effect.snapshot.id} ${effect.offset}+${effect.bytes.length}`
    case 'restore':
      return `${self}: restore ${effect.snapshot.id} of ${effect.snapshot.index}/${effect.snapshot.term}`
  }
}

function eventText(event: RaftEvent): string {
  switch (event.type) {
    case 'dropped':
      return `dropped from ${event.from}: ${event.reason}`
    case 'role':
      return `${event.role} in term ${event.term}, leader ${event.leader ?? 'unknown'} (${event.reason})`
    case 'configuration':
      return `configuration ${configurationText(event.configuration)} of ${event.index}${event.settled ? ', settled' : ''}`
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
