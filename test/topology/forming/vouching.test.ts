// A founder that is not linked to all of its set, and one that vouches to it for all.

import { strict as assert } from 'node:assert'
import { describe, it } from 'node:test'
import { founders, Hand, options, set } from './hand.ts'

describe('a founder that is not linked to all of its set', () => {
  const asking = (): Hand => new Hand({ type: 'none' }, { peers: ['b'] }).confirm('b', 0).flush()
  const vouch = (node: Hand, answers = node.round()): Hand => node.hear('b', { type: 'vouch', set, founders, answers })

  it('asks one that holds it for the word of all, before it confirms', () => {
    const node = asking()
    const said = node.sent().slice(1)
    assert.deepEqual(said[0], { type: 'inquire', set, round: node.round() })
    assert.deepEqual(
      said.slice(1).map(({ type }) => type),
      ['confirm'],
    )
  })

  it('asks nobody when it is linked to all', () => {
    assert.deepEqual(new Hand().confirm('b', 0).flush().sent('inquire'), [])
  })

  it('starts upon that word', () => {
    assert.deepEqual(vouch(asking()).written().at(-1), { type: 'started', set, founders })
  })

  it('does not start upon a word that was said in an earlier round, of another log of its own, or when it has renounced', () => {
    const node = asking()
    vouch(node, node.round() - 1)
    const foreign = founders.map(({ id }) => ({ id, storeId: 'x' }))
    node.hear('b', { type: 'vouch', set, founders: foreign, answers: node.round() })
    assert.equal(node.written().at(-1)?.type, 'intent')
    vouch(node.wait(options.formTimeoutMs).flush())
    assert.equal(node.written().at(-1)?.type, 'renounced')
  })

  it('does not start upon a word for other founders', () => {
    const node = asking()
    node.hear('b', { type: 'vouch', set, founders: founders.slice(1), answers: node.round() })
    assert.deepEqual(node.events(), [{ type: 'dropped', from: 'b', reason: 'bad-set' }])
  })
})

describe('a founder that is asked for the word of all', () => {
  const asked = (): Hand => {
    const node = new Hand().decide().flush()
    return node.hear('b', { type: 'inquire', set, round: 7 }).confirm('b').confirm('c')
  }

  it('asks all once more, and starts when it has said so', () => {
    const node = asked()
    assert.deepEqual([node.sent('vouch'), node.written().at(-1)?.type], [[], 'intent'])
    node.confirm('b').confirm('c')
    assert.deepEqual(node.sent('vouch'), [{ type: 'vouch', set, founders, answers: 7 }])
    assert.deepEqual(node.written().at(-1), { type: 'started', set, founders })
  })

  it('takes no word of the round before for the answer', () => {
    const node = asked()
    const [before] = node.sent('confirm').flatMap((message) => ('round' in message ? [message.round] : []))
    node.confirm('b', before).confirm('c', before)
    assert.deepEqual(node.sent('vouch'), [])
  })

  it('asks once more for who asks while it asks', () => {
    const node = asked().confirm('b').hear('c', { type: 'inquire', set, round: 9 }).confirm('c')
    assert.deepEqual(node.sent('vouch').length, 1)
    assert.equal(node.written().at(-1)?.type, 'intent')
    node.confirm('b').confirm('c')
    assert.deepEqual(node.sent('vouch').at(-1), { type: 'vouch', set, founders, answers: 9 })
  })

  it('waits for nobody who is gone, and answers nobody about another set', () => {
    const node = new Hand()
      .decide()
      .flush()
      .hear('b', { type: 'inquire', set: ['a', 'b', 'd'], round: 7 })
    node.hear('c', { type: 'inquire', set, round: 9 }).confirm('c')
    node.give({ type: 'disconnected', peer: 'c', announced: false }).confirm('b')
    assert.equal(node.written().at(-1)?.type, 'started')
  })

  it('says that it has formed when it has', () => {
    const node = new Hand({ type: 'started', set, founders }).hear('b', { type: 'inquire', set, round: 7 })
    assert.deepEqual(node.sent(), [{ type: 'formed', set, founders, alive: false }])
  })
})
