// Why this node holds a link to a peer: an overlay wants it, both are voters, or messages travel over it. Several
// reasons may hold one link, two overlays during a switch among them, and each end has reasons of its own. So each end
// tells the other the strongest of its reasons whenever that changes, and a link is closed once neither end has any:
// nobody closes what somebody else still needs, and nobody keeps what nobody needs. Two members that meet have no
// reasons yet, for they do not know each other: so a link may be without any for a moment.

import type { Time } from '../runtime/clock.ts'
import { NamedTimers } from '../runtime/named-timers.ts'
import type { Turn } from '../runtime/turn.ts'
import type { HoldKind } from '../wire/hold.ts'
import type { Pace } from './dialer.ts'
import type { Links } from './links.ts'

export interface HoldsOptions {
  readonly links: Pick<Links, 'get' | 'send' | 'callMember' | 'dropMember' | 'release'>
  /** Where and how eagerly a member is to be dialled; undefined: not at all. */
  readonly target: (peer: string) => { readonly address: string; readonly pace: Pace } | undefined
  readonly clock: Time
  readonly turn: Turn
}

/** A link that nobody needs is closed after this long: time to hear who the others are, and to want it again. */
const UNNEEDED_MS = 2_000

/** How often each end of a link says something, at least while it has few. */
export const SPEAK_EVERY_MS = 2_000
/**
 * With many links less often: so much for each. A message costs both ends some 0.1 ms: a mesh of two hundred would do
 * little else.
 */
const SPEAK_EVERY_MS_BY_LINKS = 40
/** Nobody speaks less often. Well below what a link may be silent for that had few links beside it. */
const LONGEST_GAP_MS = 6_000
/**
 * Of the longest gap, what is left with each word that comes sooner. Small: words that come together hide it. Large:
 * who stood still once is waited for for long. A guess.
 */
const REMEMBERED_SHARE = 3 / 4

/** What was last said, or heard, and how long after what was before. */
interface Word {
  readonly at: number
  readonly gapMs: number
}

/** From the weakest to the strongest. */
const strength: Readonly<Record<HoldKind, number>> = { none: 0, 'on-demand': 1, pinned: 2, overlay: 3 }

export class Holds {
  readonly #options: HoldsOptions
  /** By peer: its reasons by name. Invariant: no empty map. */
  readonly #own = new Map<string, Map<string, HoldKind>>()
  /** What linked peers say. One that has said nothing yet may need the link. */
  readonly #theirs = new Map<string, HoldKind>()
  /** What linked peers were told. */
  readonly #told = new Map<string, HoldKind>()
  /** Said to linked peers: the gap is the one that follows. */
  readonly #said = new Map<string, Word>()
  /** Heard of linked peers: the gap is the longest of late. */
  readonly #heard = new Map<string, Word>()
  readonly #linked = new Set<string>()
  /** Defined while overlays' links wait: by peer, how long its dial waits besides. */
  #waiting: Map<string, number> | undefined
  /** By peer: when its link, which nobody needs, is closed. */
  readonly #unneeded: NamedTimers

  constructor(options: HoldsOptions) {
    this.#options = options
    const { clock, turn, links } = options
    this.#unneeded = new NamedTimers(clock, (peer) => turn.enter(() => links.release(peer)))
  }

  /** Holds a link to `peer` for `reason` until it is released: dials after `afterMs` unless one is up. */
  hold(peer: string, reason: string, kind: Exclude<HoldKind, 'none'>, afterMs = 0): void {
    const reasons = this.#own.get(peer) ?? new Map<string, HoldKind>()
    reasons.set(reason, kind)
    this.#own.set(peer, reasons)
    if (kind === 'overlay') this.#waiting?.set(peer, afterMs)
    this.call(peer, afterMs)
    this.#settle(peer)
  }

  /** Links that only an overlay wants wait from now on until `letOverlaysCall`. */
  makeOverlaysWait(): void {
    this.#waiting ??= new Map()
  }

  letOverlaysCall(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    for (const [peer, afterMs] of waiting) this.call(peer, afterMs)
  }

  release(peer: string, reason: string): void {
    const reasons = this.#own.get(peer)
    if (!reasons?.delete(reason)) return
    this.#waiting?.delete(peer)
    if (reasons.size === 0) {
      this.#own.delete(peer)
      this.#options.links.dropMember(peer)
    }
    this.#settle(peer)
  }

