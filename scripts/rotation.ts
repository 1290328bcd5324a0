// Test files that take turns: what is slow, and least likely to break by itself. Each commit runs a quarter of them, by
// its hash; `npm run test:all` and TRELLIS_REQUIRE_ALL=1 run them all, and whoever names one gets it. Within files that
// run every time, a slice of a long matrix is taken by `inTurn` itself.

import { inTurn } from '../test/multinode/story/turn.ts'

/** How many commits it takes, on average, until each had its turn. */
export const step = 4

/** By kind, so that each run has some of each. */
const rotating = [
  // Stories of processes, but for those without which nothing else matters.
  /^test\/multinode\/(?!(exit|forming|kill|stories|up)\.)[^/]+$/,
  // Pages of the dashboard, etcd, papers' figures, and long histories of links. The dashboard itself and the client are
  // looked at every time.
  /^test\/browser\/(calls|panels|switch)\./,
  /^test\/src\/(channels\/let-go|cli\/simulate-overlay|coordination\/etcd\/(faults|node)|testing\/simulator\/overlay\/trial|transport\/libp2p\/closing)\./,
]

/** Those of the files whose turn it is not. */
export function notInTurn(files: readonly string[], commit?: string): string[] {
  const kinds = rotating.map((kind) => files.filter((file) => kind.test(file)))
  return kinds.flatMap((kind) => {
    const now = inTurn(kind, step, commit)
    return kind.filter((file) => !now.includes(file))
  })
}
