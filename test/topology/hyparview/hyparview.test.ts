import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testOverlay } from '../../../src/testing/compliance/overlay.ts'
import {
  HyParView,
  type HyParViewMessage,
  type HyParViewOptions,
  hyParView,
  InvariantError,
  type MemberRecord,
  resolveHyParViewOptions,
} from '../../../topology/index.ts'
import { generator } from '../generator.ts'
import { recordOf } from '../swim/records.ts'

testOverlay('hyparview', {
  create: (self, random) => new HyParView({ self, random, options: resolveHyParViewOptions() }),
})
testOverlay('hyparview, three neighbors of twelve members', {
  create: (self, random) => new HyParView({ self, random, options: resolveHyParViewOptions({ activeSize: 3 }) }),
  members: 12,
})

/** One member that is told what links and messages do. */
class Lone {
  readonly overlay: HyParView
  now = 0

  constructor(others: readonly (string | MemberRecord)[], changes: Partial<HyParViewOptions> = {}) {
    const options = resolveHyParViewOptions(changes)
    this.overlay = new HyParView({ self: 'self', random: generator(1), options })
    const records = others.map((other) => (typeof other === 'string' ? recordOf(other) : other))
    this.step({ type: 'members', members: [recordOf('self'), ...records] })
  }

  step(input: Parameters<HyParView['step']>[0]) {
    return this.overlay.step(input, this.now)
  }

  /** What it answers to a message. */
  hear(from: string, message: HyParViewMessage) {
    const effects = this.step({ type: 'message', from, message })
    return effects.flatMap((effect) => (effect.type === 'send' ? [[effect.to, effect.message] as const] : []))
  }

  /** A link comes up, over which `peer` asks to be a neighbor and is one. */
  befriend(peer: string, epoch: number) {
    this.step({ type: 'connected', peer })
    const answers = this.hear(peer, { type: 'neighbor', epoch, priority: 'high' })
    assert.ok(answers.some(([to, { type }]) => to === peer && type === 'neighbor-reply'))
  }
}

describe('a neighborship', () => {
  it('does not end by a disconnect of an earlier epoch', () => {
    const lone = new Lone(['a', 'b'])
    lone.befriend('a', 5)
    lone.hear('a', { type: 'disconnect', epoch: 5 })
    assert.deepEqual(lone.overlay.neighbors(), [])
    lone.befriend('a', 7)
    const effects = lone.step({ type: 'message', from: 'a', message: { type: 'disconnect', epoch: 5 } })
    assert.deepEqual(lone.overlay.neighbors(), ['a'])
    assert.ok(effects.some((effect) => effect.type === 'emit' && effect.event.type === 'dropped'))
  })

  it('that ends is answered with a last word, before the link is given up', () => {
    const lone = new Lone(['a'])
    lone.befriend('a', 5)
    const effects = lone.step({ type: 'message', from: 'a', message: { type: 'disconnect', epoch: 5 } })
    const order = effects.map((effect) => (effect.type === 'send' ? effect.message.type : effect.type))
    assert.ok(order.indexOf('disconnect') >= 0 && order.indexOf('disconnect') < order.indexOf('unlink'), order.join())
  })

  it('that must make room keeps its link until the other end has said its last word', () => {
    const lone = new Lone(['a', 'b', 'c'], { activeSize: 2 })
    lone.befriend('a', 1)
    lone.befriend('b', 2)
    lone.step({ type: 'connected', peer: 'c' })
    const effects = lone.step({ type: 'message', from: 'c', message: { type: 'neighbor', epoch: 3, priority: 'high' } })
    const leaving = ['a', 'b'].find((id) => !lone.overlay.neighbors().includes(id)) ?? ''
    assert.deepEqual(lone.overlay.neighbors().length, 2)
    assert.ok(!effects.some(({ type }) => type === 'unlink'))
    const last = lone.step({ type: 'message', from: leaving, message: { type: 'disconnect', epoch: 3 } })
    assert.ok(last.some((effect) => effect.type === 'unlink' && effect.peer === leaving))
  })

  it('that drains is given up after a bounded time, answered or not', () => {
    const lone = new Lone(['a', 'b', 'c'], { activeSize: 2, drainMs: 2_000 })
    for (const [index, peer] of ['a', 'b', 'c'].entries()) lone.befriend(peer, index + 1)
    const leaving = ['a', 'b'].find((id) => !lone.overlay.neighbors().includes(id)) ?? ''
    lone.now = 2_000
    const effects = lone.step({ type: 'timer', timer: `drain:${leaving}` })
    assert.ok(effects.some((effect) => effect.type === 'unlink' && effect.peer === leaving))
  })

  it('that only one end believes in ends with the next keep-alive', () => {
    const lone = new Lone(['a', 'b'])
    lone.befriend('a', 5)
    lone.step({ type: 'connected', peer: 'b' })
    lone.hear('b', { type: 'disconnect', epoch: 5 })
    lone.now = 3_001
    lone.step({ type: 'timer', timer: 'attempt:b' })
    const answers = lone.hear('b', { type: 'keep-alive', epoch: 5, digest: 0 })
    assert.deepEqual(answers, [['b', { type: 'disconnect', epoch: 6 }]])
  })

  it('is refused at low priority without room, and granted at high priority', () => {
    const lone = new Lone(['a', 'b', 'c'], { activeSize: 2 })
    lone.befriend('a', 1)
    lone.befriend('b', 2)
    lone.step({ type: 'connected', peer: 'c' })
    const low = lone.hear('c', { type: 'neighbor', epoch: 3, priority: 'low' })
    assert.deepEqual(low, [['c', { type: 'neighbor-reply', epoch: 3, accepted: false }]])
    lone.befriend('c', 4)
    assert.ok(lone.overlay.neighbors().includes('c'))
  })
})

