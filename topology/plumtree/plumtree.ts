// Plumtree (Leitão, Pereira, Rodrigues 2007, "Epidemic Broadcast Trees"): broadcasts over the neighbors that an overlay
// gives. The first broadcast floods; every link over which a copy came becomes lazy, so what stays eager is a tree, and
// a broadcast costs one push for each member. Over lazy links only ids travel; whoever misses one grafts the link back
// into the tree.
//
//              push, new: deliver, push on, announce            push, known: prune
//   lazy  ◀──────────────────── prune, or a second copy ──────────────────── eager
//   lazy  ──────── graft: asked for what was announced and did not come ───▶ eager      new neighbors start here
//
// Where everybody is a neighbor of everybody there is no tree: the origin pushes to all, nobody pushes on, and each
// announces to two others, so that what a breaking link lost is found.

import type { Core } from '../core.ts'
import { sample } from '../swim/sample.ts'
import { Timers } from '../timers.ts'
import type { MemberId, Random } from '../types.ts'
import { BroadcastCache, keyOf } from './broadcast-cache.ts'
import { type PlumtreeEffect, type PlumtreeInput, type PlumtreeRules, plumtreeRules } from './core.ts'
import type { Announcement, BroadcastId, PlumtreeMessage } from './messages.ts'
import { Missing } from './missing.ts'
import type { PlumtreeOptions } from './options.ts'

/** What Plumtree is made of. */
export interface PlumtreeSetup {
  readonly self: MemberId
  /** The life of this member: broadcasts of another one are others. */
  readonly generation: number
  readonly options: PlumtreeOptions
  readonly random: Random
  /** Broken ones only in simulations. Default: the true ones. */
  readonly rules?: PlumtreeRules
}

/** Counted no further: a byte on the wire. */
const MAX_HOPS = 255
/** Ids in one message; more go into the next. */
const MAX_ANNOUNCEMENTS = 128
/** In a mesh: neighbors told of what has come. */
const MESH_LAZY_FANOUT = 2

type PushMessage = Extract<PlumtreeMessage, { type: 'push' }>

/** Broadcast trees over any overlay. */
export class Plumtree implements Core<PlumtreeInput, PlumtreeEffect> {
  readonly #setup: PlumtreeSetup
  readonly #rules: PlumtreeRules
  readonly #cache: BroadcastCache
  readonly #missing = new Missing()
  readonly #timers: Timers
  /** Invariant: disjoint; together the neighbors. */
  readonly #eager = new Set<MemberId>()
  readonly #lazy = new Set<MemberId>()
  readonly #announcements = new Map<MemberId, Announcement[]>()
  #isMesh = false
  #sequence = 0
  #now = 0
  #effects: PlumtreeEffect[] = []

  /** The options are taken as they are: resolve them first. */
  constructor(setup: PlumtreeSetup) {
    this.#setup = setup
    this.#rules = setup.rules ?? plumtreeRules
    this.#cache = new BroadcastCache(setup.options)
    this.#timers = new Timers((effect) => this.#effects.push(effect))
  }

