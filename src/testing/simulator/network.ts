// The simulated network: machines, links between them, and everything that can go wrong on the way. A link has two ends
// that may disagree: after a crash, or while a direction is cut, one end still believes in it (half open). Like TCP it
// keeps order unless a run asks for worse; a cut loses what is sent, or holds it back as a retransmitting kernel would.
//
// Knocking at a port answers what a kernel answers: it accepts, refuses, or says nothing.

import type { Reachability } from '../../transport/transport.ts'
import type { Packet } from './packet.ts'
import type { Prng } from './random.ts'
import type { Schedule } from './schedule.ts'

/** Packets one direction of a link may hold back during a cut; more are lost. */
export const MAX_HELD_PACKETS = 512

export interface NetworkFaults {
  latencyMs: number
  jitterMs: number
  /** Chance that one packet is lost, delivered twice, overtaken, or late by up to `spikeMs`. */
  loss: number
  duplication: number
  reordering: number
  spike: number
  spikeMs: number
  /** A cut holds packets back and delivers them when it heals, as TCP does, instead of losing them. */
  holdsDuringCut: boolean
  /** How long both ends believe in a link over which nothing passes. */
  linkTimeoutMs: number
  /** How long a dial or a knock waits for an answer. */
  dialTimeoutMs: number
}

/** One machine as the network sees it. */
export interface NetworkHost {
  /** What its kernel answers to a connection attempt. */
  reachability(): Reachability
  /** Which life of its process this is: a dial of an earlier one leads nowhere. */
  readonly life: number
  /** The process can finish a handshake: neither stopped nor suspended. */
  isResponsive(): boolean
  linked(peer: number): void
  received(peer: number, packet: Packet): void
  unlinked(peer: number, announced: boolean): void
}

/** What a cut does with what it stops: drops it, or answers like a closed port, as a firewall that rejects does. */
export type CutKind = 'drops' | 'rejects'

const CUT_CODES = { drops: 1, rejects: 2 } as const

interface Link {
  readonly id: number
  /** No packet of a direction is delivered before the one sent before it. Index 0: from the lower end. */
  readonly busyUntil: [number, number]
  readonly held: [Packet[], Packet[]]
}

export interface NetworkCounters {
  sent: number
  lost: number
  duplicated: number
  held: number
}

export class Network {
  readonly counters: NetworkCounters = { sent: 0, lost: 0, duplicated: 0, held: 0 }
  readonly faults: NetworkFaults
  readonly #schedule: Schedule
  readonly #random: Prng
  readonly #hosts: NetworkHost[] = []
  readonly #size: number
  /** The link that end `i` believes to have to `j`, at `i * size + j`. */
  readonly #ends: (Link | undefined)[]
  /** Milliseconds that everything from `i` to `j` takes longer. */
  readonly #slowness: Float64Array
  /** Not 0: nothing passes from `i` to `j`. */
  readonly #cuts: Uint8Array
  #nextLink = 1

  constructor(size: number, schedule: Schedule, random: Prng, faults: NetworkFaults) {
    this.#size = size
    this.#schedule = schedule
    this.#random = random
    this.faults = faults
    this.#ends = new Array<Link | undefined>(size * size).fill(undefined)
    this.#cuts = new Uint8Array(size * size)
    this.#slowness = new Float64Array(size * size)
  }

  attach(host: NetworkHost): void {
    this.#hosts.push(host)
  }

  isLinked(from: number, to: number): boolean {
    return this.#ends[from * this.#size + to] !== undefined
  }

  isCut(from: number, to: number): boolean {
    return this.#cuts[from * this.#size + to] !== 0
  }

