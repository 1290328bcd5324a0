// The search for an order of a history, against every order there is, and on histories that people know.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { checkLinearizable, type Model, type Operation } from '../../../src/testing/linearizability.ts'

type Call = { readonly type: 'write'; readonly value: number } | { readonly type: 'read' }

const register: Model<number, Call, number> = {
  initial: 0,
  step: (state, call) => (call.type === 'read' ? { state, reply: state } : { state: call.value, reply: 0 }),
  textOf: String,
  isSame: (one, other) => one === other,
}

const write = (value: number, began: number, ended: number): Operation<Call, number> => ({
  call: { type: 'write', value },
  began,
  ended,
  reply: 0,
})
const read = (reply: number, began: number, ended: number): Operation<Call, number> => ({
  call: { type: 'read' },
  began,
  ended,
  reply,
})
const never = Number.POSITIVE_INFINITY

describe('a history', () => {
  it('is linearizable when its operations can stand in an order that contradicts no real time', () => {
    assert.equal(checkLinearizable([write(1, 0, 10), read(1, 2, 4), read(1, 5, 12)], register), 'linearizable')
    assert.equal(checkLinearizable([write(1, 0, 10), read(0, 2, 4), read(1, 5, 12)], register), 'linearizable')
  })

  it('is not when a read does not see what was answered before it, or goes back', () => {
    assert.equal(checkLinearizable([write(1, 0, 1), read(0, 2, 3)], register), 'not-linearizable')
    assert.equal(checkLinearizable([write(1, 0, 10), read(1, 2, 4), read(0, 5, 6)], register), 'not-linearizable')
  })

  it('may hold a call without an answer that took effect later, or never', () => {
    assert.equal(checkLinearizable([write(1, 0, never), read(0, 2, 3), read(1, 4, 5)], register), 'linearizable')
    assert.equal(checkLinearizable([write(1, 0, never), read(0, 2, 3), read(0, 4, 5)], register), 'linearizable')
    assert.equal(checkLinearizable([write(1, 4, never), read(1, 2, 3)], register), 'not-linearizable')
  })

  it('is judged as by trying every order', () => {
    const operation = fc.record({
      isWrite: fc.boolean(),
      value: fc.integer({ min: 0, max: 2 }),
      began: fc.integer({ min: 0, max: 9 }),
      lasts: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
    })
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 6 }), (drawn) => {
        const history = drawn.map(({ isWrite, value, began, lasts }) => {
          const ended = lasts === undefined ? never : began + lasts
          return isWrite ? write(value, began, ended) : read(value, began, ended)
        })
        assert.equal(checkLinearizable(history, register), hasOrder(history) ? 'linearizable' : 'not-linearizable')
      }),
    )
  })
})

/** Tries every order of every choice of the operations without an answer. */
function hasOrder(left: readonly Operation<Call, number>[], state = 0): boolean {
  if (left.every(({ ended }) => ended === never)) return true
  const earliestEnd = Math.min(...left.map(({ ended }) => ended))
  return left.some((operation) => {
    if (operation.began > earliestEnd) return false
    const step = register.step(state, operation.call)
    if (operation.ended !== never && step.reply !== operation.reply) return false
    return hasOrder(
      left.filter((each) => each !== operation),
      step.state,
    )
  })
}
