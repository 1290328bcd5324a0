// Tells others who this member's neighbors are, passes on what it hears of others, and answers which neighbor is next
// on the way to anybody. News is gathered for a moment and sent to all neighbors but the one it came from; a new
// neighbor gets everything; a digest in each keep-alive finds what was lost.

import type { MemberId } from '../types.ts'
import { Adjacencies } from './adjacencies.ts'
import type { Adjacency, HyParViewMessage } from './messages.ts'
import type { State } from './state.ts'

type MessageOf<Type extends HyParViewMessage['type']> = Extract<HyParViewMessage, { type: Type }>

/** Ids in one message: some 15 KB. The bounds of the wire format allow more. */
const MAX_IDS_PER_MESSAGE = 256
const MAX_PER_MESSAGE = 128

export class Routing {
  readonly #state: State
  readonly #adjacencies = new Adjacencies()
  /** Whom to tell what, and from whom it came. */
  readonly #news = new Map<MemberId, MemberId>()
  /** Neighbors that have everything up to the news. */
  readonly #told = new Set<MemberId>()
  /** Neighbors whose last digest was another one than ours. */
  readonly #differing = new Set<MemberId>()
  #isRunning = false
  #generation = 0
  #sequence = 0
  #announced: readonly MemberId[] = []

  constructor(state: State) {
    this.#state = state
  }

  get digest(): number {
    return this.#adjacencies.digest
  }

  get isOn(): boolean {
    const { known, options, isOpen } = this.#state
    return !isOpen && options.maxRoutedMembers > 0 && known.size < options.maxRoutedMembers
  }

  /** The life of this member: a new one begins its lists anew. */
  setGeneration(generation: number): void {
    if (generation <= this.#generation) return
    this.#generation = generation
    this.#sequence = 0
    this.#announced = []
  }

  nextHop(to: MemberId): MemberId | undefined {
    const { active, self } = this.#state
    if (to === self) return undefined
    if (active.has(to)) return to
    return this.isOn ? this.#adjacencies.hops(self, active.keys()).get(to) : undefined
  }

  /**
   * By its own word it has all the neighbors that it takes. Those do not count that are believed down, or that this
   * member has just lost: they may be gone for both, and where a neighbor has failed those that it leaves find each
   * other at once. False: not, or its word has not been heard.
   */
  isFull(member: MemberId): boolean {
    if (!this.isOn) return false
    const { known, options, self } = this.#state
    const claimed = this.#adjacencies.get(member)?.neighbors ?? []
    const there = claimed.filter((id) => id === self || (known.get(id) !== 'down' && !this.#hasLost(id)))
    return there.length >= options.activeSize
  }

  /** It still counts this member among its neighbors. */
  #hasLost(id: MemberId): boolean {
    const { active, self } = this.#state
    return !active.has(id) && this.#adjacencies.get(id)?.neighbors.includes(self) === true
  }

  /** Those believed alive to whom no way is known. */
  unreachable(): readonly MemberId[] {
    const { known, active, self } = this.#state
    if (!this.isOn) return []
    const hops = this.#adjacencies.hops(self, active.keys())
    return [...known].filter(([id, state]) => state === 'alive' && !hops.has(id)).map(([id]) => id)
  }

  /** Those believed alive to whom a way is known. */
  reachable(): number {
    const { known, active, self } = this.#state
    const hops = this.#adjacencies.hops(self, active.keys())
    return [...hops.keys()].filter((id) => known.has(id)).length
  }

  /** Who there is has changed: what those said who are gone counts no more. */
  membersChanged(): void {
    const { self, known } = this.#state
    for (const { id } of this.#adjacencies.all()) if (id !== self && !known.has(id)) this.#adjacencies.forget(id)
  }

  /** After each step: announces this member's neighbors when they have changed, and tells new ones everything. */
  follow(): void {
    const { active } = this.#state
    if (!this.isOn) return void this.#turnOff()
    this.#isRunning = true
    for (const set of [this.#told, this.#differing]) for (const id of set) if (!active.has(id)) set.delete(id)
    if (!hasSame(active, this.#announced)) this.#announce()
    for (const neighbor of active.keys()) if (!this.#told.has(neighbor)) this.#tellAll(neighbor)
  }

  receive(from: MemberId, { adjacencies }: MessageOf<'links'>): void {
    const { known, self } = this.#state
    if (!this.isOn) return
    for (const adjacency of adjacencies) {
      if (adjacency.id === self) this.#correct(adjacency)
      else if (known.has(adjacency.id) && this.#adjacencies.learn(adjacency)) this.#spread(adjacency.id, from)
    }
  }

  /** One difference may be news on its way; two in a row are something lost. */
  compare(from: MemberId, digest: number): void {
    if (!this.isOn || digest === this.#adjacencies.digest) this.#differing.delete(from)
    else if (!this.#differing.delete(from)) this.#differing.add(from)
    else if (this.#state.active.has(from)) this.#tellAll(from)
  }

  /** The timer of the news. */
  flush(): void {
    for (const neighbor of this.#state.active.keys()) {
      const ids = [...this.#news].filter(([id, from]) => from !== neighbor && id !== neighbor).map(([id]) => id)
      this.#send(
        neighbor,
        ids.flatMap((id) => this.#adjacencies.get(id) ?? []),
      )
    }
    this.#news.clear()
  }

  /** The cluster has outgrown it: what is known will not be kept up to date. */
  #turnOff(): void {
    if (!this.#isRunning) return
    this.#isRunning = false
    this.#announced = []
    this.#adjacencies.clear()
    for (const set of [this.#news, this.#told, this.#differing]) set.clear()
  }

  #announce(): void {
    const { self, active } = this.#state
    this.#announced = [...active.keys()]
    this.#sequence++
    const own = { id: self, generation: this.#generation, sequence: this.#sequence, neighbors: this.#announced }
    this.#adjacencies.learn(own)
    this.#adjacencies.changed()
    this.#spread(self, self)
  }

  /** Somebody has a list of ours that is newer than any we made: of a life that forgot its number. */
  #correct({ generation, sequence }: Adjacency): void {
    const isAhead = generation > this.#generation || (generation === this.#generation && sequence > this.#sequence)
    if (!isAhead) return
    this.#generation = generation
    this.#sequence = sequence
    this.#announce()
  }

  #spread(id: MemberId, from: MemberId): void {
    const { timers, now, options } = this.#state
    this.#news.set(id, from)
    if (!timers.isSet('links')) timers.set('links', now + options.linksIntervalMs)
  }

  #tellAll(neighbor: MemberId): void {
    this.#told.add(neighbor)
    this.#send(neighbor, this.#adjacencies.all())
  }

  #send(to: MemberId, adjacencies: readonly Adjacency[]): void {
    let part: Adjacency[] = []
    let ids = 0
    for (const adjacency of adjacencies) {
      const size = 1 + adjacency.neighbors.length
      if (part.length === MAX_PER_MESSAGE || (part.length > 0 && ids + size > MAX_IDS_PER_MESSAGE)) {
        this.#state.send(to, { type: 'links', adjacencies: part })
        part = []
        ids = 0
      }
      part.push(adjacency)
      ids += size
    }
    if (part.length > 0) this.#state.send(to, { type: 'links', adjacencies: part })
  }
}

function hasSame(active: ReadonlyMap<MemberId, unknown>, announced: readonly MemberId[]): boolean {
  return active.size === announced.length && announced.every((id) => active.has(id))
}