describe('a free place', () => {
  const linksTo = (effects: ReturnType<Lone['step']>) =>
    effects.flatMap((effect) => (effect.type === 'link' ? [effect.peer] : []))
  const saysOf = (id: string, sequence: number, ...neighbors: string[]) =>
    ({ type: 'links', adjacencies: [{ id, generation: 1, sequence, neighbors }] }) as const

  it('is offered to nobody who says that it has all its neighbors, until it says otherwise', () => {
    const lone = new Lone(['a', 'b', 'c'], { activeSize: 2 })
    lone.befriend('a', 1)
    for (const peer of ['b', 'c']) {
      lone.step({ type: 'message', from: 'a', message: saysOf(peer, 1, 'x', 'y') })
      lone.now += 3_000
      lone.step({ type: 'timer', timer: `attempt:${peer}` })
    }
    lone.now += 1_000
    assert.deepEqual(linksTo(lone.step({ type: 'timer', timer: 'retry' })), [])
    assert.deepEqual(linksTo(lone.step({ type: 'message', from: 'a', message: saysOf('c', 2, 'x') })), ['c'])
  })

  it('of who has no neighbor is offered to anybody', () => {
    const lone = new Lone(['a', 'b'], { activeSize: 2 })
    lone.befriend('a', 1)
    lone.step({ type: 'message', from: 'a', message: saysOf('b', 1, 'x', 'y') })
    lone.now = 3_000
    lone.step({ type: 'timer', timer: 'attempt:b' })
    lone.step({ type: 'disconnected', peer: 'a', announced: false })
    lone.now = 4_000
    assert.ok(linksTo(lone.step({ type: 'timer', timer: 'retry' })).includes('b'))
  })

  it('is sought among all members now and then, where many are no candidates', () => {
    const others = Array.from({ length: 40 }, (_, index) => `m${index}`)
    const lone = new Lone(['a', ...others], { activeSize: 2, passiveSize: 3 })
    lone.befriend('a', 1)
    for (const id of others)
      if (id !== 'm39') lone.step({ type: 'message', from: 'a', message: saysOf(id, 1, 'x', 'y') })
    for (const id of others) lone.step({ type: 'unreachable', peer: id })
    lone.now = 20_000
    const asked = ['retry', 'shuffle'].flatMap((timer) => linksTo(lone.step({ type: 'timer', timer })))
    assert.deepEqual(asked, ['m39'])
  })

  it('of a newcomer is sought by one join at a time', () => {
    const lone = new Lone(['a', 'b', 'c'])
    const asked = ['a', 'b', 'c'].flatMap((peer) => lone.step({ type: 'connected', peer }))
    const types = asked.flatMap((effect) => (effect.type === 'send' ? [effect.message] : []))
    assert.deepEqual(types.map(({ type }) => type).sort(), ['join', 'neighbor', 'neighbor'])
    assert.ok(types.every((message) => message.type !== 'neighbor' || message.priority === 'high'))
  })
})