  releaseAll(reason: string): void {
    for (const peer of [...this.#own.keys()]) this.release(peer, reason)
  }

  /** Whom `reason` holds. */
  heldFor(reason: string): string[] {
    return [...this.#own].filter(([, reasons]) => reasons.has(reason)).map(([peer]) => peer)
  }

  /** Dials `peer` if it is held and not linked; again when its address or state has changed. */
  call(peer: string, afterMs = 0): void {
    const reasons = this.#own.get(peer)
    if (!reasons || this.#linked.has(peer)) return
    if (this.#waiting && [...reasons.values()].every((kind) => kind === 'overlay')) return
    const target = this.#options.target(peer)
    if (target) this.#options.links.callMember(peer, target.address, target.pace, afterMs)
  }

  /** A link to a member of this cluster is up, and this node is one: from now on it says why it holds it. */
  up(peer: string): void {
    this.#linked.add(peer)
    this.#settle(peer)
  }

  down(peer: string): void {
    this.#linked.delete(peer)
    this.#theirs.delete(peer)
    this.#told.delete(peer)
    this.#said.delete(peer)
    this.#heard.delete(peer)
    this.#unneeded.clear(peer)
    this.call(peer)
  }

  /** The peer said why it holds the link; perhaps before this node was a member. */
  hear(peer: string, kind: HoldKind): void {
    this.#theirs.set(peer, kind)
    const at = this.#options.clock.now()
    const before = this.#heard.get(peer)
    const gapMs = before ? Math.max(at - before.at, before.gapMs * REMEMBERED_SHARE) : SPEAK_EVERY_MS
    this.#heard.set(peer, { at, gapMs: Math.min(gapMs, LONGEST_GAP_MS) })
    this.#settle(peer)
  }

  /**
   * Tells linked peers again why their links are held: so neither end is silent while the network lets them speak. The
   * gap to the next time never more than doubles, so that who has heard the last one knows how long to wait. Called
   * every `SPEAK_EVERY_MS`.
   */
  repeat(): void {
    const now = this.#options.clock.now()
    for (const peer of this.#linked) if (!this.#told.has(peer)) this.#told.set(peer, 'none')
    const longest = Math.min(Math.max(SPEAK_EVERY_MS, this.#told.size * SPEAK_EVERY_MS_BY_LINKS), LONGEST_GAP_MS)
    for (const [peer, kind] of this.#told) {
      const { at, gapMs } = this.#said.get(peer) ?? { at: Number.NEGATIVE_INFINITY, gapMs: SPEAK_EVERY_MS }
      // The timer is never exact.
      if (now - at > gapMs - SPEAK_EVERY_MS / 2) this.#say(peer, kind, Math.min(2 * gapMs, longest))
    }
  }

  /**
   * Linked peers that are never silent for long, and the longest gap of late between two words of theirs: who has said
   * why says it again and again. A link may be cut before it is said twice.
   */
  *repeating(): Iterable<readonly [peer: string, gapMs: number]> {
    for (const [peer, { gapMs }] of this.#heard) yield [peer, gapMs]
  }

  /** The strongest reason of either end. One that was never named is somebody's demand. */
  kindOf(peer: string): Exclude<HoldKind, 'none'> {
    const [own, theirs] = [this.#kind(peer), this.#theirs.get(peer) ?? 'none']
    const strongest = strength[own] >= strength[theirs] ? own : theirs
    return strongest === 'none' ? 'on-demand' : strongest
  }

  close(): void {
    this.#unneeded.clearAll()
  }

  #kind(peer: string): HoldKind {
    let strongest: HoldKind = 'none'
    for (const kind of this.#own.get(peer)?.values() ?? []) if (strength[kind] > strength[strongest]) strongest = kind
    return strongest
  }

  #settle(peer: string): void {
    if (!this.#linked.has(peer)) return
    const kind = this.#kind(peer)
    const told = this.#told.get(peer)
    // Most find a reason as soon as they know each other: that there is none is said with the next words to all.
    if (told !== kind && (told !== undefined || kind !== 'none')) {
      this.#told.set(peer, kind)
      this.#say(peer, kind, SPEAK_EVERY_MS)
    }
    if (kind !== 'none' || this.#theirs.get(peer) !== 'none') this.#unneeded.clear(peer)
    else if (!this.#unneeded.has(peer)) this.#unneeded.set(peer, this.#options.clock.now() + UNNEEDED_MS)
  }

  #say(peer: string, kind: HoldKind, gapMs: number): void {
    this.#said.set(peer, { at: this.#options.clock.now(), gapMs })
    this.#options.links.send(peer, { type: 'hold', kind })
  }
}
