// Whom a node that is to form a cluster calls, and when. Few founders are all voters, who need links to each other at
// once. More of them call one first, the one with the lowest address that they know: it is soon linked to all, tells
// each of the others, and forms the cluster with them (`topology/forming/`): a link for each founder instead of one for
// each pair, and then those among the voters. The other links come when all are members. Where that one does not
// answer, all call all after a while.

import { type MemberId, votersOf } from '../../topology/index.ts'
import type { Pace } from '../links/dialer.ts'
import type { Links } from '../links/links.ts'
import { splitAddress } from '../transport/provider.ts'
import type { Contact } from '../wire/contacts.ts'
import { MAX_CONTACTS } from '../wire/limits.ts'

/**
 * The founder with the higher address leaves the other so long for each of the founders: each pair makes one
 * connection, not two, where all start together. What it takes until all of them are called grows with their number;
 * who starts last waits for nothing else.
 */
const FOUNDER_GRACE_MS = 10
const LONGEST_GRACE_MS = 300
/** Up to so many all call all at once: as many as can vote. */
const FEW_FOUNDERS = 5
/** So long the others wait for the first of many to answer. A guess: a start on a busy machine. */
const PATIENCE_MS = 1_000
/** So long, when it has, for the cluster. */
const LONG_PATIENCE_MS = 4_000
/** Of two voters who know each other, one calls; where the other does not know it, so much later. */
const VOTER_GRACE_MS = 50

/**
 * How long a node that is to form with so many `founders` waits before it calls `other`, which may call it, too.
 * `known`: the addresses that a fresh node knows by now; undefined for one that needs links to all.
 */
export function founderDelay(
  self: string,
  other: string,
  founders: number,
  known: Iterable<string> | undefined,
): number {
  const grace = Math.min(founders * FOUNDER_GRACE_MS, LONGEST_GRACE_MS)
  if (!known || !gatherAtOne(founders)) return self < other ? 0 : grace
  let first = self
  for (const address of known) if (address < first) first = address
  if (other <= first) return 0
  return self === first ? grace : PATIENCE_MS
}

/** Whether so many founders come together over the link to one of them. */
export function gatherAtOne(founders: number): boolean {
  return founders > FEW_FOUNDERS
}

export interface FounderCallsOptions {
  readonly self: { readonly id: string; readonly address: string }
  readonly founders: number
  /** False: this node has made a promise in an earlier life, which takes links to all. */
  readonly isFresh: boolean
  readonly links: Pick<Links, 'callMember' | 'callSeed' | 'dropMember' | 'dropSeed' | 'get'>
}

export class FounderCalls {
  readonly #options: FounderCallsOptions
  /** Addresses to call, of whom only these are known. */
  readonly #seeds = new Set<string>()
  /** Others that this node was told of. They are called like seeds until it has its cluster. */
  readonly #contacts = new Map<MemberId, string>()
  #voters: readonly MemberId[] = []
  #isFirstLinked = false

  constructor(options: FounderCallsOptions) {
    this.#options = options
  }

  callSeeds(addresses: readonly string[]): void {
    for (const address of addresses) this.#seeds.add(address)
    for (const address of addresses) this.#call(address)
  }

  /** Others are there: this node calls whom it is not linked to. */
  introduced(contacts: readonly Contact[]): void {
    const { links, self } = this.#options
    for (const { id, address } of contacts) {
      if (id === self.id || links.get(id) || this.#contacts.size >= MAX_CONTACTS) continue
      this.#contacts.set(id, address)
      this.#call(address)
    }
  }

  /** A link to a fresh node is up. With the first of them the others are not needed, if all goes well. */
  linked(address: string): void {
    if (this.#isFirstLinked || splitAddress(address).every((part) => this.#delay(part) > 0)) return
    this.#isFirstLinked = true
    this.#postpone('eager', LONG_PATIENCE_MS)
  }

  /** This node takes `set`: those of it that will vote need links to each other. */
  callVoters(set: readonly MemberId[]): void {
    const { links, self } = this.#options
    this.dropVoters()
    const voters = votersOf(set)
    if (!voters.includes(self.id)) return
    this.#voters = voters
    for (const id of voters) {
      const address = this.#contacts.get(id)
      if (address !== undefined && !links.get(id))
        links.callMember(id, address, 'eager', self.address < address ? 0 : VOTER_GRACE_MS)
    }
  }

  /** The set is given up. */
  dropVoters(): void {
    for (const id of this.#voters) this.#options.links.dropMember(id)
    this.#voters = []
  }

  /** The cluster is there, and its members call each other: of the seeds nobody is called in a hurry any more. */
  end(): void {
    const { links } = this.#options
    for (const address of this.#contacts.values()) if (!this.#seeds.has(address)) links.dropSeed(address)
    this.#contacts.clear()
    this.#postpone('remembered', PATIENCE_MS)
  }

  #waiting(): string[] {
    const known = new Set([...this.#seeds, ...this.#contacts.values()])
    return [...known].filter((address) => this.#delay(address) >= PATIENCE_MS)
  }

  #postpone(pace: Pace, ms: number): void {
    const { links } = this.#options
    for (const address of this.#waiting()) {
      links.dropSeed(address)
      links.callSeed(address, pace, ms)
    }
  }

  #call(address: string): void {
    const { self, links } = this.#options
    const delay = this.#delay(address)
    const patience = this.#isFirstLinked && delay === PATIENCE_MS ? LONG_PATIENCE_MS : delay
    if (address !== self.address) links.callSeed(address, 'eager', patience)
  }

  #delay(address: string): number {
    const { self, founders, isFresh } = this.#options
    const known = isFresh ? [...this.#seeds, ...this.#contacts.values()] : undefined
    return founderDelay(self.address, address, founders, known)
  }
}
