import { strict as assert } from 'node:assert'
import { describe, it } from 'node:test'
import { Forming, type FormingMessage, resolveFormingOptions, votersOf } from '../../../topology/index.ts'
import { founders, Hand, options, set } from './hand.ts'

describe('deciding on a set', () => {
  it('takes the set that all of it found, once that is stable', () => {
    const node = new Hand()
    node.hear('b', { type: 'candidate', expect: 3, storeId: 'x', found: set })
    node.hear('c', { type: 'candidate', expect: 3, storeId: 'x', found: set })
    node.wait(options.stableMs - 1)
    assert.deepEqual(node.written(), [])
    node.wait(1)
    assert.deepEqual(node.written(), [{ type: 'intent', set }])
  })

  it('waits while one of them found others', () => {
    const node = new Hand()
    node.hear('b', { type: 'candidate', expect: 3, storeId: 'x', found: set })
    node.hear('c', { type: 'candidate', expect: 3, storeId: 'x', found: ['a', 'c', 'd'] })
    assert.deepEqual(node.wait(400).written(), [])
  })

  it('takes the set that it found itself with those who have found too few', () => {
    const node = new Hand()
    for (const peer of ['b', 'c']) node.hear(peer, { type: 'candidate', expect: 3, storeId: 'x', found: [peer] })
    assert.deepEqual(node.wait(options.stableMs).written(), [{ type: 'intent', set }])
  })

  it('chooses the lowest ids, so one that is not among them waits', () => {
    const node = new Hand({ type: 'none' }, { expect: 1, peers: [] })
    assert.deepEqual(node.written(), [{ type: 'intent', set: ['a'] }])
    const late = new Forming({
      self: { id: 'z', storeId: 's' },
      expect: 2,
      durable: { type: 'none' },
      options,
      clusterIdOf: String,
      random: () => 0,
    })
    late.start(0)
    for (const peer of ['a', 'b']) {
      late.step({ type: 'connected', peer }, 0)
      const found = ['a', 'b', 'z']
      late.step({ type: 'message', from: peer, message: { type: 'candidate', expect: 2, storeId: 's', found } }, 0)
    }
    const effects = late.step({ type: 'timer', timer: 'stable' }, options.stableMs)
    assert.ok(effects.every(({ type }) => type !== 'persist'))
  })

  it('takes the set of a founder that holds one, without waiting', () => {
    const node = new Hand().confirm('b', 0)
    assert.deepEqual(node.written(), [{ type: 'intent', set }])
  })

  it('does not deny a set that it is writing, and says that it holds it when it does', () => {
    const node = new Hand().confirm('b', 0).confirm('c', 0).renounce('c', 0)
    assert.deepEqual(node.sent('renounce'), [])
    node.flush()
    assert.deepEqual(
      node.sent('confirm').map((message) => 'answers' in message && message.answers),
      [7, 7],
    )
  })

  it('takes the set of a founder that holds one though it is linked to no other of it', () => {
    const node = new Hand({ type: 'none' }, { peers: ['b'] }).confirm('b', 0)
    assert.deepEqual(node.written(), [{ type: 'intent', set }])
  })

  it('says that it does not hold a set of another size', () => {
    const node = new Hand({ type: 'none' }, { expect: 4 }).confirm('b', 0)
    assert.deepEqual(node.written(), [])
    assert.deepEqual(node.sent('renounce'), [{ type: 'renounce', set, round: 0, answers: 7 }])
  })

  it('says only that it is there while it has found too few, and all of them once they are enough', () => {
    const node = new Hand()
    const said = (found: readonly string[]) => ({ type: 'candidate', expect: 3, storeId: 'log of a', found })
    node.hear('b', { type: 'candidate', expect: 3, storeId: 'x', found: ['b'] }).wait(50)
    assert.deepEqual(node.sent(), [said(['a']), said(['a'])])
    node.hear('c', { type: 'candidate', expect: 3, storeId: 'x', found: ['c'] }).wait(20)
    assert.deepEqual(node.sent().slice(2), [said(set), said(set)])
  })

  it('says it again to whom it has said the same, but not at each interval', () => {
    const node = new Hand({ type: 'none' }, { peers: ['b'] }).wait(10 * options.candidateIntervalMs)
    assert.equal(node.sent('candidate').length, 1 + 3)
  })

  it('says it at once over a new link', () => {
    const node = new Hand({ type: 'none' }, { peers: ['b'] })
    node.give({ type: 'disconnected', peer: 'b', announced: false }).give({ type: 'connected', peer: 'b' })
    assert.equal(node.sent('candidate').length, 2)
  })

  it('says when a fresh node expects another number, once', () => {
    const node = new Hand()
    for (let time = 0; time < 3; time++) node.hear('b', { type: 'candidate', expect: 5, storeId: 'x', found: set })
    assert.deepEqual(node.events(), [{ type: 'mismatch', peer: 'b', expect: 5 }])
  })
})

