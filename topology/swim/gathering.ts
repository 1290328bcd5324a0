// Founders that come together over the link to one of them have few other links as yet, so news does not spread among
// them from one to the next. As long as that lasts, whoever is linked to several tells all of them of each newcomer,
// several together.

import type { MemberId } from '../types.ts'
import type { SwimState } from './state.ts'

/** Newcomers of so many milliseconds are told of together. */
const TOGETHER_MS = 20

/** What came meanwhile is told when it ends. */
export function setGathering(state: SwimState, isGathering: boolean): void {
  if (isGathering) state.newcomers ??= new Set()
  else {
    tellNewcomers(state)
    state.newcomers = undefined
    state.timers.clear('newcomers')
  }
}

export function gather(state: SwimState, newcomer: MemberId): void {
  state.newcomers?.add(newcomer)
}

/** Sets the timer to tell of whoever is new. */
export function keepGathering(state: SwimState, now: number): void {
  if (state.newcomers?.size && !state.timers.isSet('newcomers')) state.timers.set('newcomers', now + TOGETHER_MS)
}

export function tellNewcomers(state: SwimState): void {
  const { table, options, newcomers, linked } = state
  const records = [...(newcomers ?? [])].flatMap((id) => table.get(id) ?? [])
  newcomers?.clear()
  for (const peer of linked) {
    const told = records.filter(({ id }) => id !== peer)
    for (let from = 0; from < told.length; from += options.maxUpdatesPerMessage) {
      const some = told.slice(from, from + options.maxUpdatesPerMessage)
      state.send(peer, { type: 'gossip', updates: some.map((record) => ({ type: 'record', record })) })
    }
  }
}
