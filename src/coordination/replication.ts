// How far everybody who holds the log has it, as its leader knows: asked of any member, which asks the leader.

import type { Payload } from '../channels/payload.ts'
import type { Requests } from '../channels/requests.ts'
import { ClusterError } from '../errors.ts'
import { beginWait, withoutEffect } from '../wait.ts'
import type { Knowledge } from './knowledge.ts'
import type { CallOptions } from './leader-calls.ts'
import type { Voter } from './voter.ts'

const REPLICATION_SUBJECT = 'trellis.replication'
const DEFAULT_TIMEOUT_MS = 5_000

/** One member that holds the log. */
export interface Replica {
  /** An id in here, a name for users. */
  readonly member: string
  readonly role: 'leader' | 'voter' | 'learner'
  /** Its log is durable and equal to the leader's up to here; 0: nothing has been heard of it in this term. */
  readonly position: number
  /** Entries of the leader that it lacks. */
  readonly lag: number
  /** It answers, and lacks little: it could lead. */
  readonly isCaughtUp: boolean
}

/** All of them, the leader first. */
export interface Replication {
  readonly term: number
  readonly commitIndex: number
  /** What all of them can apply, as agreed: in a rolling upgrade it rises when the last one runs the later release. */
  readonly level: number
  readonly members: readonly Replica[]
}

export interface ReplicationOptions {
  readonly self: string
  readonly requests: Requests
  readonly voter: () => Voter | undefined
  readonly knowledge: () => Knowledge
}

export class ReplicationDesk {
  readonly #options: ReplicationOptions

  constructor(options: ReplicationOptions) {
    this.#options = options
    options.requests.handle(REPLICATION_SUBJECT, async () => this.#own() as unknown as Payload)
  }

  /** Rejects with `ERR_NO_QUORUM` (no leader is known), `ERR_NOT_LEADER` (it changed meanwhile), `ERR_TIMEOUT`. */
  async ask(options: CallOptions): Promise<Replication> {
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = beginWait('leadership.replication', options)
    const { self, requests, knowledge } = this.#options
    const { leader, voters } = knowledge()
    if (leader === undefined) throw new ClusterError('ERR_NO_QUORUM', 'no leader is known', { voters })
    if (leader === self) return this.#own()
    const answer = await withoutEffect(() => requests.request(leader, REPLICATION_SUBJECT, null, { signal, timeoutMs }))
    return answer as unknown as Replication
  }

  #own(): Replication {
    const { self, voter: find } = this.#options
    const voter = find()
    const view = voter?.view()
    if (voter === undefined || view?.role !== 'leader') {
      throw new ClusterError('ERR_NOT_LEADER', 'this member does not lead', { leader: view?.leader })
    }
    const { term, commitIndex, lastIndex, configuration } = view
    const votes = new Set([...configuration.voters, ...configuration.outgoing].map(({ id }) => id))
    const others = voter.followers().map(
      ({ id, matchIndex, isCaughtUp }): Replica => ({
        member: id,
        role: votes.has(id) ? 'voter' : 'learner',
        position: matchIndex,
        lag: lastIndex - matchIndex,
        isCaughtUp,
      }),
    )
    const own: Replica = { member: self, role: 'leader', position: lastIndex, lag: 0, isCaughtUp: true }
    return { term, commitIndex, level: voter.machine.level, members: [own, ...others] }
  }
}
