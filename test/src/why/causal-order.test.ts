import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { inCausalOrder } from '../../../src/why/causal-order.ts'
import type { Evidence, VerdictEvidence } from '../../../src/why/why-interface.ts'

const verdict = (
  observer: string,
  sequence: number,
  at: number,
  fields: Partial<VerdictEvidence> = {},
): VerdictEvidence => ({
  type: 'verdict',
  observer,
  sequence,
  at,
  incarnation: 5,
  state: 'suspect',
  condition: 'ok',
  previous: { state: 'alive', condition: 'ok' },
  reason: 'suspect',
  accusers: [],
  loopDelayMs: 0,
  term: 1,
  leader: null,
  ...fields,
})
const accuser = (by: string) => ({ by, kind: 'silent', agoMs: 1 }) as const
const told = (entries: readonly Evidence[]): string[] =>
  inCausalOrder(entries, 'subject').map(({ observer, sequence }) => `${observer}${sequence}`)

describe('evidence of many observers', () => {
  it('is told in the order of time where nothing else is known', () => {
    assert.deepEqual(told([verdict('b', 1, 20), verdict('a', 1, 30), verdict('c', 1, 10)]), ['c1', 'b1', 'a1'])
  })

  it('keeps the order of each observer, though its clock was set back', () => {
    assert.deepEqual(told([verdict('a', 1, 50), verdict('a', 2, 10), verdict('b', 1, 30)]), ['b1', 'a1', 'a2'])
  })

  it('puts an accuser before who counts it, though their clocks differ', () => {
    const first = verdict('a', 1, 900, { accusers: [accuser('a')] })
    const second = verdict('b', 1, 100, { accusers: [accuser('a'), accuser('b')], state: 'down', reason: 'down' })
    assert.deepEqual(told([second, first]), ['a1', 'b1'])
  })

  it('puts what a member says of itself between the accusation and those who believe it', () => {
    const accused = verdict('a', 1, 900, { accusers: [accuser('a')] })
    const refuted = { state: 'alive', reason: 'refuted', incarnation: 6 } as const
    const own = verdict('subject', 1, 500, refuted)
    const believed = verdict('b', 1, 100, refuted)
    assert.deepEqual(told([believed, own, accused]), ['a1', 'subject1', 'b1'])
  })

  it('loses and doubles nothing, whatever it is made of', () => {
    const entry = fc
      .record({
        observer: fc.constantFrom('a', 'b', 'subject'),
        at: fc.integer({ min: 0, max: 9 }),
        incarnation: fc.integer({ min: 1, max: 3 }),
        reason: fc.constantFrom('suspect', 'down', 'refuted', 'condition'),
        accusers: fc.array(fc.constantFrom('a', 'b', 'subject').map(accuser), { maxLength: 3 }),
      })
      .map(({ observer, at, ...fields }) => verdict(observer, 0, at, fields as Partial<VerdictEvidence>))
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 12 }), (entries) => {
        const numbered = entries.map((one, sequence) => ({ ...one, sequence }))
        const order = inCausalOrder(numbered, 'subject')
        assert.deepEqual(new Set(order), new Set(numbered))
        assert.equal(order.length, numbered.length)
      }),
    )
  })
})