  step(input: PlumtreeInput, now: number): readonly PlumtreeEffect[] {
    this.#now = now
    this.#effects = []
    switch (input.type) {
      case 'neighbors':
        this.#setNeighbors(input.peers, input.isMesh)
        break
      case 'broadcast':
        this.#broadcast(input.payload)
        break
      case 'message':
        this.#receive(input.from, input.message)
        break
      case 'timer':
        if (this.#timers.expires(input.timer, now)) this.#expire(input.timer)
        break
      default:
        input satisfies never
    }
    return this.#effects
  }

  /** Neighbors that get broadcasts whole, and those that get ids only. For tests and diagnosis. */
  links(): { readonly eager: readonly MemberId[]; readonly lazy: readonly MemberId[] } {
    return { eager: [...this.#eager], lazy: [...this.#lazy] }
  }

  #setNeighbors(peers: readonly MemberId[], isMesh: boolean): void {
    this.#isMesh = isMesh
    const now = new Set(peers)
    for (const peer of [...this.#eager, ...this.#lazy]) if (!now.has(peer)) this.#forget(peer)
    const { recentAnnounced, recentMs } = this.#setup.options
    for (const peer of now) {
      if (this.#eager.has(peer) || this.#lazy.has(peer)) continue
      this.#eager.add(peer)
      // In a mesh everybody is new to everybody at once.
      if (!isMesh)
        for (const recent of this.#cache.recent(recentAnnounced, this.#now - recentMs)) this.#announce(peer, recent)
    }
  }

  #forget(peer: MemberId): void {
    this.#eager.delete(peer)
    this.#lazy.delete(peer)
    this.#announcements.delete(peer)
    this.#missing.forgetAnnouncer(peer)
  }

  #broadcast(payload: Uint8Array): void {
    const { self, generation } = this.#setup
    this.#sequence++
    const id = { origin: self, generation, sequence: this.#sequence }
    this.#cache.add({ id, hops: 0, payload, at: this.#now })
    if (this.#isMesh) for (const peer of [...this.#eager, ...this.#lazy]) this.#push(peer, id, 1, payload)
    else this.#passOn(id, 0, payload)
  }

  #receive(from: MemberId, message: PlumtreeMessage): void {
    if (!this.#eager.has(from) && !this.#lazy.has(from)) {
      // A push is delivered whoever it comes from: the link may have come up at the other end first.
      if (message.type !== 'push') return void this.#drop('stranger')
    }
    switch (message.type) {
      case 'push':
        this.#receivePush(from, message)
        break
      case 'i-have':
        for (const announcement of message.announcements) this.#receiveAnnouncement(from, announcement)
        break
      case 'graft':
        this.#receiveGraft(from, message.id)
        break
      case 'prune':
        this.#makeLazy(from)
        break
      default:
        message satisfies never
    }
  }

  #receivePush(from: MemberId, { id, hops, payload }: PushMessage): void {
    if (this.#cache.has(id) || id.origin === this.#setup.self) {
      if (this.#isMesh || !this.#rules.prunes()) return
      this.#makeLazy(from)
      this.#send(from, { type: 'prune' })
      return
    }
    this.#cache.add({ id, hops, payload, at: this.#now })
    this.#effects.push({ type: 'emit', event: { type: 'delivered', id, hops, payload, from } })
    const shorter = this.#missing.shortest(id)
    if (this.#missing.delete(id)) this.#timers.clear(`missing:${keyOf(id)}`)
    if (this.#isMesh) {
      const others = [...this.#eager, ...this.#lazy].filter((peer) => peer !== from && peer !== id.origin)
      for (const peer of sample(others, MESH_LAZY_FANOUT, this.#setup.random)) this.#announce(peer, { id, hops })
      return
    }
    this.#makeEager(from)
    this.#passOn(id, hops, payload, from)
    this.#optimize(from, hops, shorter)
  }

  /** Section 3.8: a neighbor outside the tree had it in far fewer hops, so the tree goes that way from now on. */
  #optimize(from: MemberId, hops: number, shorter: { announcer: MemberId; hops: number } | undefined): void {
    if (shorter === undefined || shorter.announcer === from) return
    if (hops - (shorter.hops + 1) < this.#setup.options.optimizationThreshold) return
    this.#makeEager(shorter.announcer)
    this.#send(shorter.announcer, { type: 'graft', id: undefined })
    this.#makeLazy(from)
    this.#send(from, { type: 'prune' })
  }

  #receiveAnnouncement(from: MemberId, announcement: Announcement): void {
    const { id } = announcement
    if (this.#cache.has(id) || id.origin === this.#setup.self) return
    const { maxMissing, missingTimeoutMs } = this.#setup.options
    if (!this.#missing.has(id)) {
      if (this.#missing.size >= maxMissing) return void this.#drop('missing-full')
      this.#timers.set(`missing:${keyOf(id)}`, this.#now + missingTimeoutMs)
    }
    this.#missing.add(announcement, from)
  }

  #receiveGraft(from: MemberId, id: BroadcastId | undefined): void {
    this.#makeEager(from)
    const cached = id && this.#cache.get(id)
    if (cached) this.#push(from, cached.id, cached.hops + 1, cached.payload)
  }

  #expire(timer: string): void {
    if (timer === 'lazy') return void this.#flush()
    const key = timer.slice('missing:'.length)
    const next = this.#missing.next(key)
    if (!next) return
    if (next.announcer === undefined) {
      this.#missing.delete(next.id)
      return void this.#drop('lost')
    }
    this.#timers.set(timer, this.#now + this.#setup.options.graftTimeoutMs)
    if (!this.#rules.grafts()) return
    this.#makeEager(next.announcer)
    this.#send(next.announcer, { type: 'graft', id: next.id })
  }

  #passOn(id: BroadcastId, hops: number, payload: Uint8Array, from?: MemberId): void {
    for (const peer of this.#eager) if (peer !== from) this.#push(peer, id, hops + 1, payload)
    for (const peer of this.#lazy) if (peer !== from) this.#announce(peer, { id, hops })
  }

  #push(to: MemberId, id: BroadcastId, hops: number, payload: Uint8Array): void {
    this.#send(to, { type: 'push', id, hops: Math.min(hops, MAX_HOPS), payload })
  }

  #announce(to: MemberId, announcement: Announcement): void {
    if (!this.#rules.announces()) return
    const queue = this.#announcements.get(to) ?? []
    queue.push(announcement)
    this.#announcements.set(to, queue)
    if (queue.length >= MAX_ANNOUNCEMENTS) return void this.#flush()
    if (!this.#timers.isSet('lazy')) this.#timers.set('lazy', this.#now + this.#setup.options.lazyIntervalMs)
  }

  #flush(): void {
    for (const [peer, announcements] of this.#announcements) this.#send(peer, { type: 'i-have', announcements })
    this.#announcements.clear()
  }

  #makeEager(peer: MemberId): void {
    if (this.#lazy.delete(peer)) this.#eager.add(peer)
  }

  #makeLazy(peer: MemberId): void {
    if (this.#eager.delete(peer)) this.#lazy.add(peer)
  }

  #send(to: MemberId, message: PlumtreeMessage): void {
    this.#effects.push({ type: 'send', to, message })
  }

  #drop(reason: 'stranger' | 'missing-full' | 'lost'): void {
    this.#effects.push({ type: 'emit', event: { type: 'dropped', reason } })
  }
}
