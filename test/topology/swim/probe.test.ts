import { strict as assert } from 'node:assert'
import { describe, it } from 'node:test'
import { ProbeRound } from '../../../topology/swim/probe.ts'
import { ProbeOrder } from '../../../topology/swim/probe-order.ts'
import { generator } from '../generator.ts'

const incarnation = { generation: 1, refutation: 0 }

describe('a probe round (SWIM section 4.1)', () => {
  const round = (helpers: readonly string[] = []) => {
    const made = new ProbeRound(7, 't', incarnation)
    made.ask(helpers)
    return made
  }

  it('ends well with the ack of the target, or of a helper for the target', () => {
    for (const from of ['t', 'h']) {
      const asked = round(['h'])
      assert.equal(asked.ack(from, 7, 't'), true)
      assert.equal(asked.isAnswered, true)
    }
  })

  it('counts no ack of another round, of another target, or of somebody who was not asked', () => {
    const asked = round(['h'])
    const strange: [string, number, string][] = [
      ['t', 6, 't'],
      ['h', 7, 'x'],
      ['x', 7, 't'],
      ['t', 7, 'x'],
    ]
    for (const [from, probe, target] of strange) assert.equal(asked.ack(from, probe, target), false)
    assert.equal(asked.isAnswered, false)
  })

  it('learns from nacks that the fault is not its own (Lifeguard section 4.1)', () => {
    const asked = round(['g', 'h'])
    assert.equal(asked.silentHelpers, 2)
    assert.equal(asked.nack('g', 7, 't'), true)
    assert.equal(asked.nack('x', 7, 't'), false)
    assert.equal(asked.silentHelpers, 1)
    assert.equal(asked.isAnswered, false)
  })
})

describe('the order of probes (SWIM section 4.3)', () => {
  const everyone = () => true
  const ids = ['a', 'b', 'c', 'd', 'e', 'f']

  it('visits every neighbor once in each pass', () => {
    const order = new ProbeOrder(generator(1))
    order.update(ids)
    for (let pass = 0; pass < 5; pass++) {
      const visited = ids.map(() => order.next(everyone))
      assert.deepEqual([...visited].sort(), ids)
    }
  })

  it('is shuffled anew for each pass', () => {
    const order = new ProbeOrder(generator(1))
    order.update(ids)
    const passes = new Set(Array.from({ length: 10 }, () => ids.map(() => order.next(everyone)).join()))
    assert.ok(passes.size > 5)
  })

  it('lets a new neighbor into the running pass and takes a former one out', () => {
    const order = new ProbeOrder(generator(1))
    order.update(['a', 'b', 'c'])
    const first = order.next(everyone) as string
    order.update(['a', 'b', 'c', 'z'].filter((id) => id !== first))
    const rest = [1, 2, 3].map(() => order.next(everyone))
    assert.deepEqual(rest.sort(), ['a', 'b', 'c', 'z'].filter((id) => id !== first).sort())
  })

  it('passes over those that cannot be probed, and knows when there is none', () => {
    const order = new ProbeOrder(generator(1))
    order.update(ids)
    for (let turn = 0; turn < 4; turn++)
      assert.equal(
        order.next((id) => id === 'c'),
        'c',
      )
    assert.equal(
      order.next(() => false),
      undefined,
    )
  })
})
