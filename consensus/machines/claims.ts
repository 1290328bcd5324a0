// Claims under leases: locks, semaphores, elections, barriers, singletons. One machine for all, because they share what
// is hard: a fair order, tokens that only grow, and an end that everybody agrees on. No clock is read here; see
// `claim-expiry.ts` for who reads one.
//
//              claim, room                           end, or expired
//   (nothing) ─────────────▶ holds, with a token ───────────────────▶ (nothing), and the next one in the queue holds
//       │                        ▲
//       │ claim, no room         │ its turn
//       └──────────────▶ waits ──┘──── end, or expired ─────────────▶ (nothing)

import type { ApplyMeta } from '../state-machine.ts'
import type { LogIndex } from '../types.ts'
import type {
  Claim,
  ClaimCommand,
  Claimed,
  ClaimedThing,
  ClaimKind,
  ClaimRefusal,
  ClaimReply,
} from './claim-commands.ts'

export interface ClaimBounds {
  /** Claims at most, of all things together. */
  readonly maxClaims: number
  /** Claims on one thing at most, held and waiting. */
  readonly maxClaimsOfOne: number
  /** UTF-16 units in a name or an owner at most. */
  readonly maxClaimTextLength: number
  readonly maxClaimValueLength: number
  readonly maxLeaseMs: number
}

type Of<Type extends ClaimCommand['type']> = Extract<ClaimCommand, { type: Type }>

interface Thing {
  readonly kind: ClaimKind
  readonly name: string
  readonly limit: number
  readonly since: LogIndex
  claims: readonly Claim[]
}

export class Claims {
  readonly #bounds: ClaimBounds
  #things = new Map<string, Thing>()
  #count = 0

  constructor(bounds: ClaimBounds) {
    this.#bounds = bounds
  }

  apply(meta: ApplyMeta, command: ClaimCommand): ClaimReply {
    switch (command.type) {
      case 'claim':
        return this.#claim(meta, command)
      case 'renew-claim':
        return this.#renew(meta, command)
      case 'end-claim':
        return this.#end(meta, command, () => true)
      case 'expire-claim':
        return this.#end(meta, command, ({ renewedAt }) => renewedAt === command.renewedAt)
      default:
        command satisfies never
        return refused('claim-text-length')
    }
  }

  /** One thing, while anybody claims it. */
  get(kind: ClaimKind, name: string): ClaimedThing | undefined {
    return this.#things.get(keyOf({ kind, name }))
  }

  /** Everything that somebody claims. */
  all(): IterableIterator<ClaimedThing> {
    return this.#things.values()
  }

  /** How many claims there are. */
  get count(): number {
    return this.#count
  }

