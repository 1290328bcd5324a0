// Passive views are kept fresh by shuffles (section 4.4): a sample of one's views walks to somebody far away, who
// answers with one of its own. The walk remembers its path, so that the answer comes back over links that are there.

import { sample } from '../swim/sample.ts'
import type { MemberId } from '../types.ts'
import type { Candidate, HyParViewMessage } from './messages.ts'
import type { State } from './state.ts'

type MessageOf<Type extends HyParViewMessage['type']> = Extract<HyParViewMessage, { type: Type }>

export class Shuffling {
  readonly #state: State
  /** Sent in the last shuffle: they are elsewhere now, and make room for what comes back. */
  #sent: readonly MemberId[] = []

  constructor(state: State) {
    this.#state = state
  }

  shuffle(): void {
    const state = this.#state
    const { shuffleActive, shufflePassive, activeWalkLength, maxCandidateAge } = state.options
    state.passive.grow(maxCandidateAge)
    this.#topUp()
    const to = state.randomNeighbor()
    if (to === undefined) return
    const neighbors = sample(state.active.keys(), shuffleActive, state.random)
    const candidates = state.passive.sample(shufflePassive)
    this.#sent = candidates.map(({ id }) => id)
    const own = [state.self, ...neighbors].map((id) => ({ id, age: 0 }))
    state.send(to, {
      type: 'shuffle',
      path: [state.self],
      timeToLive: activeWalkLength - 1,
      sample: [...own, ...candidates],
    })
  }

  receive(from: MemberId, message: MessageOf<'shuffle'>): void {
    const state = this.#state
    const { path, timeToLive, sample: received } = message
    const origin = path[0]
    if (origin === undefined || origin === state.self || path.length > state.options.activeWalkLength) {
      return void state.drop('bad-shuffle')
    }
    const next = state.randomNeighbor(from, origin)
    if (next !== undefined && !state.rules.endsWalk(timeToLive, state.active.size)) {
      state.send(next, { ...message, path: [...path, state.self], timeToLive: timeToLive - 1 })
      return
    }
    const answer = state.passive.sample(received.length)
    state.send(from, { type: 'shuffle-reply', path: path.slice(0, -1), sample: answer })
    this.#keep(
      received,
      answer.map(({ id }) => id),
    )
  }

  receiveReply({ path, sample: received }: MessageOf<'shuffle-reply'>): void {
    const next = path.at(-1)
    if (next !== undefined) {
      this.#state.send(next, { type: 'shuffle-reply', path: path.slice(0, -1), sample: received })
      return
    }
    this.#keep(received, this.#sent)
    this.#sent = []
  }

  #keep(received: readonly Candidate[], replaceable: readonly MemberId[]): void {
    const places = new Set(replaceable)
    for (const { id, age } of received) this.#state.keepAsCandidate(id, age, places)
  }

  /** Whoever knows all members need not wait for a shuffle to bring some. */
  #topUp(): void {
    const state = this.#state
    if (state.isOpen || state.passive.isFull) return
    const missing = [...state.known.keys()].filter((id) => state.isWelcome(id) && !state.active.has(id))
    for (const id of sample(missing, state.options.passiveSize - state.passive.size, state.random))
      state.keepAsCandidate(id, 0)
  }
}
