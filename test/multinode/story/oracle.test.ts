import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Observed } from './observed.ts'
import { Oracle } from './oracle.ts'

type Told = readonly [node: string, observed: Observed]

const held = (node: string, token: number, from: number, to: number): Told => [node, { type: 'held', token, from, to }]
const accepted = (node: string, token: number): Told => [node, { type: 'accepted', token }]
const decided = (token: number, index: number, n: number): Told => ['a', { type: 'decided', token, index, n }]
const handled = (seq: number, life = 1): Told => ['b', { type: 'handled', from: 'a', life, seq }]
const acknowledged = (seq: number, life = 1): Told => ['a', { type: 'acknowledged', to: 'b', life, seq }]

function violationsOf(told: readonly Told[]): readonly string[] {
  const oracle = new Oracle()
  for (const [node, observed] of told) oracle.observe(node, observed)
  oracle.conclude()
  return oracle.violations
}

describe('the oracle', () => {
  it('is content with hosts one after the other, growing tokens, counted decisions, handled letters', () => {
    const told = [
      held('a', 5, 100, 200),
      held('a', 5, 200, 290),
      held('b', 9, 300, 400),
      accepted('c', 5),
      accepted('c', 9),
      accepted('d', 9),
      decided(5, 6, 1),
      decided(9, 11, 4),
      decided(9, 10, 3),
      acknowledged(1),
      handled(1),
      handled(2),
      acknowledged(2),
      handled(1, 2),
    ]
    assert.deepEqual(violationsOf(told), [])
  })

  const planted: Readonly<Record<string, readonly [readonly Told[], RegExp]>> = {
    'two hosts at once': [[held('a', 5, 100, 200), held('b', 9, 150, 300)], /hosted S5 at once/],
    'two hosts at once, heard of in the other order': [
      [held('b', 9, 150, 300), held('a', 5, 100, 200)],
      /hosted S5 at once/,
    ],
    'an old host that goes on under its successor': [
      [held('a', 5, 100, 200), held('b', 9, 250, 300), held('a', 5, 200, 260)],
      /hosted S5 at once/,
    ],
    'two hosts with one token': [[held('a', 5, 100, 200), held('b', 5, 300, 400)], /both host S5 with token 5/],
    'a smaller token after a larger one': [[accepted('c', 9), accepted('c', 5)], /accepted token 5 after 9/],
    'a decision that the next host does not know': [
      [decided(5, 6, 1), decided(5, 7, 2), decided(9, 10, 2)],
      /is not counted/,
    ],
    'the same, heard of late': [[decided(9, 10, 2), decided(5, 7, 2)], /is not counted/],
    'a decision from before its host': [[decided(9, 8, 1)], /before its token/],
    'a letter that was acknowledged and never handled': [
      [handled(1), acknowledged(1), acknowledged(2)],
      /letter 2 .* never handled/,
    ],
    'a letter that was handled twice': [[handled(1), handled(1)], /handled twice/],
    'letters out of order': [[handled(2), handled(1)], /letter 1 .* after letter 2/],
  }
  for (const [name, [told, expected]] of Object.entries(planted)) {
    it(`sees ${name}`, () => {
      const [violation, ...others] = violationsOf(told)
      assert.match(violation ?? 'nothing was seen', expected)
      assert.deepEqual(others, [])
    })
  }

  it('sees answers to clients that are older than one given before they asked, and two values of one revision', () => {
    const oracle = new Oracle()
    const first = oracle.ask('write', 'k')
    const beside = oracle.ask('read', 'k')
    oracle.answered(first, 7, 'x')
    oracle.answered(beside, 0, undefined)
    oracle.answered(oracle.ask('read', 'k'), 7, 'x')
    assert.equal(oracle.violations.length, 0)
    oracle.answered(oracle.ask('read', 'k'), 6, 'w')
    oracle.answered(oracle.ask('write', 'k'), 7, 'x')
    oracle.answered(oracle.ask('read', 'k'), 7, 'y')
    assert.deepEqual(
      oracle.violations.map((text) => text.split(' ').slice(0, 2).join(' ')),
      ['a read', 'a write', 'revision 7'],
    )
  })

  it('keeps no more than the first violations and the newest records', () => {
    const oracle = new Oracle()
    for (let n = 1; n <= 50_000; n++) {
      oracle.observe(...handled(n))
      oracle.observe(...accepted('c', 50_000 - n))
    }
    assert.equal(oracle.violations.length, 100)
    assert.equal(oracle.missing, 0)
  })
})
