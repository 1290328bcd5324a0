import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkPattern, checkTopic, topicMatcher } from '../../../src/channels/topics.ts'

describe('a topic pattern', () => {
  const cases: readonly [pattern: string, fits: readonly string[], not: readonly string[]][] = [
    ['orders', ['orders'], ['orders.created', 'order']],
    ['orders.*', ['orders.created', 'orders.*'], ['orders', 'orders.created.eu', 'bills.created']],
    ['*', ['orders'], ['orders.created']],
    ['**', ['orders', 'orders.created.eu'], []],
    ['orders.**', ['orders', 'orders.created', 'orders.created.eu'], ['bills', 'orderss']],
    ['**.created', ['created', 'orders.created', 'a.created.created'], ['orders.created.eu']],
    ['a.**.b.*.c', ['a.b.x.c', 'a.x.b.b.x.c', 'a.b.b.b.c'], ['a.b.c', 'a.x.b.x.d', 'b.x.c']],
  ]
  for (const [pattern, fits, not] of cases)
    it(`${pattern} fits ${fits.join(', ')}`, () => {
      const matches = topicMatcher(pattern)
      for (const topic of fits) assert.ok(matches(topic), topic)
      for (const topic of not) assert.ok(!matches(topic), topic)
    })

  it('is matched in bounded time, whatever it is made of', () => {
    const matches = topicMatcher(Array.from({ length: 40 }, () => '**.a').join('.'))
    assert.equal(matches(`${'a.'.repeat(120)}b`), false)
  })

  it('is refused when it is none, and so is a topic', () => {
    for (const bad of ['', '.', 'a.', '.a', 'a..b', 'a b', 'a*', '***', 'a'.repeat(257), 'ä'])
      assert.throws(() => checkPattern(bad), { code: 'ERR_BAD_REQUEST' }, bad)
    for (const bad of ['', 'a.*', '**', 'a..b']) assert.throws(() => checkTopic(bad), { code: 'ERR_BAD_REQUEST' })
    for (const bad of [1, undefined, null] as never[]) {
      assert.throws(() => checkTopic(bad), { code: 'ERR_BAD_OPTIONS' })
      assert.throws(() => checkPattern(bad), { code: 'ERR_BAD_OPTIONS' })
    }
    for (const good of ['a', 'a.b', 'a-b._c.9']) checkTopic(good)
  })
})
