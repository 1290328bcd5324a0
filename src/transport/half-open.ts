// Connections that strangers have opened and that nobody has admitted yet. They are bounded in time, in bytes, in
// number per remote address and in number altogether. Past a bound the oldest one that has proven nothing goes, never
// the newcomer: a flood pushes out itself, while an honest peer needs a table's place only for a round trip or two.

import { isIPv4 } from 'node:net'
import { systemClock, type Time, type Timer } from '../runtime/clock.ts'

/** Why a half-open connection was closed. */
export type RefusedReason =
  /** Pushed out by newer ones. */
  | 'crowded'
  /** Not admitted in time. */
  | 'timeout'
  /** Too many bytes without an identity. */
  | 'too-many-bytes'
  /** What came is not the TLS we speak. */
  | 'not-tls'
  /** What came is no handshake of libp2p. */
  | 'not-libp2p'
  /** TLS without a certificate that proves an Ed25519 identity. */
  | 'no-identity'

export interface HalfOpenLimits {
  /**
   * Milliseconds from accept to `admit`, in which this process listened. Default 5000. Small: slow peers cannot join.
   * Large: a flood holds its places.
   */
  readonly handshakeTimeoutMs: number
  /** Bytes before the identity is proven. Default 16 KiB: an honest handshake needs 2. */
  readonly maxHandshakeBytes: number
  /** Half-open connections per remote address (IPv6: per /64). Default 64. */
  readonly maxHalfOpenPerAddress: number
  /** Half-open connections in all. Default 1024: about 50 MB of TLS state at worst. */
  readonly maxHalfOpen: number
}

export const defaultHalfOpenLimits: HalfOpenLimits = {
  handshakeTimeoutMs: 5_000,
  maxHandshakeBytes: 16 * 1024,
  maxHalfOpenPerAddress: 64,
  maxHalfOpen: 1024,
}

/** One entry of the table. */
export interface HalfOpen {
  /** An IP address without a port. */
  readonly remoteAddress: string
  /** Its TLS identity is proven: it goes only when there is no other to push out. */
  isProven: boolean
  /** Bytes that came so far. */
  bytesRead(): number
  /** Closes it. */
  refuse(reason: RefusedReason): void
}

/** How often time and bytes are looked at: a share of the handshake time, between these two. */
const SWEEPS_PER_TIMEOUT = 20
const SHORTEST_SWEEP_MS = 10
const LONGEST_SWEEP_MS = 100

export class HalfOpenTable {
  readonly #limits: HalfOpenLimits
  readonly #clock: Time
  /** Oldest first; the value is when it came, less all lateness before. */
  readonly #entries = new Map<HalfOpen, number>()
  /** Invariant: the same entries, by group, none empty. */
  readonly #groups = new Map<string, Set<HalfOpen>>()
  #sweep: Timer | undefined
  #sweptAt = 0
  /** Time for which this process did not come to look: what strangers sent meanwhile it had not read. */
  #lateMs = 0

  constructor(limits: HalfOpenLimits, clock: Time = systemClock) {
    this.#clock = clock
    this.#limits = limits
  }

  get size(): number {
    return this.#entries.size
  }

  /** Takes a newcomer in, pushing out the oldest one where a bound is passed. */
  add(entry: HalfOpen): void {
    const group = addressGroup(entry.remoteAddress)
    const members = this.#groups.get(group)
    if (members !== undefined && members.size >= this.#limits.maxHalfOpenPerAddress) this.#pushOut(members)
    if (this.#entries.size >= this.#limits.maxHalfOpen) this.#pushOut(this.#entries.keys())
    this.#entries.set(entry, this.#clock.now() - this.#lateMs)
    const present = this.#groups.get(group)
    if (present === undefined) this.#groups.set(group, new Set([entry]))
    else present.add(entry)
    if (this.#sweep) return
    this.#sweptAt = this.#clock.now()
    this.#sweep = this.#clock.setInterval(() => this.#lookThrough(), this.#sweepMs())
  }

  /** Admitted or gone. Idempotent. */
  remove(entry: HalfOpen): void {
    if (!this.#entries.delete(entry)) return
    const group = addressGroup(entry.remoteAddress)
    const members = this.#groups.get(group)
    members?.delete(entry)
    if (members?.size === 0) this.#groups.delete(group)
    if (this.#entries.size > 0) return
    this.#sweep?.[Symbol.dispose]()
    this.#sweep = undefined
  }

  #pushOut(candidates: Iterable<HalfOpen>): void {
    let oldest: HalfOpen | undefined
    for (const entry of candidates) {
      oldest ??= entry
      if (entry.isProven) continue
      oldest = entry
      break
    }
    if (oldest !== undefined) this.#refuse(oldest, 'crowded')
  }

  #lookThrough(): void {
    const at = this.#clock.now()
    this.#lateMs += Math.max(0, at - this.#sweptAt - 2 * this.#sweepMs())
    this.#sweptAt = at
    const now = at - this.#lateMs
    for (const [entry, since] of [...this.#entries]) {
      if (now - since >= this.#limits.handshakeTimeoutMs) this.#refuse(entry, 'timeout')
      else if (!entry.isProven && entry.bytesRead() > this.#limits.maxHandshakeBytes) {
        this.#refuse(entry, 'too-many-bytes')
      }
    }
  }

  #refuse(entry: HalfOpen, reason: RefusedReason): void {
    this.remove(entry)
    entry.refuse(reason)
  }

  #sweepMs(): number {
    const share = this.#limits.handshakeTimeoutMs / SWEEPS_PER_TIMEOUT
    return Math.min(LONGEST_SWEEP_MS, Math.max(SHORTEST_SWEEP_MS, share))
  }
}

/** Who counts as one stranger: an IPv4 address, or the 64 bits of an IPv6 address that one customer is given. */
export function addressGroup(address: string): string {
  const plain = address.replace(/%.*$/, '').toLowerCase()
  const mapped = /^::ffff:([\d.]+)$/.exec(plain)?.[1]
  if (mapped !== undefined) return mapped
  if (isIPv4(plain) || !plain.includes(':')) return plain
  const [head = '', tail] = plain.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const middle = tail === undefined ? 0 : 8 - left.length - right.length
  const groups = [...left, ...new Array<string>(Math.max(0, middle)).fill('0'), ...right]
  return `${groups.slice(0, 4).join(':')}::/64`
}
