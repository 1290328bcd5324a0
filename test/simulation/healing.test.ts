import { describe, it } from 'node:test'
import { topologies } from '../multinode/story/story.ts'
import { inTurn, isWhole } from '../multinode/story/turn.ts'
import { heal, healedWithinMs } from './healing.ts'

describe(`whole nodes in virtual time are whole again within ${healedWithinMs} ms`, () => {
  for (const topology of inTurn(topologies, isWhole ? 1 : topologies.length))
    it(`in ${topology}: parted with broken connections, isolated leader, all restarted at once, back at another address`, async () => {
      await heal({ topology, seed: 1, members: 5, partedMs: 30_000 })
    })
})