describe('starting', () => {
  it('forms at once when only itself is expected', () => {
    const node = new Hand({ type: 'none' }, { expect: 1, peers: [] }).flush().flush()
    assert.deepEqual(node.written(), [
      { type: 'intent', set: ['a'] },
      { type: 'started', set: ['a'], founders: [founders[0]] },
    ])
    assert.deepEqual(node.events(), [
      { type: 'formed', set: ['a'], founders: [founders[0]], voters: ['a'], clusterId: 'a' },
    ])
  })

  it('confirms only what is durable', () => {
    const node = new Hand().decide()
    assert.deepEqual(node.sent('confirm'), [])
    assert.equal(node.flush().sent('confirm').length, 2)
  })

  it('starts only when all have confirmed', () => {
    const node = new Hand().decide().flush().confirm('b')
    assert.deepEqual(node.written().at(-1)?.type, 'intent')
    assert.deepEqual(node.confirm('c').written().at(-1), { type: 'started', set, founders })
  })

  it('says that it has formed only when that is durable', () => {
    const node = new Hand().decide().flush().confirm('b').confirm('c')
    assert.deepEqual(node.events(), [])
    node.flush()
    assert.deepEqual(node.events(), [{ type: 'formed', set, founders, voters: set, clusterId: 'a+b+c' }])
  })

  it('does not count a confirmation that answers no round or an earlier one', () => {
    const node = new Hand().decide().flush().confirm('b')
    for (const answers of [0, node.round() - 1]) node.confirm('c', answers)
    assert.equal(node.written().at(-1)?.type, 'intent')
  })

  it('does not count after a restart what was said before it', () => {
    const before = new Hand().decide().flush()
    const round = before.round()
    const after = new Hand({ type: 'intent', set })
    after.hear('b', { type: 'confirm', set, storeId: 'x', round: 7, answers: round + 1_000 })
    after.confirm('c')
    assert.deepEqual(after.written(), [])
  })

  it('answers a founder that has started as confirmed, whatever round it answers', () => {
    const node = new Hand().decide().flush().confirm('b')
    node.hear('c', { type: 'formed', set, founders, alive: false })
    assert.equal(node.written().at(-1)?.type, 'started')
  })

  it('says that it has formed to those who have not said the same', () => {
    const node = new Hand().decide().flush().confirm('b')
    node.hear('c', { type: 'formed', set, founders, alive: false }).flush()
    assert.deepEqual(node.sent('formed'), [])
    node.hear('b', { type: 'formed', set, founders, alive: false }).give({ type: 'alive', alive: true })
    assert.deepEqual(node.sent('formed'), [])
  })

  it('says so at once to whom it owes an answer, and when it is alive to all of whom it does not know that they are in the cluster', () => {
    const node = new Hand().decide().flush().confirm('b')
    // With the word of `c` it starts: by the time that this is durable it owes both an answer.
    node.confirm('c').hear('b', { type: 'confirm', set, storeId: 'log of b', round: 8, answers: node.round() }).flush()
    assert.equal(node.sent('formed').length, 2)
    node.give({ type: 'companion', peer: 'b' }).give({ type: 'alive', alive: true })
    assert.deepEqual(node.sent('formed').slice(2), [{ type: 'formed', set, founders, alive: true }])
  })

  it('says so to a founder over a new link, whatever that said over the one before, or what came behind its end', () => {
    const node = new Hand({ type: 'started', set, founders }).give({ type: 'companion', peer: 'b' })
    node.give({ type: 'disconnected', peer: 'b', announced: true }).give({ type: 'companion', peer: 'b' })
    node.give({ type: 'connected', peer: 'b' }).give({ type: 'alive', alive: true })
    assert.equal(node.sent('formed').length, 2)
  })

  it('says again after a restart that it has formed, and tells whoever asks', () => {
    const node = new Hand({ type: 'started', set, founders })
    assert.equal(node.events()[0]?.type, 'formed')
    node.confirm('b', 0)
    assert.deepEqual(node.sent(), [{ type: 'formed', set, founders, alive: false }])
    node.give({ type: 'alive', alive: true })
    assert.deepEqual(node.sent().at(-1), { type: 'formed', set, founders, alive: true })
  })
})

