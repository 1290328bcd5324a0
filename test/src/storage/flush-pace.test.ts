import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FlushPace, maxBlockingBytes, shortFlushesInARow, shortFlushMs } from '../../../src/storage/flush-pace.ts'

function paceAfter(...flushes: number[]): FlushPace {
  const pace = new FlushPace()
  for (const ms of flushes) pace.took(ms)
  return pace
}

const short = (count: number): number[] => new Array<number>(count).fill(shortFlushMs)

describe('the pace of a disk', () => {
  it('is unknown at first: nothing blocks before enough short flushes in a row', () => {
    assert.equal(paceAfter().mayBlock(1), false)
    assert.equal(paceAfter(...short(shortFlushesInARow - 1)).mayBlock(1), false)
    assert.equal(paceAfter(...short(shortFlushesInARow)).mayBlock(1), true)
  })

  it('is slow after one flush that was not short, until enough short ones came again', () => {
    const slow = [...short(1_000), shortFlushMs * 1.01]
    assert.equal(paceAfter(...slow).mayBlock(1), false)
    assert.equal(paceAfter(...slow, ...short(shortFlushesInARow - 1)).mayBlock(1), false)
    assert.equal(paceAfter(...slow, ...short(shortFlushesInARow)).mayBlock(1), true)
  })

  it('lets no large write block', () => {
    const pace = paceAfter(...short(shortFlushesInARow))
    assert.equal(pace.mayBlock(maxBlockingBytes), true)
    assert.equal(pace.mayBlock(maxBlockingBytes + 1), false)
  })
})
