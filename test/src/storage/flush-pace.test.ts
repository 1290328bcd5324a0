import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  creditPerSlowMs,
  FlushPace,
  maxBlockingBytes,
  shortFlushesInARow,
  shortFlushMs,
} from '../../../src/storage/flush-pace.ts'

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

  it('is unknown as long as one of the first flushes is not short', () => {
    const broken = [...short(shortFlushesInARow - 1), shortFlushMs * 1.01, ...short(shortFlushesInARow - 1)]
    assert.equal(paceAfter(...broken).mayBlock(1), false)
    assert.equal(paceAfter(...broken, ...short(1)).mayBlock(1), true)
  })

  it('is slow after one long flush, until enough short ones came again', () => {
    const slow = [...short(1_000), (2 * shortFlushesInARow) / creditPerSlowMs]
    assert.equal(paceAfter(...slow).mayBlock(1), false)
    assert.equal(paceAfter(...slow, ...short(shortFlushesInARow - 1)).mayBlock(1), false)
    assert.equal(paceAfter(...slow, ...short(shortFlushesInARow)).mayBlock(1), true)
  })

  it('stays quick where a flush now and then is a little longer, not where many are', () => {
    const [ms, often] = [3, 30]
    const now = new Array<number[]>(100).fill([ms, ...short(often)]).flat()
    assert.equal(paceAfter(...short(1_000), ...now, ms).mayBlock(1), true)
    assert.equal(paceAfter(...short(1_000), ms, ms).mayBlock(1), false)
  })

  it('lets a disk that becomes slow block for 4 ms and one flush more', () => {
    const pace = paceAfter(...short(1_000))
    const ms = 1.5
    let blocked = 0
    while (pace.mayBlock(1)) {
      pace.took(ms)
      blocked += ms
    }
    assert.ok(blocked <= shortFlushesInARow / creditPerSlowMs + ms, `${blocked}`)
  })

  it('lets no large write block', () => {
    const pace = paceAfter(...short(shortFlushesInARow))
    assert.equal(pace.mayBlock(maxBlockingBytes), true)
    assert.equal(pace.mayBlock(maxBlockingBytes + 1), false)
  })
})
