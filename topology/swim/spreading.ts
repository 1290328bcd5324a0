// How news travels: at once to a few random linked neighbors, which pass on only what is new to them; then on every
// probe message (SWIM section 4.1) and on a steady trickle until it was told often enough; and as a full exchange when
// a link comes up and from time to time, which repairs whatever was missed (push-pull, as in memberlist). Verdicts are
// repeated besides, while there are any.

import type { MemberId, MemberRecord } from '../types.ts'
import { retransmits } from './dissemination.ts'
import type { Update } from './messages.ts'
import { sample } from './sample.ts'
import type { SwimState } from './state.ts'

/** Among so many members all is known at once, and of so many links of a member each brings the table. */
const SMALL = 32
/**
 * Of more, so many of a member's links to those with whom it hears the same news bring it. A guess: the tables do not
 * grow with the cube of the size.
 */
const GREETINGS = 8

/**
 * What rides on a message to `to`. If `to` is under suspicion or down here, that comes first: it must hear of it to
 * refute it (Lifeguard section 4.3, the buddy system), even when all others were told long ago.
 */
export function piggyback(state: SwimState, to: MemberId): Update[] {
  const { maxUpdatesPerMessage, retransmitMultiplier } = state.options
  const limit = retransmits(retransmitMultiplier, state.table.present)
  const record = state.table.get(to)
  if (!record || to === state.id || record.state === 'alive' || record.state === 'left')
    return state.queue.take(maxUpdatesPerMessage, limit)
  const rest = state.queue.take(maxUpdatesPerMessage - 1, limit)
  return [{ type: 'record', record }, ...rest.filter((update) => update.type !== 'record' || update.record.id !== to)]
}

/**
 * Something is new: tell a few now, but not the one it came from. What does not fit trickles; so does what comes on top
 * of many other news, for a message for each would keep all from their work, and who is late for that is suspected,
 * which is news again.
 */
export function gossipNews(state: SwimState, from: MemberId | undefined, now: number): void {
  // While members gather, all linked ones hear of newcomers in a moment.
  if (!state.newcomers && state.mayHurry(now)) {
    gossipTo(
      state,
      [...state.linked].filter((peer) => peer !== from),
    )
  }
  keepTrickling(state, now)
}

/**
 * `member` was told of as it is known here. Of many neighbors, each told as much, those who tell it again stand for
 * those who know it: the feedback of rumor mongering (Demers et al. 1987, section 1.4). Among few that is not so: one
 * of them may be the only way to others.
 */
export function heardAgain(state: SwimState, member: MemberId): void {
  if (state.linked.size <= SMALL) return
  state.queue.heard(member, retransmits(state.options.retransmitMultiplier, state.table.present))
}

/** The next drop of what is not yet told often enough. */
export function trickle(state: SwimState, now: number): void {
  gossipTo(state, state.linked)
  keepTrickling(state, now)
}

/** Sets the timer of the trickle while there is something to tell and somebody to tell it to. */
export function keepTrickling(state: SwimState, now: number): void {
  if (state.queue.size === 0 || state.linked.size === 0 || state.timers.isSet('gossip')) return
  state.timers.set('gossip', now + state.options.gossipIntervalMs)
}

/** The same word to every linked neighbor, for what cannot wait for its turn. */
export function tellAll(state: SwimState, record: MemberRecord): void {
  for (const peer of state.linked) state.send(peer, { type: 'gossip', updates: [{ type: 'record', record }] })
}

/** The whole table, in as many messages as it takes; the last one asks for the other's, if `reply`. */
export function pushTable(state: SwimState, to: MemberId, reply: boolean): void {
  const records = state.table.all()
  const size = state.options.maxRecordsPerMessage
  for (let from = 0; from < records.length; from += size) {
    const isLast = from + size >= records.length
    state.send(to, { type: 'push-pull', reply: reply && isLast, records: records.slice(from, from + size) })
  }
}

/**
 * A link is up: both ends push, so each knows what the other knew within one message's time. A newcomer that knows
 * nobody asks besides: the other end may have pushed before the newcomer was there to hear it. Where a member has many
 * links not each need bring the table of those who hear the same news anyway: as many do as make up for what it missed
 * while it had few of them, and the others bring word of the member itself. Where it has few, each does: what was told
 * before it had any comes by no other way. To whoever is held for less than alive here the table is always told, and
 * asked for, as the other end may think otherwise of us.
 */
export function greet(state: SwimState, peer: MemberId): void {
  const { present } = state.table
  const isLarge = present > SMALL
  const links = Math.max(state.wantedLinks, state.linked.size)
  const known = state.table.get(peer)
  const isApart = known !== undefined && known.state !== 'alive'
  if (links > SMALL && !isApart && state.random() * links >= GREETINGS)
    state.send(peer, { type: 'push-pull', reply: false, records: [state.self] })
  else pushTable(state, peer, present === 1 || (isLarge && isApart))
}

/** A full exchange with one linked neighbor by chance, and the time of the next. */
export function exchange(state: SwimState, now: number): void {
  scheduleExchange(state, now)
  const [peer] = sample(state.linked, 1, state.random)
  if (peer !== undefined) pushTable(state, peer, true)
}

/**
 * Some of those that are down here, for one linked neighbor by chance: whoever knows better says so. A refutation that
 * was missed need not wait for a full exchange, as where many hear news only from a few, who tell it to some of them.
 */
export function repeatVerdicts(state: SwimState): void {
  if (state.table.goneCount === 0) return
  const down = [...state.table.gone()]
    .flatMap((id) => state.table.get(id) ?? [])
    .filter((record) => record.state === 'down')
  const [peer] = sample(state.linked, 1, state.random)
  const records = sample(down, state.options.maxUpdatesPerMessage, state.random)
  if (peer !== undefined && records.length > 0) state.send(peer, { type: 'push-pull', reply: false, records })
}

export function scheduleExchange(state: SwimState, now: number): void {
  state.timers.set('push-pull', now + state.options.pushPullIntervalMs * (0.5 + state.random()))
}

function gossipTo(state: SwimState, peers: Iterable<MemberId>): void {
  for (const peer of sample(peers, state.options.gossipFanout, state.random)) {
    const updates = piggyback(state, peer)
    if (updates.length > 0) state.send(peer, { type: 'gossip', updates })
  }
}
