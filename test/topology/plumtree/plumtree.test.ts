import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type Announcement,
  InvariantError,
  Plumtree,
  type PlumtreeMessage,
  type PlumtreeOptions,
  plumtreeProblems,
  resolvePlumtreeOptions,
} from '../../../topology/index.ts'
import { generator } from '../generator.ts'

const bytes = Uint8Array.of(1, 2, 3)
const idOf = (sequence: number, origin = 'o') => ({ origin, generation: 1, sequence })
const push = (sequence: number, hops = 1): PlumtreeMessage => ({
  type: 'push',
  id: idOf(sequence),
  hops,
  payload: bytes,
})
const have = (sequence: number, hops = 1): Announcement => ({ id: idOf(sequence), hops })

/** One member with neighbors `a`, `b`, `c`, unless others are named. */
class Lone {
  readonly tree: Plumtree
  now = 0

  constructor(changes: Partial<PlumtreeOptions> = {}, peers = ['a', 'b', 'c'], isMesh = false) {
    const options = resolvePlumtreeOptions(changes)
    this.tree = new Plumtree({ self: 'self', generation: 1, options, random: generator(1) })
    this.tree.step({ type: 'neighbors', peers, isMesh }, 0)
  }

  /** What it sends, as `to type`, and what it tells. */
  step(input: Parameters<Plumtree['step']>[0]): string[] {
    return this.tree.step(input, this.now).flatMap((effect) => {
      if (effect.type === 'send') return [`${effect.to} ${effect.message.type}`]
      if (effect.type !== 'emit') return []
      return [
        effect.event.type === 'dropped' ? effect.event.reason : `${effect.event.type} ${effect.event.id.sequence}`,
      ]
    })
  }

  hear(from: string, message: PlumtreeMessage): string[] {
    return this.step({ type: 'message', from, message })
  }

  expire(timer: string, at: number): string[] {
    this.now = at
    return this.step({ type: 'timer', timer })
  }
}

describe('eager push (section 3.4)', () => {
  it('delivers what is new, and passes it on to all but whom it came from', () => {
    assert.deepEqual(new Lone().hear('a', push(1)), ['delivered 1', 'b push', 'c push'])
  })

  it('answers a second copy with prune, and that link leaves the tree', () => {
    const lone = new Lone()
    lone.hear('a', push(1))
    assert.deepEqual(lone.hear('b', push(1)), ['b prune'])
    assert.deepEqual(lone.tree.links(), { eager: ['a', 'c'], lazy: ['b'] })
    assert.deepEqual(lone.hear('a', push(2)), ['delivered 2', 'c push'])
    assert.deepEqual(lone.expire('lazy', 50), ['b i-have'])
  })

  it('takes a link out of the tree when the other end prunes it', () => {
    const lone = new Lone()
    lone.hear('c', { type: 'prune' })
    assert.deepEqual(lone.step({ type: 'broadcast', payload: bytes }), ['a push', 'b push'])
  })

  it('delivers nothing twice, nor its own', () => {
    const lone = new Lone()
    lone.step({ type: 'broadcast', payload: bytes })
    const own: PlumtreeMessage = { type: 'push', id: idOf(1, 'self'), hops: 3, payload: bytes }
    assert.deepEqual(lone.hear('a', own), ['a prune'])
  })
})

