// Who offers what: a replicated table in which every entry has one writer, its owner. Pure: no socket, clock or chance;
// the runtime sends what it returns and hands in what came.
//
// An owner counts its changes; a change carries its count. So what is known of an owner is one number, and all that is
// known is a small digest: pairs of owner and (generation, count), compared as in anti-entropy (Demers et al., 1987,
// section 1.3; Van Renesse et al., "Efficient Reconciliation", 2008, "scuttlebutt"). A delta says all that changed
// after `from` up to `to`: it is taken only where nothing before `from` is missing, so there are never holes to
// remember. What was removed stays as a tombstone, a bounded number of them; whoever is behind the oldest gets the
// whole of an owner instead (`from` 0), which replaces. A new life of an owner (a higher generation) begins with
// nothing.

/** One thing that an owner offers, or no longer does. */
export interface RegistryEntry<Facts> {
  /** Unique within its owner, never used again. */
  readonly number: number
  /** The count of the change that wrote it. */
  readonly count: number
  /** Undefined: removed. */
  readonly facts: Facts | undefined
}

/** Every change of one owner after `from` up to `to`: all of a difference, or one piece of it. */
export interface RegistryDelta<Facts> {
  readonly owner: string
  readonly generation: number
  /** 0: the whole, or its first piece; it replaces what was known. */
  readonly from: number
  readonly to: number
  /** Where the last piece leads to; `to` of a single one. */
  readonly upTo: number
  readonly entries: readonly RegistryEntry<Facts>[]
}

/** How much is known of one owner. */
export interface Known {
  readonly generation: number
  readonly count: number
}

export type Digest = ReadonlyMap<string, Known>

export interface RegistryOptions {
  /** Entries of one owner. Default 1,000. */
  readonly maxEntries: number
  /** Removed entries of one owner that are remembered. Default 256. */
  readonly maxTombstones: number
  /** Owners; more are refused. Default 10,000. */
  readonly maxOwners: number
}

/** `gap`: something before it is missing; ask for more. */
export type Applied = 'new' | 'known' | 'gap' | 'refused'

interface Owner<Facts> {
  generation: number
  count: number
  /** Tombstones at or below this count may have been forgotten. Invariant: `floor <= count`. */
  floor: number
  /** By number; in the order of their counts, as a change moves an entry to the end. */
  readonly entries: Map<number, RegistryEntry<Facts>>
}

export const registryDefaults: RegistryOptions = { maxEntries: 1_000, maxTombstones: 256, maxOwners: 10_000 }

export class Registry<Facts> {
  readonly #self: string
  readonly #options: RegistryOptions
  readonly #owners = new Map<string, Owner<Facts>>()
  readonly #own: Owner<Facts>
  #nextNumber = 1

  constructor(self: string, generation: number, options: Partial<RegistryOptions> = {}) {
    this.#self = self
    this.#options = { ...registryDefaults, ...options }
    this.#own = this.#replaced(self, generation)
  }