describe('giving up', () => {
  const renounced = { type: 'renounced', set } as const

  it('renounces when its time is up, and says so only when that is durable', () => {
    const node = new Hand().decide().flush().confirm('b').wait(options.formTimeoutMs)
    assert.deepEqual(node.written().at(-1), renounced)
    assert.deepEqual(node.sent('renounce'), [])
    assert.equal(node.flush().sent('renounce').length, 2)
  })

  it('renounces at once when another founder did', () => {
    const node = new Hand().decide().flush().renounce('b')
    assert.deepEqual(node.written().at(-1), renounced)
  })

  it('does not renounce because another does not hold the set yet', () => {
    const node = new Hand().decide().flush().renounce('b', undefined, 0)
    assert.equal(node.written().at(-1)?.type, 'intent')
  })

  it('is released when a majority of the voters do not hold the set', () => {
    const node = new Hand(renounced)
    assert.deepEqual(node.written(), [])
    node.renounce('b', undefined, 0)
    assert.deepEqual(node.written(), [{ type: 'none' }])
    assert.deepEqual(node.events(), [])
    assert.deepEqual(node.flush().events(), [{ type: 'released', set }])
  })

  it('is not released by what was said before it renounced', () => {
    const node = new Hand(renounced)
    node.renounce('b', node.round() - 1).renounce('c', 0)
    assert.deepEqual(node.written(), [])
  })

  it('does not start by itself once it has renounced, though all confirm', () => {
    const node = new Hand(renounced).confirm('b').confirm('c')
    node.hear('b', { type: 'formed', set, founders, alive: false })
    assert.deepEqual(node.written(), [])
  })

  it('follows when the very set came alive all the same', () => {
    const node = new Hand(renounced).hear('b', { type: 'formed', set, founders, alive: true })
    assert.deepEqual(node.written(), [{ type: 'started', set, founders }])
  })

  it('tries anew after its release, with a rest', () => {
    const node = new Hand(renounced).renounce('b', undefined, 0).flush()
    node.confirm('b', 0)
    assert.equal(node.written().at(-1)?.type, 'none')
    node.wait(2 * options.candidateIntervalMs)
    assert.deepEqual(node.written().at(-1), { type: 'intent', set })
  })

  it('takes up the set of a founder that has started it, though that is not alive', () => {
    const node = new Hand().hear('b', { type: 'formed', set, founders, alive: false })
    assert.deepEqual(node.written(), [{ type: 'intent', set }])
  })
})

