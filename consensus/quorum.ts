// Majority arithmetic, and nothing else: what n voters agree on. Joint consensus (thesis section 4.3) will ask both of its
// majorities here: a joint `reachedByMajority` is the smaller of the two answers, a joint win is both wins. No caller
// counts voters in another place.

/** The least number of `voters` voters that is more than half of them. */
export function majority(voters: number): number {
  return Math.floor(voters / 2) + 1
}

/**
 * The largest value that at least `needed` of `values` have reached: with match indexes the index a majority stores, with answered rounds the
 * round a majority answered. One value per voter, 0 for a voter that has reached nothing. Quadratic, for at most 7.
 */
export function reachedBy(needed: number, values: readonly number[]): number {
  let best = 0
  for (const candidate of values) {
    if (candidate <= best) continue
    let count = 0
    for (const value of values) if (value >= candidate) count++
    if (count >= needed) best = candidate
  }
  return best
}
