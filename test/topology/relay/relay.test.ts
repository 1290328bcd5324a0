import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FollowedWays, MAX_HOPS, Relay } from '../../../topology/index.ts'

/** A relay at `self`, with links, an overlay that is a table of next hops, and members that are there. */
function relayAt(self: string, linked: string[] = [], hops: Record<string, string> = {}, there = ['far', 'near', 'b']) {
  const links = new Set(linked)
  const table = new Map(Object.entries(hops))
  const relay = new Relay(self, {
    isLinked: (peer) => links.has(peer),
    nextHop: (to) => table.get(to),
    isThere: (member) => there.includes(member),
    isGone: (member) => member === 'gone',
  })
  const send = (to: string, now: number, needsLink = false) => relay.step({ type: 'sending', to, needsLink }, now)
  return { relay, links, table, send }
}

const passing = (source: string, destination: string, hops: number) => ({ source, destination, hops })

describe('ways to members', () => {
  it('lead over a relay to whoever cannot be dialled, and nowhere to whoever is gone', () => {
    const { relay } = relayAt('a', ['near'], { foreign: 'near', gone: 'near' }, ['near'])
    assert.equal(relay.way('foreign'), 'near')
    assert.equal(relay.way('gone'), undefined)
  })

  it('are the link, else the next hop of the overlay, else what was learned, else a link on demand', () => {
    const { relay, links, table } = relayAt('a', ['near', 'b'], { far: 'near' })
    assert.equal(relay.way('far'), 'near')
    links.add('far')
    assert.equal(relay.way('far'), 'far')
    links.delete('far')
    table.delete('far')
    assert.equal(relay.way('far'), 'far', 'to be called')
    relay.step({ type: 'came', source: 'far', over: 'b' }, 0)
    assert.equal(relay.way('far'), 'b')
    links.delete('b')
    assert.equal(relay.way('far'), 'far')
    assert.equal(relay.way('stranger'), undefined)
  })

  it('are not over a next hop without a link', () => {
    const { relay } = relayAt('a', [], { far: 'near' })
    assert.equal(relay.relayTo('far'), undefined)
  })

  it('hold a link for a stream, for what no relay passes on, and where no relay is known', () => {
    const stream = relayAt('a', ['near'], { far: 'near' })
    const effects = Array.from({ length: 16 }, (_, at) => stream.send('far', at * 600)).flat()
    assert.deepEqual(effects, [{ type: 'hold', peer: 'far' }])
    assert.deepEqual(relayAt('a', ['near'], { far: 'near' }).send('far', 0, true), [{ type: 'hold', peer: 'far' }])
    assert.deepEqual(relayAt('a', ['near']).send('far', 0), [{ type: 'hold', peer: 'far' }])
  })

  it('lead over a relay even for what needs a link, where none can be made or none came up in time', () => {
    const { relay, links, send } = relayAt('a', ['near'], { far: 'near', foreign: 'near' })
    assert.deepEqual([relay.way('foreign', true), relay.way('far', true)], ['near', 'far'])
    send('far', 0, true)
    assert.equal(relay.way('far', true), 'far', 'it is being called')
    assert.deepEqual(relay.step({ type: 'look' }, 3_000), [{ type: 'given-up', peer: 'far' }])
    assert.equal(relay.way('far', true), 'near')
    links.add('far')
    relay.step({ type: 'connected', peer: 'far' }, 4_000)
    assert.equal(relay.way('far', true), 'far')
  })

  it('hold none for a few messages, nor for a neighbor of the overlay', () => {
    const { send } = relayAt('a', ['near'], { far: 'near', near: 'near' })
    assert.deepEqual(
      Array.from({ length: 60 }, (_, at) => send('far', at * 1_000)).flat(),
      [],
      'one a second is no stream',
    )
    assert.deepEqual(Array.from({ length: 60 }, (_, at) => send('near', at)).flat(), [])
  })

  it('release a link on demand over which no stream goes any more, though single messages do', () => {
    const { relay, links, send } = relayAt('a', ['near'], { far: 'near' })
    for (let at = 0; at < 16; at++) send('far', at)
    links.add('far')
    relay.step({ type: 'connected', peer: 'far' }, 100)
    const released: number[] = []
    for (let now = 200; now < 20_000; now += 100) {
      if (now < 8_000 || now % 2_000 === 0) send('far', now)
      if (now % 1_000 === 0 && relay.step({ type: 'look' }, now).length > 0) released.push(now)
    }
    assert.equal(released.length, 1)
    assert.ok(released[0]! > 12_000 && released[0]! <= 17_000, String(released))
  })

  it('keep a link without which there would be no way, while it is used at all', () => {
    const { relay, links, send } = relayAt('a', ['near'])
    send('far', 0)
    links.add('far')
    relay.step({ type: 'connected', peer: 'far' }, 10)
    for (let now = 1_000; now <= 20_000; now += 1_000) {
      send('far', now)
      assert.deepEqual(relay.step({ type: 'look' }, now), [])
    }
    assert.deepEqual(relay.step({ type: 'look' }, 25_001), [{ type: 'release', peer: 'far' }])
  })

  it('give a link up that is not up in time, once, and release it when it is not asked for again', () => {
    const { relay, send } = relayAt('a')
    send('far', 0)
    assert.ok(relay.isAwaited('far'))
    assert.deepEqual(relay.step({ type: 'look' }, 1_000), [])
    assert.deepEqual(relay.step({ type: 'look' }, 2_001), [{ type: 'given-up', peer: 'far' }])
    assert.ok(!relay.isAwaited('far'))
    assert.deepEqual(relay.step({ type: 'look' }, 4_000), [])
    assert.deepEqual(relay.step({ type: 'look' }, 5_001), [{ type: 'release', peer: 'far' }])
  })

  it('are learned up to a bound, the oldest going first', () => {
    const { relay } = relayAt('a', ['b'], {}, [])
    for (let index = 0; index <= 4_096; index++) relay.step({ type: 'came', source: `m${index}`, over: 'b' }, 0)
    assert.equal(relay.relayTo('m0'), undefined)
    assert.equal(relay.relayTo('m1'), 'b')
  })
})

