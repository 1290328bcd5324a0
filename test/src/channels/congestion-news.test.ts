import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CongestionNews } from '../../../src/channels/congestion-news.ts'

function begin() {
  const said: string[] = []
  let now = 0
  const news = new CongestionNews({
    now: () => now,
    wall: () => 1_000_000 + now,
    nameOf: (id) => id.toUpperCase(),
    emit: ({ at, channel, peer, state, cause }) => said.push([at, channel, peer, state, cause].join(' ')),
  })
  const pass = (ms: number): void => {
    now += ms
  }
  return { news, said, pass }
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
