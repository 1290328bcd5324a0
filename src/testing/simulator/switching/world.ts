// A cluster that does nothing but switch its topology and send messages, under virtual time: the cores of the switch
// and of delivery, the overlays, and the machine of the log are the true ones; the log itself is one that a leader may
// or may not get its entries into. Links are there while an end wants them and both can be reached, and lose what is on
// them when they close.
//
// Beside it stands the world of whole nodes (`whole.ts`), in which nothing is a model. This one goes through a seed in
// a twentieth of the time, sees into the cores (that all required members had their new links when a switch was
// committed, that nobody gave up what was agreed on), and plants its bugs where it drives a core, so that nothing that
// users run knows of bugs. Both judge messages by one oracle (`message-oracle.ts`).

import { ClusterMachine } from '../../../../consensus/index.ts'
import type { ClusterCommand } from '../../../../consensus/machines/commands.ts'
import type { MemberState } from '../../../../topology/index.ts'
import { Prng } from '../random.ts'
import { Schedule } from '../schedule.ts'
import type { SwitchBug } from './bugs.ts'
import { type SwitchingFacts, SwitchingOracle } from './invariants.ts'
import { SimulatedMember } from './member.ts'

interface Link {
  isUp: boolean
  /** Raised when it closes: what was on the way then is lost. */
  life: number
}

export interface SwitchingWorldOptions {
  readonly seed: number
  readonly bug?: SwitchBug | undefined
}

export class SwitchingWorld implements SwitchingFacts {
  readonly schedule = new Schedule()
  readonly random: Prng
  readonly machine = new ClusterMachine()
  readonly members = new Map<string, SimulatedMember>()
  readonly voters: readonly string[]
  readonly bug: SwitchBug | undefined
  readonly oracle: SwitchingOracle
  leader: string | undefined
  #term = 1
  #index = 0
  readonly #links = new Map<string, Link>()
  /** Members that are cut off, each into the half it is in; empty: the network is whole. */
  #halves = new Map<string, number>()
  #loss = 0.02
  #messages = 0

  constructor({ seed, bug }: SwitchingWorldOptions) {
    this.random = new Prng(seed, 'switching')
    this.bug = bug
    this.oracle = new SwitchingOracle(this)
    const size = 3 + this.random.integer(6)
    const ids = Array.from({ length: size }, (_, position) => `m${position}`)
    this.voters = ids.slice(0, size >= 5 ? 5 : 3)
    for (const id of ids) this.members.set(id, new SimulatedMember(id, this))
    for (const member of this.members.values()) member.start()
    this.elect()
  }

  get now(): number {
    return this.schedule.now
  }

  /** The number of one more message. */
  nextMessage(): number {
    this.#messages += 1
    return this.#messages
  }

  isAlive(id: string): boolean {
    return this.members.get(id)?.isRunning === true
  }

  /**
   * What everybody believes of a member: failure detection is another simulation's subject, so it is right after a
   * while.
   */
  stateOf(id: string): MemberState {
    return this.members.get(id)?.state ?? 'left'
  }

  isReachable(from: string, to: string): boolean {
    return this.isAlive(from) && this.isAlive(to) && this.#halves.get(from) === this.#halves.get(to)
  }

  // --- The log ---

  /** Whom the leader can agree with. */
  hasMajority(id: string): boolean {
    return this.voters.filter((voter) => this.isReachable(id, voter)).length > this.voters.length / 2
  }

  /**
   * Another voter that can reach a majority leads; what the former one had proposed is in its log, or lost for ever.
   */
  elect(): void {
    const able = this.voters.filter((voter) => this.hasMajority(voter))
    const former = this.leader
    this.leader = able.length === 0 ? undefined : this.random.pick(able)
    this.#term += 1
    if (former !== this.leader) this.members.get(former ?? '')?.follow()
    this.tellAll()
  }