describe('what a neighbor hands over', () => {
  const at = () => relayAt('self', ['b', 'near'], { far: 'near', back: 'b' }).relay

  it('stays here, or goes on by the overlay', () => {
    assert.deepEqual(at().onward('b', passing('x', 'self', 3)), { type: 'here' })
    assert.deepEqual(at().onward('b', passing('b', 'self', 0)), { type: 'here' })
    assert.deepEqual(at().onward('b', passing('x', 'far', 3)), { type: 'hop', peer: 'near' })
    assert.deepEqual(at().onward('b', passing('x', 'near', 3)), { type: 'hop', peer: 'near' })
  })

  it('never goes back where it came from, nor to its source: that would be a circle', () => {
    assert.deepEqual(at().onward('b', passing('x', 'back', 1)), { type: 'drop', reason: 'no-route' })
    assert.deepEqual(at().onward('b', passing('near', 'far', 1)), { type: 'drop', reason: 'no-route' })
    assert.deepEqual(at().onward('b', passing('x', 'nobody', 1)), { type: 'drop', reason: 'no-route' })
  })

  it('goes no further than its hops allow', () => {
    assert.deepEqual(at().onward('b', passing('x', 'far', MAX_HOPS - 1)), { type: 'hop', peer: 'near' })
    assert.deepEqual(at().onward('b', passing('x', 'far', MAX_HOPS)), { type: 'drop', reason: 'hops' })
  })

  it('is refused when it claims to be of somebody else, or of this member itself', () => {
    assert.deepEqual(at().onward('b', passing('x', 'self', 0)), { type: 'drop', reason: 'misrouted' })
    assert.deepEqual(at().onward('b', passing('self', 'far', 2)), { type: 'drop', reason: 'misrouted' })
  })

  it('ends within the bound in any ring of members that all send it on', () => {
    const size = 40
    const ring = Array.from({ length: size }, (_, index) => {
      const next = `r${(index + 1) % size}`
      return relayAt(`r${index}`, [next], { far: next }).relay
    })
    let [position, hops] = [1, 1]
    for (;;) {
      const onward = ring[position]!.onward(`r${position - 1}`, passing('r0', 'far', hops))
      if (onward.type !== 'hop') break
      position += 1
      hops += 1
    }
    assert.equal(hops, MAX_HOPS)
  })
})

describe('ways that are followed', () => {
  it('say who is reached by another neighbor, who no more, and who at last', () => {
    const hops = new Map([
      ['x', 'b'],
      ['y', 'b'],
    ])
    const ways = new FollowedWays((member) => hops.get(member))
    assert.deepEqual(
      [ways.follow('x'), ways.follow('x'), ways.follow('y'), ways.follow('z')],
      [true, false, true, false],
    )
    assert.deepEqual(ways.changes(), { rerouted: [], lost: [] })
    hops.set('x', 'c')
    hops.delete('y')
    assert.deepEqual(ways.changes(), { rerouted: ['x'], lost: ['y'] })
    assert.deepEqual(ways.changes(), { rerouted: [], lost: [] })
    hops.set('y', 'b')
    hops.set('z', 'c')
    assert.deepEqual(ways.changes(), { rerouted: ['y', 'z'], lost: [] })
  })
})
