// What stands where in etcd, under the prefix of a cluster. People may look: `etcdctl get --prefix trellis/`.
//
//   config/KEY                  the JSON of a value; its revisions are etcd's own
//   claims/KIND/NAME/OWNER      who holds or waits, as JSON; under a lease, in the order of their creation
//   rounds/NAME                 the last round of a barrier that was passed
//   counters/NAME               a whole number
//   leader/decision             the last decision of S5
//   members/ID                  the cluster that a member which lives belongs to; under a lease

import type { IKeyValue } from 'etcd3'
import type { Claimed, ClaimKind } from '../../../consensus/index.ts'

/** A stretch of keys: all that begin with `key`. */
export interface Stretch {
  readonly key: Buffer
  readonly range_end: Buffer
}

export class Keys {
  readonly prefix: string

  constructor(prefix: string) {
    this.prefix = prefix
  }

  get all(): Stretch {
    return stretch(this.prefix)
  }

  config(key: string): Buffer {
    return Buffer.from(`${this.prefix}config/${key}`)
  }

  configs(prefix: string): Stretch {
    return stretch(`${this.prefix}config/${prefix}`)
  }

  claim({ kind, name }: Claimed, owner: string): Buffer {
    return Buffer.from(`${this.#thing(kind, name)}${encodeURIComponent(owner)}`)
  }

  claimsOf({ kind, name }: Claimed): Stretch {
    return stretch(this.#thing(kind, name))
  }

  get claims(): Stretch {
    return stretch(`${this.prefix}claims/`)
  }

  round(name: string): Buffer {
    return Buffer.from(`${this.prefix}rounds/${encodeURIComponent(name)}`)
  }

  get rounds(): Stretch {
    return stretch(`${this.prefix}rounds/`)
  }

  counter(name: string): Buffer {
    return Buffer.from(`${this.prefix}counters/${encodeURIComponent(name)}`)
  }

  get decision(): Buffer {
    return Buffer.from(`${this.prefix}leader/decision`)
  }

  member(id: string): Buffer {
    return Buffer.from(`${this.prefix}members/${id}`)
  }

  get members(): Stretch {
    return stretch(`${this.prefix}members/`)
  }

  /** Where a key of etcd belongs. Undefined: to nothing that this release knows. */
  placeOf(key: Buffer): Place | undefined {
    const [room, ...rest] = key.toString('utf8').slice(this.prefix.length).split('/')
    if (room === 'config') return { room, key: rest.join('/') }
    if (room === 'leader' && rest[0] === 'decision') return { room: 'decision' }
    if (room === 'rounds' && rest.length === 1) return { room, name: decodeURIComponent(rest[0]!) }
    if (room !== 'claims' || rest.length !== 3) return undefined
    return { room, kind: rest[0] as ClaimKind, name: decodeURIComponent(rest[1]!) }
  }

  #thing(kind: ClaimKind, name: string): string {
    return `${this.prefix}claims/${kind}/${encodeURIComponent(name)}/`
  }
}

export type Place =
  | { readonly room: 'config'; readonly key: string }
  | { readonly room: 'claims'; readonly kind: ClaimKind; readonly name: string }
  | { readonly room: 'rounds'; readonly name: string }
  | { readonly room: 'decision' }

/** One key alone, as a stretch. */
export function only(key: Buffer): Stretch {
  return { key, range_end: Buffer.concat([key, Buffer.from([0])]) }
}

function stretch(prefix: string): Stretch {
  const key = Buffer.from(prefix)
  const end = Buffer.from(key)
  // Keys begin with text, whose last byte is never 0xff.
  end[end.length - 1]! += 1
  return { key, range_end: end }
}

/** What a claim's value says. */
export interface ClaimText {
  readonly owner: string
  readonly leaseMs: number
  readonly limit: number
  readonly value: string
}

/** A claim as etcd has it: its revision is its number, its place in the queue, and, once it is its turn, its token. */
export interface StoredClaim extends ClaimText {
  readonly claim: number
  readonly lease: string
  readonly key: Buffer
}

/** Undefined: something else has written there. */
export function claimOf({ key, value, create_revision, lease }: IKeyValue): StoredClaim | undefined {
  try {
    const { owner, leaseMs, limit, value: said } = JSON.parse(value.toString('utf8')) as ClaimText
    const isRight = typeof owner === 'string' && typeof said === 'string' && Number.isInteger(limit) && leaseMs > 0
    return isRight ? { owner, leaseMs, limit, value: said, claim: Number(create_revision), lease, key } : undefined
  } catch {
    return undefined
  }
}

/** In the order in which they were made. */
export function claimsIn(kvs: readonly IKeyValue[]): StoredClaim[] {
  return kvs
    .map(claimOf)
    .filter((claim) => claim !== undefined)
    .sort((a, b) => a.claim - b.claim)
}

/** The last round of a barrier that was passed: whose claims. */
export function roundOf({ value }: IKeyValue): readonly number[] {
  try {
    const passed = JSON.parse(value.toString('utf8')) as unknown
    return Array.isArray(passed) ? passed.filter((claim) => Number.isSafeInteger(claim)) : []
  } catch {
    return []
  }
}
