// The word somebody probably meant: for "unknown option 'listne', did you mean 'listen'?". Optimal string alignment
// distance (Damerau 1964): a swap of two neighbours is one mistake, as it is for the hand that made it.

/** The candidate nearest to `word`, or undefined when none is near enough to be worth saying. */
export function closestWord(word: string, candidates: Iterable<string>): string | undefined {
  const typed = word.toLowerCase()
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = mistakes(typed, candidate.toLowerCase(), bestDistance)
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best
}

/** Longest word that is compared: the work is quadratic, and nobody's option has more letters. */
const maxWordLength = 64

function mistakes(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit || a.length > maxWordLength) return limit
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + (same ? 0 : 1))
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) cost = Math.min(cost, beforeLast[column - 2]! + 1)
      current.push(cost)
    }
    beforeLast = last
    last = current
  }
  return last[b.length]!
}
