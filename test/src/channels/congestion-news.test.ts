import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CongestionNews } from '../../../src/channels/congestion-news.ts'
import type { Timer } from '../../../src/runtime/clock.ts'

function begin() {
  const said: string[] = []
  let now = 0
  let due: { readonly at: number; readonly work: () => void }[] = []
  const news = new CongestionNews({
    now: () => now,
    wall: () => 1_000_000 + now,
    after: (ms, work) => {
      const timer = { at: now + ms, work }
      due.push(timer)
      const cancel = () => {
        due = due.filter((other) => other !== timer)
      }
      return { unref: cancel, [Symbol.dispose]: cancel } as unknown as Timer
    },
    nameOf: (id) => id.toUpperCase(),
    emit: ({ at, channel, peer, state, cause }) => said.push([at, channel, peer, state, cause].join(' ')),
  })
  const pass = (ms: number): void => {
    now += ms
    for (const timer of due.filter(({ at }) => at <= now)) {
      due = due.filter((other) => other !== timer)
      timer.work()
    }
  }
  return { news, said, pass, timers: () => due.length }
}

describe('congestion as an event of the node', () => {
  it('is told with its cause, and its end', () => {
    const { news, said, pass } = begin()
    news.tell('b', 'data', 'congested', 'consumer')
    pass(5)
    news.tell('b', 'data', 'relieved', 'consumer')
    assert.deepEqual(said, ['1000000 data B congested consumer', '1000005 data B relieved consumer'])
  })

  it('is told once a second of each lane, however often it comes and goes, and never without its end', () => {
    const { news, said, pass } = begin()
    for (let time = 0; time < 200; time++) {
      for (const channel of ['data', 'events'] as const) {
        news.tell('b', channel, 'congested', 'link')
        news.tell('b', channel, 'relieved', 'link')
      }
      pass(10)
    }
    assert.equal(said.length, 2 * 2 * 2)
    assert.equal(said.filter((line) => line.includes('congested')).length, 4)
  })

  it('that comes back at once and stays is told when its second is over; one that does not stay is not', () => {
    const { news, said, pass, timers } = begin()
    for (const state of ['congested', 'relieved', 'congested'] as const) news.tell('b', 'data', state, 'consumer')
    pass(999)
    assert.equal(said.length, 2)
    pass(1)
    assert.deepEqual(said.slice(2), ['1001000 data B congested consumer'])
    for (const state of ['relieved', 'congested', 'relieved'] as const) news.tell('b', 'data', state, 'consumer')
    pass(2_000)
    assert.deepEqual(said.slice(3), ['1001000 data B relieved consumer'])
    for (const state of ['congested', 'relieved', 'congested'] as const) news.tell('b', 'data', state, 'consumer')
    assert.equal(timers(), 1)
    news.close()
    assert.equal(timers(), 0)
  })

  it('ends with the link', () => {
    const { news, said } = begin()
    news.tell('b', 'gossip', 'congested', 'link')
    news.tell('b', 'data', 'congested', 'link')
    news.tell('b', 'data', 'relieved', 'link')
    news.lost('b')
    news.lost('b')
    assert.deepEqual(said.slice(3), ['1000000 gossip B relieved link'])
  })
})