  /** Sends over the link that `from` believes in; without one the packet is lost. */
  send(from: number, to: number, packet: Packet): void {
    this.counters.sent++
    const link = this.#ends[from * this.#size + to]
    if (link === undefined || this.#random.chance(this.faults.loss)) {
      this.counters.lost++
      return
    }
    this.#transmit(link, from, to, packet)
    if (!this.#random.chance(this.faults.duplication)) return
    this.counters.duplicated++
    this.#transmit(link, from, to, packet)
  }

  /**
   * Opens a link and reports it to both hosts; `done` learns how it went. An existing belief of either end is replaced.
   */
  dial(from: number, to: number, done: (result: Reachability) => void): void {
    const life = this.#hostAt(from).life
    this.knock(from, to, (result) => {
      if (this.#hostAt(from).life !== life) return
      if (result !== 'accepts') return done(result)
      if (!this.#hostAt(to).isResponsive()) {
        this.#schedule.after(this.faults.dialTimeoutMs, () => done('silent'))
        return
      }
      this.#schedule.after(2 * this.#latency(), () => {
        if (this.#hostAt(from).life === life) this.#establish(from, to, done)
      })
    })
  }

  /** What the port of `to` answers to `from`. */
  knock(from: number, to: number, done: (result: Reachability) => void): void {
    this.#schedule.after(this.#latency(), () => {
      const seen = this.#seenFrom(from, to)
      const delay = seen === 'silent' ? this.faults.dialTimeoutMs : this.#latency()
      this.#schedule.after(delay, () => done(seen))
    })
  }

  /** End `from` closes in order; the goodbye travels behind what was sent before. */
  close(from: number, to: number): void {
    this.#drop(from, to, true)
  }

  /** The process at `from` is gone: its kernel closes every link without a goodbye. */
  processDied(from: number): void {
    for (let to = 0; to < this.#size; to++) this.#drop(from, to, false)
  }

  /** The machine lost power: nobody is told; the others find out when they send, or after the link timeout. */
  machineDied(from: number): void {
    for (let to = 0; to < this.#size; to++) {
      const link = this.#ends[from * this.#size + to]
      if (link === undefined) continue
      this.#ends[from * this.#size + to] = undefined
      this.#expireLater(to, from, link)
    }
  }

  /** A box on the way resets the link: both ends see an unannounced close, both ports go on accepting. */
  breakLink(a: number, b: number): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const link = this.#ends[from * this.#size + to]
      if (link !== undefined) this.#schedule.after(this.#latency(), () => this.#lose(from, to, link, false))
    }
  }

  /** Stops everything from `from` to `to`. A cut that rejects also resets the links that are there, both ways. */
  cut(from: number, to: number, kind: CutKind): void {
    if (from === to || this.isCut(from, to)) return
    this.#cuts[from * this.#size + to] = CUT_CODES[kind]
    if (kind === 'rejects') {
      this.breakLink(from, to)
      return
    }
    for (const [near, far] of [
      [from, to],
      [to, from],
    ] as const) {
      const link = this.#ends[near * this.#size + far]
      if (link !== undefined) this.#expireLater(near, far, link)
    }
  }

  heal(from: number, to: number): void {
    if (!this.isCut(from, to)) return
    this.#cuts[from * this.#size + to] = 0
    const link = this.#ends[from * this.#size + to]
    if (link === undefined) return
    for (const packet of link.held[from < to ? 0 : 1].splice(0)) this.#transmit(link, from, to, packet)
  }

  /** Everything from `from` to `to` takes `ms` longer, as through a queue that filled up. 0: no longer. */
  slow(from: number, to: number, ms: number): void {
    this.#slowness[from * this.#size + to] = ms
  }

  /** Somebody's way to `to` is slow. */
  isSlowTo(to: number): boolean {
    for (let from = 0; from < this.#size; from++) if (this.#slowness[from * this.#size + to] !== 0) return true
    return false
  }

  /** Ends all slowness. */
  hurry(): void {
    this.#slowness.fill(0)
  }

  /** Ends every cut. */
  healAll(): void {
    for (let from = 0; from < this.#size; from++) for (let to = 0; to < this.#size; to++) this.heal(from, to)
  }

  #transmit(link: Link, from: number, to: number, packet: Packet): void {
    const direction = from < to ? 0 : 1
    if (this.isCut(from, to)) {
      this.#hold(link, direction, packet)
      return
    }
    const arrival = this.#schedule.now + this.#latency() + (this.#slowness[from * this.#size + to] as number)
    if (this.#random.chance(this.faults.reordering)) {
      const late = arrival + this.#random.next() * 4 * (this.faults.latencyMs + this.faults.jitterMs)
      this.#schedule.at(late, () => this.#deliver(link, from, to, packet))
      return
    }
    const at = Math.max(arrival, link.busyUntil[direction])
    link.busyUntil[direction] = at
    this.#schedule.at(at, () => this.#deliver(link, from, to, packet))
  }

  #hold(link: Link, direction: 0 | 1, packet: Packet): void {
    const held = link.held[direction]
    if (!this.faults.holdsDuringCut || held.length >= MAX_HELD_PACKETS) {
      this.counters.lost++
      return
    }
    this.counters.held++
    held.push(packet)
  }

  #deliver(link: Link, from: number, to: number, packet: Packet): void {
    if (this.isCut(from, to)) {
      this.#hold(link, from < to ? 0 : 1, packet)
      return
    }
    if (this.#ends[to * this.#size + from] === link) {
      this.#hostAt(to).received(from, packet)
      return
    }
    this.counters.lost++
    // The other end knows no such link: its kernel answers with a reset, unless the machine is off or cut off.
    if (this.#hostAt(to).reachability() === 'silent' || this.isCut(to, from)) return
    this.#schedule.after(this.#latency(), () => this.#lose(from, to, link, false))
  }

  #establish(from: number, to: number, done: (result: Reachability) => void): void {
    if (!this.#isOpen(from, to) || !this.#isOpen(to, from)) {
      this.#schedule.after(this.faults.dialTimeoutMs, () => done('silent'))
      return
    }
    const acceptor = this.#hostAt(to)
    if (acceptor.reachability() !== 'accepts' || !acceptor.isResponsive()) {
      done(acceptor.reachability())
      return
    }
    const mine = this.#ends[from * this.#size + to]
    const theirs = this.#ends[to * this.#size + from]
    // Both dialled at once: one link is enough, and the second is closed with a goodbye before anybody used it.
    if (mine !== undefined && mine === theirs) {
      done('accepts')
      return
    }
    if (mine !== undefined) this.#lose(from, to, mine, true)
    if (theirs !== undefined) this.#lose(to, from, theirs, true)
    const link: Link = { id: this.#nextLink++, busyUntil: [0, 0], held: [[], []] }
    this.#ends[from * this.#size + to] = link
    this.#ends[to * this.#size + from] = link
    acceptor.linked(from)
    this.#hostAt(from).linked(to)
    done('accepts')
  }

  /** End `from` forgets the link at once; the other end hears of it if anything can reach it, or times out. */
  #drop(from: number, to: number, announced: boolean): void {
    const link = this.#ends[from * this.#size + to]
    if (link === undefined) return
    this.#ends[from * this.#size + to] = undefined
    if (this.isCut(from, to)) {
      this.#expireLater(to, from, link)
      return
    }
    const direction = from < to ? 0 : 1
    const at = Math.max(this.#schedule.now + this.#latency(), link.busyUntil[direction])
    this.#schedule.at(at, () => {
      if (this.isCut(from, to)) this.#expireLater(to, from, link)
      else this.#lose(to, from, link, announced)
    })
  }

  #lose(near: number, far: number, link: Link, announced: boolean): void {
    if (this.#ends[near * this.#size + far] !== link) return
    this.#ends[near * this.#size + far] = undefined
    this.#hostAt(near).unlinked(far, announced)
  }

  /** The kernel of `near` gives the link up if nothing can pass for the whole link timeout. */
  #expireLater(near: number, far: number, link: Link): void {
    this.#schedule.after(this.faults.linkTimeoutMs * this.#random.between(0.5, 1.5), () => {
      const isWhole = this.#ends[far * this.#size + near] === link
      if (isWhole && this.#isOpen(near, far) && this.#isOpen(far, near)) return
      this.#lose(near, far, link, false)
    })
  }

  #seenFrom(from: number, to: number): Reachability {
    if (this.#isRejected(from, to) || this.#isRejected(to, from)) return 'refuses'
    return this.#isOpen(from, to) && this.#isOpen(to, from) ? this.#hostAt(to).reachability() : 'silent'
  }

  #isRejected(from: number, to: number): boolean {
    return this.#cuts[from * this.#size + to] === CUT_CODES.rejects
  }

  #isOpen(from: number, to: number): boolean {
    return !this.isCut(from, to)
  }

  #latency(): number {
    const { latencyMs, jitterMs, spike, spikeMs } = this.faults
    const usual = latencyMs + this.#random.next() * jitterMs
    return this.#random.chance(spike) ? usual + this.#random.next() * spikeMs : usual
  }

  #hostAt(index: number): NetworkHost {
    return this.#hosts[index] as NetworkHost
  }
}
