// One life of a node's process: membership, overlay, forming, and a voter once a cluster has formed with this node
// among its voters, or a leader counts on it. It does what the runtime does between the cores, and nothing else.

import {
  ClaimExpiry,
  type ClusterCommand,
  type MemberFacts,
  paperRules,
  type RaftMessage,
  resolveRaftOptions,
  votersOnly,
} from '../../../consensus/index.ts'
import { formingRules, type MemberId, swimRules } from '../../../topology/index.ts'
import { CLOCK_DRIFT } from '../../coordination/lease-time.ts'
import { type Absence, AwayGuard } from '../../runtime/away-guard.ts'
import { check } from './failure.ts'
import { SimulatedFence } from './fence.ts'
import { type Formed, SimulatedFounding } from './founding.ts'
import { levelsOf } from './levels.ts'
import { SimulatedLinks } from './links.ts'
import { SimulatedMembership } from './membership.ts'
import type { Entrance, SimulatedNode } from './node.ts'
import type { Packet } from './packet.ts'
import type { Prng } from './random.ts'
import { SimulatedVoter } from './voter.ts'
import type { World } from './world.ts'

/** A gap between two turns longer than this is an absence, as for the running node. */
const AWAY_THRESHOLD_MS = 200

/** How often the process proves to itself that it runs, and the host of S5 gives an order. */
const PULSE_MS = 50

/** Chance that an order is sent again, and how late at most. */
const ORDER_RESENT = 0.3
const LATEST_RESEND_MS = 8_000

export class SimulatedProcess {
  readonly #node: SimulatedNode
  readonly #world: World
  readonly #random: Prng
  readonly #enter: (entrance: Entrance, work: () => void) => void
  readonly #links: SimulatedLinks
  readonly #membership: SimulatedMembership
  readonly #founding: SimulatedFounding
  readonly #fence: SimulatedFence
  readonly #guard: AwayGuard
  readonly #linked = new Set<number>()
  #voter: SimulatedVoter | undefined
  #clusterId: string | undefined