  snapshot(): ClaimedThing[] {
    return [...this.#things.values()].map((thing) => ({ ...thing, claims: [...thing.claims] }))
  }

  restore(things: readonly ClaimedThing[]): void {
    const copies = things.map((thing) => ({
      ...thing,
      claims: thing.claims.map((claim) => Object.freeze({ ...claim })),
    }))
    this.#things = new Map(copies.map((thing) => [keyOf(thing), thing]))
    this.#count = copies.reduce((sum, { claims }) => sum + claims.length, 0)
  }

  #claim({ index }: ApplyMeta, command: Of<'claim'>): ClaimReply {
    const reason = this.#outOfBounds(command)
    if (reason) return refused(reason)
    const { kind, name, owner, limit, leaseMs, waits, value } = command
    const thing: Thing = this.#things.get(keyOf(command)) ?? { kind, name, limit, since: index, claims: [] }
    if (thing.limit !== limit) return refused('limit-differs')
    const own = thing.claims.find((claim) => claim.owner === owner)
    if (own) return { type: 'held', owner, token: own.token }
    const holders = thing.claims.filter(({ token }) => token > 0)
    const isFull = kind !== 'barrier' && holders.length >= limit
    if (isFull && !waits) return { type: 'held', owner: holders[0]!.owner, token: holders[0]!.token }
    if (this.#count >= this.#bounds.maxClaims) return refused('too-many-claims')
    if (thing.claims.length >= this.#bounds.maxClaimsOfOne) return refused('too-many-waiting')
    const token = isFull || kind === 'barrier' ? 0 : index
    thing.claims = [...thing.claims, Object.freeze({ claim: index, owner, leaseMs, renewedAt: index, token, value })]
    this.#things.set(keyOf(command), thing)
    this.#count += 1
    if (kind !== 'barrier' || thing.claims.length < limit)
      return { type: 'claimed', claim: index, token, since: thing.since, leaseMs }
    // The last one has come: all pass, and the next to come begin a new round.
    this.#replace(thing, [])
    return { type: 'claimed', claim: index, token: index, since: thing.since, leaseMs }
  }

  #renew({ index }: ApplyMeta, command: Of<'renew-claim'>): ClaimReply {
    const thing = this.#things.get(keyOf(command))
    const found = thing?.claims.find((claim) => isMeant(claim, command.claim))
    if (!thing || !found) return { type: 'no-claim', token: largestToken(thing) }
    thing.claims = thing.claims.map((claim) =>
      claim === found ? Object.freeze({ ...claim, renewedAt: index }) : claim,
    )
    return claimed(thing, found)
  }

  #end({ index }: ApplyMeta, command: Claimed & { claim: LogIndex }, isDue: (claim: Claim) => boolean): ClaimReply {
    const thing = this.#things.get(keyOf(command))
    const found = thing?.claims.find((claim) => isMeant(claim, command.claim))
    if (!thing || !found || !isDue(found)) return { type: 'no-claim', token: largestToken(thing) }
    this.#replace(
      thing,
      this.#promoted(
        thing,
        thing.claims.filter((claim) => claim !== found),
        index,
      ),
    )
    return claimed(thing, found)
  }

  /**
   * The next in the queue holds, when there is room. One entry makes room for one at most, so no two tokens are equal.
   */
  #promoted({ kind, limit }: Thing, claims: readonly Claim[], index: LogIndex): readonly Claim[] {
    const waiting = claims.filter(({ token }) => token === 0)
    if (kind === 'barrier' || waiting.length === 0 || claims.length - waiting.length >= limit) return claims
    const next = kind === 'singleton' ? this.#leastLoaded(waiting) : waiting[0]
    return claims.map((claim) => (claim === next ? Object.freeze({ ...claim, token: index }) : claim))
  }

  /** Whose owner holds the fewest singletons; of equals who came first. */
  #leastLoaded(waiting: readonly Claim[]): Claim | undefined {
    const load = new Map<string, number>()
    for (const { kind, claims } of this.#things.values())
      for (const { owner, token } of kind === 'singleton' ? claims : [])
        if (token > 0) load.set(owner, (load.get(owner) ?? 0) + 1)
    const loadOf = ({ owner }: Claim): number => load.get(owner) ?? 0
    return [...waiting].sort((a, b) => loadOf(a) - loadOf(b) || a.claim - b.claim)[0]
  }

  #replace(thing: Thing, claims: readonly Claim[]): void {
    this.#count += claims.length - thing.claims.length
    thing.claims = claims
    if (claims.length === 0) this.#things.delete(keyOf(thing))
  }

  #outOfBounds({ name, owner, value, leaseMs, limit, kind }: Of<'claim'>): ClaimRefusal | undefined {
    const { maxClaimTextLength, maxClaimValueLength, maxLeaseMs, maxClaimsOfOne } = this.#bounds
    const isShort = (text: string): boolean => text.length > 0 && text.length <= maxClaimTextLength
    if (!isShort(name) || !isShort(owner) || value.length > maxClaimValueLength) return 'claim-text-length'
    if (leaseMs < 1 || leaseMs > maxLeaseMs) return 'lease-length'
    const isMany = kind === 'semaphore' || kind === 'barrier'
    return limit < 1 || limit > (isMany ? maxClaimsOfOne : 1) ? 'limit-range' : undefined
  }
}

function claimed({ since }: Thing, { claim, token, leaseMs }: Claim): ClaimReply {
  return { type: 'claimed', claim, token, since, leaseMs }
}

function keyOf({ kind, name }: Claimed): string {
  return `${kind} ${name}`
}

/**
 * By the claim itself, or by its token: whoever holds it may know only that. No entry is a claim's and another's token.
 */
function isMeant({ claim, token }: Claim, named: LogIndex): boolean {
  return claim === named || (token > 0 && token === named)
}

function largestToken(thing: Thing | undefined): LogIndex {
  return Math.max(0, ...(thing?.claims.map(({ token }) => token) ?? []))
}

function refused(reason: ClaimRefusal): ClaimReply {
  return { type: 'refused', reason }
}
