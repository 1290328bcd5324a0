import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterError, fence } from '../../../src/index.ts'
import { failureOf } from '../local-nodes.ts'

const stale = (error: unknown): boolean => error instanceof ClusterError && error.code === 'ERR_STALE_TOKEN'

describe('a fence', () => {
  it('lets through what has the largest token, and nothing older', async () => {
    const guard = fence()
    assert.equal(await guard.pass(3, () => 'a'), 'a')
    assert.equal(await guard.pass(3, () => 'b'), 'b')
    await guard.pass(7, () => {})
    await assert.rejects(
      guard.pass(3, () => assert.fail('it ran')),
      stale,
    )
    assert.equal(guard.highest, 7)
  })

  it('keeps a larger token before its effect, and refuses older ones even when it cannot be kept', async () => {
    const order: string[] = []
    const guard = fence({ highest: 5, keep: async (token) => void order.push(`keep ${token}`) })
    await guard.pass(6, () => void order.push('effect'))
    assert.deepEqual(order, ['keep 6', 'effect'])
    const broken = fence({ keep: () => Promise.reject(new Error('full')) })
    await assert.rejects(
      broken.pass(2, () => assert.fail('it ran')),
      /full/,
    )
    await assert.rejects(
      broken.pass(1, () => assert.fail('it ran')),
      stale,
    )
  })

  it('runs one effect after the other, so that none is overtaken between check and act', async () => {
    const guard = fence()
    const order: string[] = []
    let finish = (): void => {}
    const slow = guard.pass(1, () =>
      new Promise<void>((resolve) => (finish = resolve)).then(() => void order.push('old')),
    )
    const next = guard.pass(2, () => void order.push('new'))
    await Promise.resolve()
    await Promise.resolve()
    finish()
    await Promise.all([slow, next])
    assert.deepEqual(order, ['old', 'new'])
  })

  it('runs nothing with a token that could not be kept, however often it is tried', async () => {
    const kept: number[] = []
    let isFull = true
    const keep = (token: number): void => {
      if (isFull) throw new Error('full')
      kept.push(token)
    }
    const guard = fence({ keep })
    for (let attempt = 0; attempt < 2; attempt++)
      await assert.rejects(
        guard.pass(2, () => assert.fail('it ran')),
        /full/,
      )
    isFull = false
    assert.equal(await guard.pass(2, () => kept.join()), '2')
    await guard.pass(2, () => {})
    assert.deepEqual(kept, [2])
  })

  it('takes no token that is no whole number', async () => {
    const guard = fence({ highest: 5 })
    const run = (): never => assert.fail('it ran')
    for (const token of [Number.NaN, -1, 6.5, Number.POSITIVE_INFINITY, '9', undefined, null])
      assert.equal((await failureOf(guard.pass(token as number, run))).code, 'ERR_BAD_OPTIONS')
    const { details } = await failureOf(guard.pass(Number.NaN, 'nothing' as unknown as () => void))
    assert.equal('problems' in details && details.problems.length, 2)
    assert.equal(guard.highest, 5)
  })

  it('takes no options that cannot be, all problems at once', async () => {
    const made = async (options: unknown): Promise<unknown> => fence(options as Parameters<typeof fence>[0])
    for (const highest of [Number.NaN, -1, 1.5, '41', null])
      assert.equal((await failureOf(made({ highest }))).code, 'ERR_BAD_OPTIONS')
    for (const options of [null, 5, [], { keep: 5 }, { hihgest: 5 }])
      assert.equal((await failureOf(made(options))).code, 'ERR_BAD_OPTIONS')
    const { details } = await failureOf(made({ highest: Number.NaN, keep: 5, other: 1 }))
    assert.equal('problems' in details && details.problems.length, 3)
    assert.equal(fence({ highest: undefined }).highest, 0)
  })
})