describe('a member', () => {
  it('says when it is isolated, and when it no longer is', () => {
    const lone = new Lone(['a'])
    const isolation = (input: Parameters<HyParView['step']>[0]) =>
      lone
        .step(input)
        .flatMap((effect) =>
          effect.type === 'emit' && effect.event.type === 'isolation' ? [effect.event.isIsolated] : [],
        )
    assert.equal(lone.overlay.connectivity().isIsolated, true)
    lone.step({ type: 'connected', peer: 'a' })
    assert.deepEqual(isolation({ type: 'message', from: 'a', message: { type: 'join', epoch: 9 } }), [false])
    assert.deepEqual(isolation({ type: 'disconnected', peer: 'a', announced: false }), [true])
  })

  it('wants no more neighbors than there are others alive', () => {
    assert.equal(new Lone(['a', 'b', recordOf('c', { state: 'down' })]).overlay.connectivity().target, 2)
    assert.deepEqual(new Lone([]).overlay.connectivity(), { target: 0, linked: 0, isIsolated: false })
  })

  it('takes nobody for a neighbor that is no member, and no epoch that would break the order', () => {
    const lone = new Lone(['a'])
    for (const peer of ['a', 'x']) lone.step({ type: 'connected', peer })
    lone.hear('x', { type: 'join', epoch: 1 })
    lone.hear('a', { type: 'neighbor', epoch: Number.MAX_SAFE_INTEGER, priority: 'high' })
    assert.deepEqual(lone.overlay.neighbors(), [])
  })

  it('keeps neither itself nor a neighbor nor a stranger as a candidate', () => {
    const lone = new Lone(['a', 'b', 'c'])
    lone.befriend('a', 1)
    const sample = ['self', 'a', 'b', 'stranger'].map((id) => ({ id, age: 0 }))
    lone.hear('a', { type: 'shuffle', path: ['c'], timeToLive: 0, sample })
    assert.deepEqual([...lone.overlay.candidates()].sort(), ['b', 'c'])
  })

  it('calls members that are down, so that halves meet', () => {
    const lone = new Lone(['a', recordOf('gone', { state: 'down' })])
    lone.befriend('a', 1)
    lone.now = 10_000
    const effects = lone.step({ type: 'timer', timer: 'merge' })
    assert.ok(effects.some((effect) => effect.type === 'link' && effect.peer === 'gone'))
    const asked = lone.step({ type: 'connected', peer: 'gone' })
    assert.ok(asked.some((effect) => effect.type === 'send' && effect.to === 'gone' && effect.message.type === 'join'))
  })

  it('lets go of a neighbor that is down, and not of one made since', () => {
    const lone = new Lone(['a', recordOf('b', { state: 'down' })])
    lone.befriend('a', 1)
    lone.befriend('b', 2)
    const members = [recordOf('a', { state: 'down' }), recordOf('b', { state: 'down' })]
    const effects = lone.step({ type: 'members', members })
    assert.deepEqual(lone.overlay.neighbors(), ['b'])
    assert.ok(effects.some((effect) => effect.type === 'unlink' && effect.peer === 'a'))
  })
})

describe('the HyParView definition', () => {
  it('names every parameter that is wrong', () => {
    assert.deepEqual(hyParView.problems({ activeSize: 1, passiveWalkLength: 9, wings: 2 }), [
      'hyparview.wings is not an option',
      'hyparview.activeSize (1) must be from 2 to 64',
      'hyparview.passiveWalkLength (9) must not exceed hyparview.activeWalkLength (6)',
    ])
    assert.throws(() => resolveHyParViewOptions({ passiveSize: 0 }), InvariantError)
  })

  it('estimates a mesh among few and five links each among many', () => {
    const members = (count: number) => Array.from({ length: count }, (_, index) => recordOf(`m${index}`))
    assert.deepEqual(hyParView.estimate(members(1), {}, []), { links: 0, linksPerMember: 0, hops: 0 })
    assert.deepEqual(hyParView.estimate(members(4), {}, []), { links: 6, linksPerMember: 3, hops: 1 })
    assert.deepEqual(hyParView.estimate(members(30), {}, []), { links: 75, linksPerMember: 5, hops: 4 })
    // Of ten pairs of voters, two are neighbors by chance.
    assert.deepEqual(hyParView.estimate(members(30), {}, ['a', 'b', 'c', 'd', 'e']), {
      links: 83,
      linksPerMember: 8,
      hops: 4,
    })
    assert.deepEqual(hyParView.estimate(members(5), {}, ['a', 'b', 'c']), { links: 10, linksPerMember: 4, hops: 1 })
  })
})
