import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { incarnationNumber } from '../../src/node-interface.ts'

describe('incarnationNumber', () => {
  it('grows with every refutation, and more with every generation', () => {
    const inOrder = [
      { generation: 1, refutation: 0 },
      { generation: 1, refutation: 1 },
      { generation: 1, refutation: 2 ** 20 - 1 },
      { generation: 2, refutation: 0 },
      { generation: 2 ** 33 - 1, refutation: 5 },
    ].map(incarnationNumber)
    for (const [i, number] of inOrder.entries()) {
      assert.ok(Number.isSafeInteger(number))
      if (i > 0) assert.ok(number > inOrder[i - 1]!)
    }
  })

  it('never reaches the next generation by refutations', () => {
    assert.ok(
      incarnationNumber({ generation: 1, refutation: 2 ** 40 }) < incarnationNumber({ generation: 2, refutation: 0 }),
    )
  })
})