  /** A number for an entry of this node. Undefined: it has as many as it may. */
  create(facts: Facts): { readonly number: number; readonly delta: RegistryDelta<Facts> } | undefined {
    const number = this.#nextNumber
    const live = [...this.#own.entries.values()].filter((entry) => entry.facts !== undefined)
    if (live.length >= this.#options.maxEntries) return undefined
    this.#nextNumber += 1
    return { number, delta: this.#change(number, facts) }
  }

  /** Undefined: there is no such entry of this node. */
  update(number: number, facts: Facts): RegistryDelta<Facts> | undefined {
    return this.#own.entries.get(number)?.facts === undefined ? undefined : this.#change(number, facts)
  }

  remove(number: number): RegistryDelta<Facts> | undefined {
    return this.#own.entries.get(number)?.facts === undefined ? undefined : this.#change(number, undefined)
  }

  /** Takes what another member says. Of this node's own entries nobody else may say anything. */
  apply(delta: RegistryDelta<Facts>): Applied {
    const { owner, generation, from, to, upTo } = delta
    if (owner === this.#self || !this.#isSound(delta)) return 'refused'
    const known = this.#owners.get(owner)
    if (!known && this.#owners.size >= this.#options.maxOwners) return 'refused'
    if (known && (generation < known.generation || (generation === known.generation && upTo <= known.count)))
      return 'known'
    const isFollowing = known?.generation === generation && from <= known.count && from >= 0
    if (from !== 0 && !isFollowing) return 'gap'
    const target = isFollowing && from !== 0 ? known : this.#replaced(owner, generation)
    for (const entry of delta.entries) if (entry.count > target.count) move(target, entry)
    target.count = Math.max(target.count, to)
    this.#bury(target)
    return 'new'
  }

  digest(): Digest {
    return new Map([...this.#owners].map(([owner, { generation, count }]) => [owner, { generation, count }]))
  }

  /** What whoever knows `theirs` lacks, in pieces of at most `maxEntries` entries each, to be applied in order. */
  lackedBy(theirs: Digest, maxEntries = 64): RegistryDelta<Facts>[] {
    return [...this.#owners].flatMap(([owner, state]) => this.#since(owner, state, theirs.get(owner), maxEntries))
  }

  /** Whoever knows `theirs` knows something that this node lacks. */
  lacks(theirs: Digest): boolean {
    return [...theirs].some(([owner, { generation, count }]) => {
      const known = this.#owners.get(owner)
      if (owner === this.#self) return false
      return !known || generation > known.generation || (generation === known.generation && count > known.count)
    })
  }

  /**
   * Equal where the same is known, and hardly ever where it is not (FNV-1a over the owners, added up in any order).
   * Whoever has never registered anything might as well be unknown.
   */
  fingerprint(): number {
    let sum = 0
    for (const [owner, { generation, count }] of this.#owners) {
      if (count === 0) continue
      let hash = 0x811c9dc5
      for (const unit of `${owner} ${generation} ${count}`) hash = Math.imul(hash ^ unit.charCodeAt(0), 0x01000193)
      sum = (sum + (hash >>> 0)) % 2 ** 48
    }
    return sum
  }

  /** Every entry that is there, by owner. */
  *entries(): Generator<{ readonly owner: string; readonly number: number; readonly facts: Facts }> {
    for (const [owner, { entries }] of this.#owners)
      for (const { number, facts } of entries.values()) if (facts !== undefined) yield { owner, number, facts }
  }

  *entriesOf(owner: string): Generator<{ readonly number: number; readonly facts: Facts }> {
    for (const { number, facts } of this.#owners.get(owner)?.entries.values() ?? [])
      if (facts !== undefined) yield { number, facts }
  }

  /** A member is gone for good. */
  forget(owner: string): void {
    if (owner !== this.#self) this.#owners.delete(owner)
  }

  #change(number: number, facts: Facts | undefined): RegistryDelta<Facts> {
    const own = this.#own
    const from = own.count
    own.count += 1
    const entry = { number, count: own.count, facts }
    move(own, entry)
    this.#bury(own)
    return { owner: this.#self, generation: own.generation, from, to: own.count, upTo: own.count, entries: [entry] }
  }

  /** What a delta says of itself is possible, and fits. */
  #isSound({ generation, from, to, upTo, entries }: RegistryDelta<Facts>): boolean {
    const { maxEntries, maxTombstones } = this.#options
    const isPossible =
      generation >= 0 && from >= 0 && to >= from && upTo >= to && entries.length <= maxEntries + maxTombstones
    return isPossible && entries.every(({ count }) => count > from && count <= to)
  }

  #replaced(owner: string, generation: number): Owner<Facts> {
    const fresh: Owner<Facts> = { generation, count: 0, floor: 0, entries: new Map() }
    this.#owners.set(owner, fresh)
    return fresh
  }

  /** Forgets the oldest tombstones past their bound. */
  #bury(state: Owner<Facts>): void {
    const tombstones = [...state.entries.values()].filter(({ facts }) => facts === undefined)
    for (const { number, count } of tombstones.slice(0, Math.max(0, tombstones.length - this.#options.maxTombstones))) {
      state.entries.delete(number)
      state.floor = Math.max(state.floor, count)
    }
  }

  #since(owner: string, state: Owner<Facts>, theirs: Known | undefined, maxEntries: number): RegistryDelta<Facts>[] {
    const { generation, count, floor } = state
    const isSameLife = theirs?.generation === generation
    if (theirs && (theirs.generation > generation || (isSameLife && theirs.count >= count))) return []
    const start = isSameLife && theirs && theirs.count >= floor ? theirs.count : 0
    const changed = [...state.entries.values()].filter((entry) => entry.count > start)
    const deltas: RegistryDelta<Facts>[] = []
    let from = start
    for (let at = 0; at < changed.length; at += maxEntries) {
      const entries = changed.slice(at, at + maxEntries)
      const isLast = at + maxEntries >= changed.length
      const to = isLast ? count : entries.at(-1)!.count
      deltas.push({ owner, generation, from, to, upTo: count, entries })
      from = to
    }
    return deltas.length > 0 ? deltas : [{ owner, generation, from: start, to: count, upTo: count, entries: [] }]
  }
}

function move<Facts>(state: Owner<Facts>, entry: RegistryEntry<Facts>): void {
  state.entries.delete(entry.number)
  state.entries.set(entry.number, entry)
}