  /** Resolves by `done`: true once it is applied, false when it never will be. */
  propose(by: string, command: ClusterCommand, done: (isApplied: boolean) => void): void {
    const term = this.#term
    this.schedule.after(this.random.between(1, 20), () => {
      // A leader that lost office may have got its entry to its successor all the same.
      const isInherited = this.leader !== undefined && this.random.chance(0.3)
      const isLost = (this.leader !== by || this.#term !== term || !this.hasMajority(by)) && !isInherited
      if (isLost) return done(false)
      this.#index += 1
      const before = this.machine.topology
      const reply = this.machine.apply({ index: this.#index, term: this.#term }, command)
      this.oracle.applied(command, reply, before)
      done(true)
      this.tellAll()
    })
  }

  /** Each hears of the log in its own time; the leader at once. */
  tellAll(): void {
    for (const member of this.members.values()) {
      if (member.id === this.leader) member.follow()
      else this.schedule.after(this.random.between(1, 80), () => this.#spread(member))
    }
  }

  #spread(member: SimulatedMember): void {
    if (this.leader !== undefined && this.isReachable(this.leader, member.id)) member.follow()
  }

  // --- Links ---

  /** Some end's wishes changed. */
  relink(one: string, other: string): void {
    if (one === other) return
    const name = one < other ? `${one} ${other}` : `${other} ${one}`
    const link = this.#links.get(name) ?? { isUp: false, life: 0 }
    this.#links.set(name, link)
    const isWanted = this.#wants(one, other) || this.#wants(other, one)
    if (link.isUp && (!isWanted || !this.isReachable(one, other))) this.#close(one, other, link)
    else if (!link.isUp && isWanted)
      this.schedule.after(this.random.between(5, 150), () => this.#open(one, other, link))
  }

  isLinked(one: string, other: string): boolean {
    return this.#links.get(one < other ? `${one} ${other}` : `${other} ${one}`)?.isUp === true
  }

  /** Over the link between the two; what is on the way when it closes is lost. */
  carry(from: string, to: string, arrive: () => void): boolean {
    const link = this.#links.get(from < to ? `${from} ${to}` : `${to} ${from}`)
    if (!link?.isUp) return false
    const { life } = link
    this.schedule.after(this.random.between(0.2, 5), () => {
      if (link.life === life && this.isReachable(from, to)) arrive()
    })
    return true
  }

  /** Over relays, as a request of the switch travels: by any way there is, and lost now and then. */
  request(from: string, to: string, arrive: () => void): void {
    if (this.random.chance(this.#loss)) return
    this.schedule.after(this.random.between(0.5, 15), () => {
      if (this.isReachable(from, to)) arrive()
    })
  }

  // --- Faults ---

  partition(): void {
    this.#halves = new Map([...this.members.keys()].map((id) => [id, this.random.integer(2)]))
    this.#recheck()
  }

  heal(): void {
    this.#halves = new Map()
    this.#recheck()
  }

  crash(id: string): void {
    this.members.get(id)?.stop()
    this.#recheck()
  }

  restart(id: string): void {
    const member = this.members.get(id)
    if (!member || member.isRunning) return
    member.start()
    this.#recheck()
  }

  /** From now on nothing is lost and nobody crashes. */
  calm(): void {
    this.#loss = 0
    this.heal()
    for (const id of this.members.keys()) this.restart(id)
  }

  #recheck(): void {
    if (this.leader === undefined || !this.hasMajority(this.leader)) this.elect()
    for (const one of this.members.keys())
      for (const other of this.members.keys()) if (one < other) this.relink(one, other)
  }

  #wants(one: string, other: string): boolean {
    const member = this.members.get(one)
    if (!member?.isRunning) return false
    return member.wants(other) || (this.voters.includes(one) && this.voters.includes(other))
  }

  #open(one: string, other: string, link: Link): void {
    const isWanted = this.#wants(one, other) || this.#wants(other, one)
    if (link.isUp || !isWanted) return
    if (!this.isReachable(one, other)) {
      // Dialled again and again.
      this.schedule.after(this.random.between(100, 1_000), () => this.relink(one, other))
      return
    }
    link.isUp = true
    this.members.get(one)?.connected(other)
    this.members.get(other)?.connected(one)
  }

  #close(one: string, other: string, link: Link): void {
    link.isUp = false
    link.life += 1
    this.members.get(one)?.disconnected(other)
    this.members.get(other)?.disconnected(one)
    this.relink(one, other)
  }
}
