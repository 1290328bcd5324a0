// What one node knows of its cluster's keys in etcd, kept up by one watch: who claims what, and the last changes of
// config. Whoever waits for something looks here, so a thousand waiters cost etcd no more than one. It lags behind, and
// says how far it got; nothing that needs the truth is answered from it.

import type { IEvent, IKeyValue } from 'etcd3'
import type { ClaimedThing, ClaimKind, ConfigChange } from '../../../consensus/index.ts'
import { claimOf, type Keys, roundOf, type StoredClaim } from './keys.ts'
import { changeOf, thingOf } from './words.ts'

/**
 * Changes of config that are kept for watchers which lag, and the bytes of their values; older ones are asked of etcd
 * again.
 */
const MAX_CHANGES = 16_384
const MAX_CHANGE_BYTES = 8 * 1_024 * 1_024

interface Thing {
  readonly kind: ClaimKind
  readonly name: string
  readonly claims: StoredClaim[]
}

export class EtcdCopy {
  readonly #keys: Keys
  readonly #things = new Map<string, Thing>()
  readonly #rounds = new Map<string, readonly number[]>()
  readonly #changes: ConfigChange[] = []
  #changeBytes = 0
  #through = 0
  #keptFrom = 0
  #decision: { readonly index: number; readonly payload: Uint8Array } | undefined

  constructor(keys: Keys) {
    this.#keys = keys
  }

  /** Nothing up to this revision is missing. */
  get through(): number {
    return this.#through
  }

  /** From this revision on, all changes of config are here. */
  get keptFrom(): number {
    return this.#keptFrom
  }

  get decision(): { readonly index: number; readonly payload: Uint8Array } | undefined {
    return this.#decision
  }

  get claimCount(): number {
    let count = 0
    for (const { claims } of this.#things.values()) count += claims.length
    return count
  }

  /** Begins anew with all keys but config's, as they are at `revision`. */
  load(kvs: readonly IKeyValue[], revision: number): void {
    this.#things.clear()
    this.#rounds.clear()
    this.#changes.length = 0
    this.#changeBytes = 0
    this.#decision = undefined
    for (const kv of kvs) this.#put(kv)
    this.#through = revision
    this.#keptFrom = revision + 1
  }

  apply(events: readonly IEvent[], through: number): void {
    for (const event of events) {
      const revision = Number(event.kv.mod_revision)
      if (revision <= this.#through) continue
      const place = this.#keys.placeOf(event.kv.key)
      if (place?.room === 'config') this.#keep(place.key, event, revision)
      else if (event.type === 'Put') this.#put(event.kv)
      else this.#remove(event.kv)
    }
    this.#through = Math.max(this.#through, through)
  }

  /** In the order in which they came; those of one revision are never parted. */
  changes(from: number, prefix: string, limit: number): readonly ConfigChange[] {
    const found: ConfigChange[] = []
    for (let position = this.#positionOf(from); position < this.#changes.length; position++) {
      const change = this.#changes[position] as ConfigChange
      if (found.length >= limit && found.at(-1)?.revision !== change.revision) break
      if (change.key.startsWith(prefix)) found.push(change)
    }
    return found
  }

  claims(kind: ClaimKind, name: string): readonly StoredClaim[] {
    return this.#things.get(thingKey(kind, name))?.claims ?? []
  }

  /** Whose claims went through in the last round of a barrier. */
  round(name: string): readonly number[] {
    return this.#rounds.get(name) ?? []
  }

  things(): ClaimedThing[] {
    return [...this.#things.values()].map(({ kind, name, claims }) => thingOf(kind, name, claims))
  }

  #put(kv: IKeyValue): void {
    const place = this.#keys.placeOf(kv.key)
    if (place?.room === 'decision')
      this.#decision = { index: Number(kv.mod_revision), payload: new Uint8Array(kv.value) }
    if (place?.room === 'rounds') this.#rounds.set(place.name, roundOf(kv))
    const claim = place?.room === 'claims' ? claimOf(kv) : undefined
    if (place?.room !== 'claims' || claim === undefined) return
    const { kind, name } = place
    const thing = this.#things.get(thingKey(kind, name)) ?? { kind, name, claims: [] }
    const known = thing.claims.findIndex((other) => other.claim === claim.claim)
    if (known >= 0) thing.claims[known] = claim
    else thing.claims.push(claim)
    thing.claims.sort((a, b) => a.claim - b.claim)
    this.#things.set(thingKey(kind, name), thing)
  }

  #remove({ key }: IKeyValue): void {
    const place = this.#keys.placeOf(key)
    if (place?.room === 'decision') this.#decision = undefined
    if (place?.room === 'rounds') this.#rounds.delete(place.name)
    if (place?.room !== 'claims') return
    const thing = this.#things.get(thingKey(place.kind, place.name))
    const position = thing?.claims.findIndex((claim) => claim.key.equals(key)) ?? -1
    if (position >= 0) thing?.claims.splice(position, 1)
    if (thing?.claims.length === 0) this.#things.delete(thingKey(place.kind, place.name))
  }

  #keep(key: string, event: IEvent, revision: number): void {
    const change = changeOf(key, event)
    this.#changes.push(change)
    this.#changeBytes += bytesOf(change)
    const isFull = (): boolean => this.#changes.length > MAX_CHANGES || this.#changeBytes > MAX_CHANGE_BYTES
    while (isFull() && this.#changes[0]!.revision < revision) this.#dropOldest()
  }

  /** The oldest revision as a whole. */
  #dropOldest(): void {
    const oldest = this.#changes[0]!.revision
    const end = this.#changes.findIndex(({ revision }) => revision !== oldest)
    for (const change of this.#changes.splice(0, end)) this.#changeBytes -= bytesOf(change)
    this.#keptFrom = oldest + 1
  }

  #positionOf(from: number): number {
    let low = 0
    let high = this.#changes.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#changes[middle]!.revision < from) low = middle + 1
      else high = middle
    }
    return low
  }
}

function thingKey(kind: ClaimKind, name: string): string {
  return `${kind}/${name}`
}

function bytesOf({ key, value }: ConfigChange): number {
  return key.length + (value?.length ?? 0)
}
