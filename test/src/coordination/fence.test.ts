import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterError, fence } from '../../../src/index.ts'

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

  it('takes no token that is no whole number', async () => {
    await assert.rejects(
      fence().pass(Number.NaN, () => {}),
      stale,
    )
  })
})
