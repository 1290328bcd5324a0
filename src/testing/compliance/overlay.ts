// What every overlay must do, sentence by sentence of `topology/overlay.ts`. A test of an implementation is one call:
// `testOverlay('full-mesh', { create: (self) => new FullMesh(self) })`. The members live in a small world of their own
// in which every dial succeeds unless a case says otherwise; time is virtual, so nothing waits.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { MemberId, MemberRecord, Overlay, OverlayEffect, OverlayInput, Random } from '../../../topology/index.ts'

/** An overlay whose messages and events the suite only carries, never reads. */
export type AnyOverlay = Overlay<unknown, unknown>

/** What {@link testOverlay} needs to know of an overlay. */
export interface OverlaySuite {
  /** A fresh overlay of one member; `random` is all the chance it may use. */
  create(self: MemberId, random: Random): AnyOverlay
  /** What is special about the record of the member of this index, such as its roles. Default: nothing. */
  record?(index: number): Partial<MemberRecord>
  /** How many of the first members hold the log. Default 0: nobody is told who does. */
  readonly voters?: number
  /** Members in the largest world. Default 24: above it overlays that link everybody get slow to test. */
  readonly members?: number
  /** Virtual milliseconds after which a world without faults is quiet. Default 60,000. */
  readonly quietAfterMs?: number
}

const LATENCY_MS = 1

/** Registers the suite with `node:test`: what every overlay must do, one case for each sentence of its interface. */
export function testOverlay(name: string, suite: OverlaySuite): void {
  const sizes = [1, 2, 3, 7, suite.members ?? 24]
  const quietAfterMs = suite.quietAfterMs ?? 60_000
  const quietWorld = (size: number): World => {
    const world = new World(suite, size)
    world.run(quietAfterMs)
    return world
  }

  describe(`overlay ${name}`, () => {
    it('has a name and a capacity of at least one', () => {
      const overlay = suite.create('a', seeded(1))
      assert.match(overlay.name, /^[a-z][a-z-]*$/)
      assert.ok(overlay.capacity >= 1)
    })

    it('never has itself for a neighbor, and wants nobody who is not a member', () => {
      for (const size of sizes) {
        const world = new World(suite, size)
        world.run(quietAfterMs, () => world.checkNeighbors())
      }
    })

    it('asks for links to its neighbors only, and never to itself', () => {
      const world = quietWorld(7)
      for (const node of world.nodes.values()) {
        const wanted = [...node.wanted].sort()
        assert.deepEqual(wanted, [...node.overlay.neighbors()].sort(), node.id)
      }
    })

    it('respects its capacity at every moment', () => {
      const world = new World(suite, suite.members ?? 24)
      world.run(quietAfterMs, () => {
        for (const { overlay } of world.nodes.values()) assert.ok(overlay.neighbors().length <= overlay.capacity)
      })
    })

    it('has symmetric views when quiet: whoever I am linked to wants me too', () => {
      for (const size of sizes) quietWorld(size).checkSymmetry()
    })

    it('hands a message only to a neighbor that is linked, and to the destination itself when that is', () => {
      const world = quietWorld(7)
      for (const { overlay, id, links } of world.nodes.values())
        for (const to of world.nodes.keys()) {
          if (to === id) continue
          const hop = overlay.nextHop(to)
          if (hop === undefined) continue
          assert.ok(links.has(hop) && overlay.neighbors().includes(hop), `${id} hands to ${hop}`)
          if (links.has(to) && overlay.neighbors().includes(to)) assert.equal(hop, to)
        }
    })

    it('says how well it holds: by some neighbor when quiet, and isolated once every link is gone', () => {
      for (const size of sizes) {
        const world = quietWorld(size)
        for (const { overlay, id } of world.nodes.values()) {
          const { target, linked, isIsolated } = overlay.connectivity()
          assert.ok(target <= size - 1 && (size === 1 || target >= 1), `${id} wants ${target} of ${size - 1}`)
          assert.ok(
            linked <= overlay.neighbors().length && (size === 1 || linked >= 1),
            `${id} has ${linked} of ${target}`,
          )
          assert.ok(!isIsolated)
        }
        if (size === 1) continue
        for (const node of world.nodes.values())
          for (const peer of world.nodes.keys())
            if (peer !== node.id) world.step(node, { type: 'disconnected', peer, announced: false })
        for (const { overlay } of world.nodes.values()) assert.ok(overlay.connectivity().isIsolated)
      }
    })

    it('names no next hop for somebody unknown, nor for itself', () => {
      const world = quietWorld(3)
      for (const { overlay, id } of world.nodes.values()) {
        assert.equal(overlay.nextHop('a stranger'), undefined)
        assert.equal(overlay.nextHop(id), undefined)
      }
    })

    it('reaches every member when quiet, without going in a circle', () => {
      for (const size of sizes) quietWorld(size).checkRoutes()
    })

    it('gives up links to members that left, and links them again in a new life', () => {
      const world = quietWorld(7)
      world.changeMember('m1', { state: 'left' })
      world.run(quietAfterMs)
      for (const { overlay, id, wanted } of world.nodes.values()) {
        if (id === 'm1') continue
        assert.ok(!overlay.neighbors().includes('m1') && !wanted.has('m1'), `${id} let go of m1`)
      }
      world.changeMember('m1', { state: 'alive', incarnation: { generation: 2, refutation: 0 } })
      world.run(quietAfterMs)
      world.checkSymmetry()
      world.checkRoutes()
    })

    it('gives up links to members that are no longer known', () => {
      const world = quietWorld(3)
      world.forgetMember('m2')
      world.run(quietAfterMs)
      for (const { overlay, wanted } of world.nodes.values())
        assert.ok(!overlay.neighbors().includes('m2') && !wanted.has('m2'))
    })

    it('is whole again after links broke', () => {
      const world = quietWorld(7)
      world.breakLinks()
      world.run(quietAfterMs)
      world.checkSymmetry()
      world.checkRoutes()
    })

    it('links a pair of which only one end can dial, whichever it is', () => {
      for (const silent of ['m0', 'm1']) {
        const world = new World(suite, 2)
        world.cannotDial.add(silent)
        world.run(quietAfterMs)
        world.checkRoutes()
      }
    })

    it('does not mind hearing the same twice, nor of links that nobody asked for', () => {
      const world = quietWorld(3)
      for (const node of world.nodes.values()) {
        const before = [...node.overlay.neighbors()]
        world.step(node, { type: 'members', members: world.members() })
        world.step(node, { type: 'connected', peer: 'a stranger' })
        world.step(node, { type: 'disconnected', peer: 'a stranger', announced: false })
        world.step(node, { type: 'timer', timer: 'no such timer' })
        world.step(node, { type: 'unreachable', peer: 'a stranger' })
        assert.deepEqual([...node.overlay.neighbors()], before)
      }
      world.run(quietAfterMs)
      world.checkRoutes()
    })
  })
}

