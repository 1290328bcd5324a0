// Whom a leader need not hurry for. An entry is committed by a majority, and mostly by the same one: the followers
// whose logs are ahead. Where writes follow each other closely the others hear of entries and commits a moment later,
// several in one message, so that each write costs them and the leader a fraction of a message, of a flush, of an
// answer. (Moraru et al. 2013, "There Is More Consensus in Egalitarian Parliaments", call sending to no more than a
// majority thrifty.) One that is relied upon and falls silent costs that moment once: then the others' logs are ahead
// of it.

import { isJoint } from './configuration.ts'
import type { Progress } from './progress.ts'
import { inForce } from './standing.ts'
import type { LeaderState, RaftState } from './state.ts'
import type { VoterId } from './types.ts'

/**
 * With so many entries that it lacks, or that are not committed, a message costs little beside what is in it, and the
 * quickest of all followers is worth it. A guess.
 */
const maxSparedEntries = 8

/** Whether this follower may be told of what is new a moment later. `relied`: what {@link reliedUpon} says. */
export function maySpare<Command>(
  { log }: RaftState<Command>,
  relied: readonly VoterId[] | undefined,
  peer: VoterId,
  { mode, next }: Progress,
): boolean {
  if (relied === undefined || mode !== 'replicate' || relied.includes(peer)) return false
  return log.lastIndex - next < maxSparedEntries
}

/**
 * Until when this spare waits for what is new; `now`: it is told, which counts. Of a write that comes alone it hears at
 * once, as of its commit: that is two messages in a row, and from then on there is one in `spareDelayMs` (a token
 * bucket, kept as the time at which it is full).
 */
export function tellSpare<Command>({ options }: RaftState<Command>, progress: Progress, now: number): number {
  const { spareDelayMs } = options
  if (progress.sparedUntil > now + spareDelayMs) return progress.sparedUntil - spareDelayMs
  progress.sparedUntil = Math.max(progress.sparedUntil, now) + spareDelayMs
  return now
}

/**
 * Those that are sent everything at once, as with this leader they are a majority; undefined: all are, for nobody can
 * be spared, much is under way, or leadership or the voters are changing.
 */
export function reliedUpon<Command>(raft: RaftState<Command>, leader: LeaderState): readonly VoterId[] | undefined {
  const { options, rules, self, storeId, transfer, log, commitIndex } = raft
  if (options.spareDelayMs === 0 || transfer !== undefined) return undefined
  if (log.lastIndex - commitIndex >= maxSparedEntries) return undefined
  const configuration = inForce(raft)
  if (isJoint(configuration)) return undefined
  const { voters } = configuration
  const own = voters.some((voter) => voter.id === self && rules.speaksFor(voter, storeId)) ? 1 : 0
  const needed = rules.majority(voters.length) - own
  const ready = voters.flatMap((voter) => {
    const progress = leader.progress.get(voter.id)
    return progress?.mode === 'replicate' && rules.speaksFor(voter, progress.storeId)
      ? [{ id: voter.id, progress }]
      : []
  })
  if (ready.length < needed) return undefined
  ready.sort((one, other) => other.progress.match - one.progress.match)
  return ready.slice(0, needed).map(({ id }) => id)
}