describe('a cluster that exists', () => {
  const others = ['b', 'c', 'd']
  const formed: FormingMessage = {
    type: 'formed',
    set: others,
    founders: others.map((id) => ({ id, storeId: id })),
    alive: true,
  }

  it('ends forming on whoever is no founder of it', () => {
    const node = new Hand().hear('b', formed)
    assert.deepEqual(node.events(), [{ type: 'outside', set: others, clusterId: 'b+c+d', peer: 'b' }])
    assert.deepEqual(node.decide().written(), [])
  })

  it('forms nothing beside a set that others have started, and joins it only when it is alive', () => {
    const node = new Hand().hear('b', { ...formed, alive: false }).decide()
    assert.deepEqual([node.written(), node.events()], [[], []])
    assert.equal(node.hear('b', formed).events()[0]?.type, 'outside')
  })

  it('is not waited for in a set of which a founder has started another one', () => {
    const node = new Hand().hear('c', { type: 'formed', set, founders, alive: false })
    node.flush().wait(options.formTimeoutMs).flush()
    const other = ['a', 'b', 'd']
    const founded = other.map((id) => ({ id, storeId: `log of ${id}` }))
    node.hear('b', { type: 'formed', set: other, founders: founded, alive: false }).flush()
    node.give({ type: 'connected', peer: 'd' }).wait(2 * options.candidateIntervalMs)
    assert.deepEqual(node.written().at(-1), { type: 'intent', set: other })
  })

  it('makes a node that holds another set give that up first', () => {
    const node = new Hand().decide().flush().hear('b', formed)
    assert.equal(node.written().at(-1)?.type, 'renounced')
    // b has started another set, so it will never hold ours: with a, that is a majority of a, b and c.
    node.flush().hear('b', formed)
    assert.equal(node.written().at(-1)?.type, 'none')
    assert.deepEqual(
      node
        .flush()
        .events()
        .map(({ type }) => type),
      ['released', 'outside'],
    )
  })

  it('takes a founder whose log was made anew for no founder', () => {
    const node = new Hand({ type: 'none' }, { storeId: 'a new log' })
    node.hear('b', { type: 'formed', set, founders, alive: true })
    assert.equal(node.events()[0]?.type, 'outside')
  })
})

describe('what a peer may send', () => {
  const bad: readonly (readonly string[])[] = [[], ['b', 'a', 'c'], ['a', 'a', 'b'], ['a', 'c'], ['b', 'c']]

  it('drops sets that are not sorted, or without sender or receiver', () => {
    const node = new Hand()
    for (const ids of bad) node.hear('b', { type: 'confirm', set: ids, storeId: 'x', round: 1, answers: 1 })
    assert.deepEqual(
      node.events(),
      bad.map(() => ({ type: 'dropped', from: 'b', reason: 'bad-set' })),
    )
    assert.deepEqual(node.written(), [])
  })

  it('drops founders that are not the set', () => {
    const node = new Hand().hear('b', { type: 'formed', set, founders: founders.slice(1), alive: true })
    assert.deepEqual(node.events(), [{ type: 'dropped', from: 'b', reason: 'bad-set' }])
  })

  it('takes note of a bounded number of fresh nodes', () => {
    const node = new Hand()
    for (let index = 0; index <= options.maxFound; index++)
      node.hear(`p${index}`, { type: 'candidate', expect: 3, storeId: 'x', found: [] })
    assert.deepEqual(node.events(), [{ type: 'dropped', from: `p${options.maxFound}`, reason: 'too-many' }])
  })
})

describe('voters', () => {
  it('are the first of the set, an odd number up to five', () => {
    const sizes = [1, 2, 3, 4, 5, 6, 7].map(
      (size) => votersOf(Array.from({ length: size }, (_, index) => `n${index}`)).length,
    )
    assert.deepEqual(sizes, [1, 1, 3, 3, 5, 5, 5])
  })
})

describe('forming options', () => {
  it('are refused all at once, with both values', () => {
    assert.throws(
      () => resolveFormingOptions({ formTimeoutMs: 50, maxFound: 0, ...{ unknown: 1 } }),
      /forming\.unknown is not an option; forming\.formTimeoutMs \(50\) must exceed forming\.stableMs \(50\).*; forming\.maxFound \(0\)/,
    )
  })
})
