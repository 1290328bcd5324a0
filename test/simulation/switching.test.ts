import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { switchBugs } from '../../src/testing/simulator/switching/bugs.ts'
import { SwitchingFailure } from '../../src/testing/simulator/switching/failure.ts'
import { runSwitching } from '../../src/testing/simulator/switching/run.ts'
import { runWholeSwitching, wholeSwitchBugs } from '../../src/testing/simulator/switching/whole.ts'

const SEEDS = Number(process.env.TRELLIS_SWITCHING_SEEDS ?? 40)

describe('simulated switches of the topology', () => {
  it('end in one epoch everywhere, and lose, double or reorder no acknowledged message', () => {
    const sum = { committed: 0, aborted: 0, acknowledged: 0 }
    for (let seed = 1; seed <= SEEDS; seed++) {
      try {
        const { committed, aborted, acknowledged } = runSwitching(seed)
        sum.committed += committed
        sum.aborted += aborted
        sum.acknowledged += acknowledged
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
      }
    }
    assert.ok(sum.committed > SEEDS && sum.aborted > 0 && sum.acknowledged > 100 * SEEDS, JSON.stringify(sum))
  })

  it('are the same for the same seed', () => {
    assert.deepEqual(runSwitching(7), runSwitching(7))
  })

  for (const bug of switchBugs) {
    it(`notice a planted bug: ${bug}`, () => {
      const isCaught = (seed: number): boolean => {
        try {
          runSwitching(seed, bug)
          return false
        } catch (error) {
          if (error instanceof SwitchingFailure) return true
          throw error
        }
      }
      assert.ok(Array.from({ length: 20 }, (_, seed) => seed + 1).some(isCaught))
    })
  }
})

const WHOLE_SEEDS = Number(process.env.TRELLIS_WHOLE_SWITCHING_SEEDS ?? 2)

describe('whole nodes that switch their topology, struck in every phase', () => {
  it('end in one epoch everywhere, and lose, double or reorder no acknowledged message', async () => {
    const sum = { committed: 0, acknowledged: 0, blows: 0 }
    for (let seed = 1; seed <= WHOLE_SEEDS; seed++) {
      const { committed, acknowledged, blows } = await runWholeSwitching(seed).catch((error) => {
        throw new Error(`seed ${seed}: ${error.message}`, { cause: error })
      })
      sum.committed += committed
      sum.acknowledged += acknowledged
      sum.blows += Object.keys(blows).length
    }
    assert.ok(sum.committed > WHOLE_SEEDS && sum.blows > 0 && sum.acknowledged > 300 * WHOLE_SEEDS, JSON.stringify(sum))
  })

  for (const bug of wholeSwitchBugs)
    it(`notice a planted bug: ${bug}`, async () => {
      await assert.rejects(runWholeSwitching(1, bug), SwitchingFailure)
    })
})
