// The stories of a cluster's hardships, on OS processes, with the oracle watching: one of the matrix in each run, by
// the commit's hash, and each story once where all are wanted. `scripts/stories.ts` tells all of them, in every
// topology, on hosts in network namespaces too.

import { describe, it } from 'node:test'
import { processNetwork } from './story/network.ts'
import { stories } from './story/stories.ts'
import { tell, topologies } from './story/story.ts'
import { inTurn, isWhole } from './story/turn.ts'

const matrix = stories
  .filter(({ needs }) => processNetwork.cannot(needs) === undefined)
  .flatMap((story) => topologies.map((topology) => ({ story, topology })))

describe('five processes', () => {
  for (const { story, topology } of inTurn(matrix, isWhole ? topologies.length : matrix.length))
    it(`live through ${story.name} in ${topology}`, async () => {
      await tell(story, processNetwork, topology)
    })
})