  constructor(node: SimulatedNode, world: World, random: Prng, enter: (entrance: Entrance, work: () => void) => void) {
    this.#node = node
    this.#world = world
    this.#random = random
    this.#enter = enter
    const { scenario, schedule, network, oracle, bug } = world
    const shared = {
      id: node.id,
      clock: node.clock,
      disk: node.disk,
      schedule,
      random,
      oracle,
      note: (event: string, detail: unknown) => this.#note(event, detail),
    }
    const enterTimer = (work: () => void): void => enter('timer', work)
    this.#links = new SimulatedLinks({
      self: node.index,
      nodes: scenario.nodes,
      network,
      schedule,
      random,
      enter: (work) => enter('other', work),
      paceOf: (peer) => (this.#isGone(peer) ? 'remembered' : 'eager'),
      refused: (peer) => this.#refused(peer),
    })
    this.#membership = new SimulatedMembership({
      ...shared,
      generation: node.disk.generation,
      profile: scenario.profile,
      rules: { ...swimRules, ...bug?.swim },
      enter: enterTimer,
      send: (to, message) => this.#send(to, { type: 'swim', message }),
      link: (peer, afterMs) => this.#links.dial(this.#indexOf(peer), afterMs),
      unlink: (peer) => this.#close(this.#indexOf(peer)),
    })
    this.#founding = new SimulatedFounding({
      ...shared,
      expect: scenario.expect,
      options: scenario.forming,
      rules: { ...formingRules, ...bug?.forming },
      enter: enterTimer,
      send: (to, message) => this.#send(to, { type: 'forming', message }),
      formed: (event) => this.#formed(event),
      joined: (clusterId) => this.#joined(clusterId),
      intended: () => world.intentBegan(node.index),
    })
    this.#fence = new SimulatedFence(node.disk, bug?.forgetsFence !== true)
    this.#guard = new AwayGuard(node.clock, AWAY_THRESHOLD_MS, (absence) => this.#away(absence))
  }

  /** It founded the cluster, or was told that it exists. */
  get belongsToCluster(): boolean {
    return this.#founding.belongsToCluster
  }

  /** Present once this node holds the log. */
  get voter(): SimulatedVoter | undefined {
    return this.#voter
  }

  start(): void {
    this.#membership.start()
    this.#founding.start()
    const { joined, header } = this.#node.disk
    if (joined !== undefined) this.#clusterId ??= joined
    if (joined !== undefined && header !== undefined) this.#openLog(joined)
    this.#links.start()
    this.#pulse()
  }

  /** Every entrance asks this first: it tells the cores of an absence before anything else reaches them. */
  checkAway(): void {
    if (this.#world.bug?.ignoresAway !== true) this.#guard.check()
  }

  /** Gives S5 and leadership up and says goodbye; the node ends the process a little later. */
  leave(): void {
    this.#world.oracle.left(this.#node.id, this.#node.disk.generation)
    this.#voter?.release()
    this.#voter?.input({ type: 'resign' })
    this.#membership.input({ type: 'leave' })
  }

  linked(peer: number): void {
    this.#linked.add(peer)
    this.#links.linked(peer)
    const id = this.#idOf(peer)
    this.#membership.connected(id)
    this.#founding.input({ type: 'connected', peer: id })
    this.#voter?.input({ type: 'connected', peer: id })
  }

  unlinked(peer: number, announced: boolean): void {
    if (!this.#linked.delete(peer)) return
    this.#links.unlinked(peer, announced)
    const id = this.#idOf(peer)
    this.#membership.disconnected(id, announced)
    this.#founding.input({ type: 'disconnected', peer: id, announced })
    this.#voter?.input({ type: 'disconnected', peer: id, evidence: announced })
  }

  received(peer: number, packet: Packet): void {
    const from = this.#idOf(peer)
    switch (packet.type) {
      case 'raft':
        if (packet.clusterId !== this.#clusterId) return
        this.#learn(packet.clusterId, packet.message)
        this.#voter?.received(from, packet.storeId, packet.message)
        return
      case 'swim':
        this.#membership.input({ type: 'message', from, message: packet.message })
        return
      case 'forming':
        this.#founding.input({ type: 'message', from, message: packet.message })
        return
      case 's5-order':
        this.#ordered(packet.token)
        return
      default:
        packet satisfies never
    }
  }

  /** Whom this node does not see alive; undefined when it sees everybody. */
  missingMembers(): string | undefined {
    for (let peer = 0; peer < this.#world.scenario.nodes; peer++) {
      const id = this.#idOf(peer)
      const state = this.#membership.member(id)?.state ?? 'unknown'
      if (state !== 'alive') return `${this.#node.id} sees ${id} as ${state}`
    }
    return undefined
  }

  #formed(event: Formed): void {
    const { id, disk } = this.#node
    this.#world.oracle.startedCluster(id, event)
    this.#clusterId = event.clusterId
    this.#membership.input({ type: 'pinned', members: event.voters })
    if (disk.header === undefined && disk.wipes === 0 && event.voters.includes(id)) {
      const founders = event.founders.filter((founder) => event.voters.includes(founder.id))
      disk.writeNow({ type: 'log', configuration: votersOnly(founders) })
    }
    if (disk.header !== undefined) this.#openLog(event.clusterId)
  }

  #joined(clusterId: string): void {
    if (this.#clusterId !== undefined) return
    this.#clusterId = clusterId
    this.#node.disk.writeNow({ type: 'joined', clusterId })
  }

  /** A leader counts on this node: it makes a log to learn in. */
  #learn(clusterId: string, message: RaftMessage<ClusterCommand>): void {
    if (this.#voter !== undefined || (message.type !== 'append' && message.type !== 'snapshot')) return
    const { disk } = this.#node
    if (disk.header === undefined) disk.writeNow({ type: 'log', configuration: votersOnly([]) })
    this.#openLog(clusterId)
  }

  #openLog(clusterId: string): void {
    if (this.#voter !== undefined) return
    const { oracle, bug, schedule, scenario } = this.#world
    const { disk, clock } = this.#node
    this.#voter = new SimulatedVoter({
      self: this.#node,
      disk,
      clock,
      schedule,
      random: this.#random,
      oracle,
      options: resolveRaftOptions(scenario.raft, scenario.profile),
      rules: { ...paperRules, ...bug?.raft?.(clock) },
      acknowledgesUnflushed: bug?.acknowledgesUnflushed === true,
      capturesWithout: bug?.capturesWithout,
      capturesLate: bug?.capturesLate === true,
      storesUnflushed: bug?.storesUnflushed === true,
      misreads: bug?.misreads,
      misapplies: bug?.misapplies,
      expiry: new ClaimExpiry({ clockDrift: bug?.expiryDrift ?? CLOCK_DRIFT }),
      leaseClock: () => (bug?.expiresByWallClock ? clock.wall() : clock.now()),
      levels: levelsOf(this.#node.level),
      raisesLevelAlone: bug?.raisesLevelAlone === true,
      enter: (work) => this.#enter('timer', work),
      send: (to, message) => this.#send(to, { type: 'raft', clusterId, storeId: disk.logStoreId, message }),
      note: (name, detail) => this.#note(name, detail),
      mayHost: () => this.#mayHost(this.#node.index),
      members: () => this.#memberFacts(),
      policy: scenario.voters,
      leaderKnown: (isKnown) => this.#founding.leaderKnown(isKnown),
    })
    this.#voter.start()
    for (const peer of this.#linked) this.#voter.input({ type: 'connected', peer: this.#idOf(peer) })
  }

  /** Who is there, as this node sees it, with the log that its handshake shows. */
  #memberFacts(): MemberFacts[] {
    const facts: MemberFacts[] = []
    for (let peer = 0; peer < this.#world.scenario.nodes; peer++) {
      const id = this.#idOf(peer)
      const member = this.#membership.member(id)
      if (member === undefined) continue
      const isDraining = member.condition === 'draining'
      const storeId = this.#world.storeIdOf(peer)
      facts.push({
        id,
        storeId,
        state: member.state,
        isDraining,
        mayVote: true,
        mayHost: this.#mayHost(peer),
        level: this.#levelOf(peer),
      })
    }
    return facts
  }

  #mayHost(peer: number): boolean {
    return peer > 0 || !this.#world.scenario.hasWitness
  }

  /** As its handshake shows: nobody can be asked without a link. */
  #levelOf(peer: number): number {
    return peer === this.#node.index || this.#linked.has(peer) ? this.#world.levelOf(peer) : 0
  }

  #away(absence: Absence): void {
    this.#note('away', absence.ms)
    this.#voter?.away(absence)
    this.#membership.input({ type: 'away', ms: absence.ms })
  }

  #refused(peer: number): void {
    const id = this.#idOf(peer)
    this.#note('refused', undefined, id)
    this.#membership.input({ type: 'evidence', peer: id })
    this.#voter?.input({ type: 'disconnected', peer: id, evidence: true })
  }

  /** Once per pulse: the guard looks at the clocks, and whoever is S5 at this instant gives an order to all. */
  #pulse(): void {
    this.#world.schedule.after(PULSE_MS, () =>
      this.#enter('timer', () => {
        this.#pulse()
        const token = this.#voter?.s5Token()
        if (token !== undefined) this.#order(token)
        this.#voter?.duties.watchLeases()
        if (this.#world.scenario.choosesVoters || this.#world.isCalm()) this.#voter?.duties.chooseVoters()
      }),
    )
  }

  /** Now and then an order seems lost on the way and is sent again, when its sender may no longer be S5. */
  #order(token: number): void {
    this.#note('s5-orders', token)
    this.#ordered(token)
    this.#sendOrder(token)
    if (!this.#random.chance(ORDER_RESENT)) return
    this.#world.schedule.after(this.#random.between(0, LATEST_RESEND_MS), () =>
      this.#enter('timer', () => this.#sendOrder(token)),
    )
  }

  #sendOrder(token: number): void {
    for (const peer of this.#linked) this.#world.network.send(this.#node.index, peer, { type: 's5-order', token })
  }

  #ordered(token: number): void {
    this.#fence.observe(this.#voter?.activatedToken ?? 0)
    this.#fence.pass(token, () => this.#world.oracle.acceptedOrder(this.#node.id, token))
  }

  #send(to: MemberId, packet: Packet): void {
    check(to !== this.#node.id, 'no-crash', () => `${to} sends a ${packet.type} message to itself`)
    this.#world.network.send(this.#node.index, this.#indexOf(to), packet)
  }

  #close(peer: number): void {
    if (!this.#linked.has(peer)) return
    this.#world.network.close(this.#node.index, peer)
    this.unlinked(peer, true)
  }

  #isGone(peer: number): boolean {
    const state = this.#membership.member(this.#idOf(peer))?.state
    return state === 'down' || state === 'left'
  }

  #idOf(peer: number): MemberId {
    return this.#world.idOf(peer)
  }

  #indexOf(id: MemberId): number {
    return this.#world.indexOf(id)
  }

  #note(event: string, detail: unknown, peer?: MemberId): void {
    this.#world.trace.note(this.#world.schedule.now, this.#node.id, event, detail, peer)
  }
}