interface WorldNode {
  readonly id: MemberId
  readonly overlay: AnyOverlay
  /** Links it asked for and did not give up. */
  readonly wanted: Set<MemberId>
  readonly links: Set<MemberId>
  readonly timers: Map<string, number>
}

/** Members whose overlays link up over a network without faults. */
class World {
  readonly nodes = new Map<MemberId, WorldNode>()
  readonly cannotDial = new Set<MemberId>()
  readonly #records = new Map<MemberId, MemberRecord>()
  #plan: { readonly at: number; readonly order: number; readonly run: () => void }[] = []
  readonly #suite: OverlaySuite
  #order = 0
  #now = 0

  constructor(suite: OverlaySuite, size: number) {
    this.#suite = suite
    for (let index = 0; index < size; index++) {
      const id = `m${index}`
      this.#records.set(id, this.#recordOf(id))
      const overlay = suite.create(id, seeded(index + 1))
      this.nodes.set(id, { id, overlay, wanted: new Set(), links: new Set(), timers: new Map() })
    }
    const voters = [...this.nodes.keys()].slice(0, suite.voters ?? 0)
    this.#after(0, () => {
      for (const node of this.nodes.values()) this.step(node, { type: 'voters', voters })
      this.#tellMembers()
    })
  }

  members(): readonly MemberRecord[] {
    return [...this.#records.values()]
  }

  changeMember(id: MemberId, changes: Partial<MemberRecord>): void {
    this.#records.set(id, { ...this.#recordOf(id), ...changes })
    this.#tellMembers()
  }

  forgetMember(id: MemberId): void {
    this.#records.delete(id)
    this.nodes.delete(id)
    this.#tellMembers()
  }

  /** Every link goes down at once, with no word. */
  breakLinks(): void {
    for (const one of this.nodes.values()) for (const peer of [...one.links]) this.#unlink(one, peer)
  }

  step(node: WorldNode, input: OverlayInput<unknown>): void {
    for (const effect of node.overlay.step(input, this.#now)) this.#carryOut(node, effect)
  }

  /** Lets virtual time pass; `check` runs after everything that happens. */
  run(ms: number, check: () => void = () => {}): void {
    const end = this.#now + ms
    for (;;) {
      this.#plan.sort((one, other) => one.at - other.at || one.order - other.order)
      if (this.#plan[0] === undefined || this.#plan[0].at > end) break
      const next = this.#plan.shift()
      this.#now = next?.at ?? this.#now
      next?.run()
      check()
    }
    this.#now = end
  }

  checkNeighbors(): void {
    for (const { overlay, id } of this.nodes.values())
      for (const peer of overlay.neighbors()) {
        assert.notEqual(peer, id, `${id} is no neighbor of itself`)
        assert.ok(this.#records.has(peer), `${peer} is a member`)
      }
  }

  checkSymmetry(): void {
    for (const { id, overlay } of this.nodes.values()) {
      if (this.#records.get(id)?.state === 'left') continue
      for (const peer of overlay.neighbors())
        assert.ok(this.nodes.get(peer)?.overlay.neighbors().includes(id), `${peer} has ${id} as ${id} has ${peer}`)
    }
  }

  /** Follows the next hops from everyone to everyone. */
  checkRoutes(): void {
    for (const from of this.nodes.keys())
      for (const to of this.nodes.keys()) {
        const seen = new Set<MemberId>()
        for (let at = from; at !== to; ) {
          assert.ok(!seen.has(at), `the way from ${from} to ${to} comes back to ${at}`)
          seen.add(at)
          const hop = this.nodes.get(at)?.overlay.nextHop(to)
          assert.ok(hop !== undefined, `${at} knows a way to ${to}`)
          at = hop
        }
      }
  }

  #carryOut(node: WorldNode, effect: OverlayEffect<unknown, unknown>): void {
    switch (effect.type) {
      case 'link':
        assert.ok(effect.after >= 0, 'a dial is not in the past')
        node.wanted.add(effect.peer)
        this.#after(effect.after, () => this.#dial(node, effect.peer))
        break
      case 'unlink':
        node.wanted.delete(effect.peer)
        this.#unlink(node, effect.peer)
        break
      case 'send':
        assert.ok(node.links.has(effect.to), `${node.id} sends over links it has`)
        this.#after(LATENCY_MS, () => {
          const target = this.nodes.get(effect.to)
          if (target?.links.has(node.id)) this.step(target, { type: 'message', from: node.id, message: effect.message })
        })
        break
      case 'set-timer':
        node.timers.set(effect.timer, effect.at)
        this.#after(effect.at - this.#now, () => {
          if (node.timers.get(effect.timer) === effect.at) this.step(node, { type: 'timer', timer: effect.timer })
        })
        break
      case 'clear-timer':
        node.timers.delete(effect.timer)
        break
      case 'emit':
        break
      default:
        effect satisfies never
    }
  }

  #dial(node: WorldNode, peer: MemberId): void {
    const target = this.nodes.get(peer)
    if (!target || node.links.has(peer) || !node.wanted.has(peer) || this.cannotDial.has(node.id)) return
    node.links.add(peer)
    target.links.add(node.id)
    this.step(node, { type: 'connected', peer })
    this.step(target, { type: 'connected', peer: node.id })
  }

  #unlink(node: WorldNode, peer: MemberId): void {
    if (!node.links.delete(peer)) return
    const target = this.nodes.get(peer)
    target?.links.delete(node.id)
    this.step(node, { type: 'disconnected', peer, announced: true })
    if (target) this.step(target, { type: 'disconnected', peer: node.id, announced: true })
  }

  #tellMembers(): void {
    for (const node of [...this.nodes.values()]) this.step(node, { type: 'members', members: this.members() })
  }

  #recordOf(id: MemberId): MemberRecord {
    return { ...recordOf(id), ...this.#suite.record?.(Number(id.slice(1))) }
  }

  #after(ms: number, run: () => void): void {
    this.#plan.push({ at: this.#now + Math.max(0, ms), order: this.#order++, run })
  }
}

function recordOf(id: MemberId): MemberRecord {
  return {
    id,
    name: id,
    address: `${id}:7400`,
    roles: [],
    zone: '',
    livenessPort: 0,
    incarnation: { generation: 1, refutation: 0 },
    state: 'alive',
    condition: 'ok',
  }
}

/** A linear congruential generator (Knuth's MMIX constants cut to 32 bits): enough to choose among neighbors. */
function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