describe('lazy push and repair (section 3.5)', () => {
  it('asks for what was announced and did not come, and its link joins the tree', () => {
    const lone = new Lone({ missingTimeoutMs: 200 })
    lone.hear('b', { type: 'prune' })
    assert.deepEqual(lone.hear('b', { type: 'i-have', announcements: [have(1)] }), [])
    assert.deepEqual(lone.expire('missing:1 1 o', 200), ['b graft'])
    assert.deepEqual(lone.tree.links().lazy, [])
  })

  it('asks the next one when the first does not answer, and gives up when nobody is left', () => {
    const lone = new Lone({ missingTimeoutMs: 200, graftTimeoutMs: 100 })
    for (const peer of ['b', 'c']) lone.hear(peer, { type: 'i-have', announcements: [have(1)] })
    assert.deepEqual(lone.expire('missing:1 1 o', 200), ['b graft'])
    assert.deepEqual(lone.expire('missing:1 1 o', 300), ['c graft'])
    assert.deepEqual(lone.expire('missing:1 1 o', 400), ['lost'])
  })

  it('asks for nothing that has come meanwhile', () => {
    const lone = new Lone()
    lone.hear('b', { type: 'i-have', announcements: [have(1)] })
    lone.hear('a', push(1))
    assert.deepEqual(lone.expire('missing:1 1 o', 200), [])
  })

  it('answers a graft with the broadcast, as long as it keeps it', () => {
    const lone = new Lone({ maxCached: 1 })
    for (const sequence of [1, 2]) lone.hear('a', push(sequence))
    assert.deepEqual(lone.hear('b', { type: 'graft', id: idOf(2) }), ['b push'])
    assert.deepEqual(lone.hear('b', { type: 'graft', id: idOf(1) }), [])
  })

  it('announces what is recent to a new neighbor, and asks nobody who is gone', () => {
    const lone = new Lone()
    lone.hear('a', push(1))
    lone.hear('b', { type: 'i-have', announcements: [have(2)] })
    lone.step({ type: 'neighbors', peers: ['a', 'c', 'd'], isMesh: false })
    assert.deepEqual(lone.expire('lazy', 50), ['d i-have'])
    assert.deepEqual(lone.expire('missing:2 1 o', 200), ['lost'])
  })
})

describe('the tree', () => {
  it('moves to a link that is shorter by the threshold (section 3.8)', () => {
    const lone = new Lone({ optimizationThreshold: 3 })
    lone.hear('b', { type: 'prune' })
    lone.hear('b', { type: 'i-have', announcements: [have(1, 1), have(2, 3)] })
    assert.deepEqual(lone.hear('a', push(2, 5)), ['delivered 2', 'c push'])
    assert.deepEqual(lone.hear('a', push(1, 5)), ['delivered 1', 'c push', 'b graft', 'a prune'])
    assert.deepEqual(lone.tree.links(), { eager: ['c', 'b'], lazy: ['a'] })
  })

  it('is no tree where everybody is a neighbor: the origin pushes to all, nobody passes on, two are told', () => {
    const origin = new Lone({}, ['a', 'b', 'c', 'd'], true)
    assert.deepEqual(origin.step({ type: 'broadcast', payload: bytes }), ['a push', 'b push', 'c push', 'd push'])
    const other = new Lone({}, ['o', 'a', 'b', 'c'], true)
    assert.deepEqual(other.hear('o', push(1)), ['delivered 1'])
    assert.equal(other.expire('lazy', 50).length, 2)
    assert.deepEqual(other.hear('a', push(1)), [])
  })
})

describe('the bounds', () => {
  it('on what is waited for drop an announcement, counted', () => {
    const lone = new Lone({ maxMissing: 1 })
    const announcements = [have(1), have(2)]
    assert.deepEqual(lone.hear('a', { type: 'i-have', announcements }), ['missing-full'])
  })

  it('on bytes forget the oldest', () => {
    const lone = new Lone({ maxCachedBytes: 2 * bytes.length })
    for (const sequence of [1, 2, 3]) lone.hear('a', push(sequence))
    assert.deepEqual(lone.hear('b', { type: 'graft', id: idOf(1) }), [])
    assert.deepEqual(lone.hear('b', { type: 'graft', id: idOf(2) }), ['b push'])
  })

  it('leave out whoever is no neighbor, but not what it brings', () => {
    const lone = new Lone()
    assert.deepEqual(lone.hear('x', { type: 'i-have', announcements: [have(1)] }), ['stranger'])
    assert.equal(lone.hear('x', push(1))[0], 'delivered 1')
  })

  it('name every option that is wrong', () => {
    assert.deepEqual(plumtreeProblems({ maxSeen: 100, maxMissing: 0, depth: 1 }), [
      'plumtree.depth is not an option',
      'plumtree.maxMissing (0) must be from 1 to 1000000',
      'plumtree.maxCached (1024) must not exceed plumtree.maxSeen (100)',
    ])
    assert.throws(() => resolvePlumtreeOptions({ lazyIntervalMs: -1 }), InvariantError)
  })
})
