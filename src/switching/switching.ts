// Switching the topology (design rule 9), as a part of the node: it follows what the cluster has agreed on, plays this
// node's part in a switch, and takes and answers orders. How a switch proceeds is decided in `topology/switch`, what
// counts in the log.

import { randomUUID } from 'node:crypto'
import { raftPresets } from '../../consensus/index.ts'
import type { LeaderEvent, MemberEvent, SwitchCommand } from '../../topology/index.ts'
import type { Payload } from '../channels/payload.ts'
import type { Coordination } from '../coordination/coordination.ts'
import { knownLeadership } from '../coordination/known-leadership.ts'
import { ClusterError } from '../errors.ts'
import type { NodeTopology, TopologyPhase, TopologySwitchView, TopologyView } from '../node-interface.ts'
import type { NodeContext, NodePart } from '../node-part.ts'
import { beginWait, withoutEffect } from '../wait.ts'
import { type Caller, placeOrder } from './caller.ts'
import { encodeOrder, encodeReport, ORDER_SUBJECT, parseOrder, parseReport } from './order.ts'
import { checkSwitch } from './order-problems.ts'
import type { SwitchOptions, SwitchReport } from './report.ts'
import { SwitchDesk, type SwitchOrder, unknownTopology } from './switch-desk.ts'
import { SwitchDriver } from './switch-driver.ts'

/** An entry of a switch may take this long; then the leader asks for it again, if it still leads. */
const COMMIT_TIMEOUT_MS = 5_000
/** An election may be split before one is won. */
const PATIENT_ELECTIONS = 2
/** Switches that are remembered here; a voter has those of its log besides. */
const MAX_SEEN = 16

export class Switching implements NodePart, Omit<NodeTopology, 'advise' | 'links'> {
  readonly #context: NodeContext
  readonly #driver: SwitchDriver
  readonly #desk: SwitchDesk
  #handling: Disposable | undefined
  /** What this node saw end, for members without a log. */
  readonly #seen: TopologySwitchView[] = []
  #isFounding = false
  #willLook = false
  #haveMembersChanged = true
  #isClosed = false

  constructor(context: NodeContext) {
    const { self, options, toolbox } = context
    this.#context = context
    this.#driver = new SwitchDriver({
      self: self.id,
      topology: options.topology,
      toolbox,
      requests: () => context.requests,
      overlays: () => context.overlays(),
      propose: (command) => this.#propose(command),
      onMember: (event) => this.#memberEvent(event),
      onLeader: (event) => this.#leaderEvent(event),
    })
    this.#desk = new SwitchDesk({
      clock: toolbox.clock,
      log: () => {
        const log = context.coordination()?.topologyLog
        return log?.leads ? log : undefined
      },
      members: () => context.overlays().members,
      voters: () => context.coordination()?.knowledge().voters ?? [],
      definitions: () => context.overlays().definitions,
      nameOf: (id) => context.nameOf(id),
      propose: (command, signal) => this.#coordination().propose(command, signal),
    })
  }

  // --- What users see ---

  /** By which overlay this node routes, and whether it is about to change. */
  state(): { readonly name: string; readonly epoch: number; readonly phase: TopologyPhase } {
    const { current, phase } = this.#driver.member
    return { name: current.name, epoch: current.epoch, phase }
  }

  /** This node leads, and no switch is under way. */
  get isFree(): boolean {
    const log = this.#context.coordination()?.topologyLog
    return log?.leads === true && log.isFounded && log.proposal === undefined
  }

  /** See {@link NodeTopology.view}. */
  view(): TopologyView {
    return { ...this.state(), links: this.#context.linkViews(), history: this.#history() }
  }

  /** See {@link NodeTopology.switch}. */
  async switch(name: string, options: SwitchOptions = {}): Promise<SwitchReport> {
    checkSwitch(name, options)
    const { signal, ...order } = options
    beginWait('node.topology.switch', { signal })
    const { definitions } = this.#context.overlays()
    if (!definitions.has(name)) throw unknownTopology(name, [...definitions.keys()])
    const { expectFrom, timeoutMs = 30_000, dryRun = false } = order
    const placed: SwitchOrder = { request: randomUUID(), name, expectFrom, timeoutMs, dryRun }
    const place = (): Promise<SwitchReport> => placeOrder(placed, this.#caller(), signal)
    return dryRun ? withoutEffect(place) : place()
  }

  // --- What the node tells ---

  async start(): Promise<void> {
    this.#driver.start()
    this.#handling = this.#context.requests.handle(ORDER_SUBJECT, async ({ payload }): Promise<Payload> => {
      return encodeReport(await this.#desk.run(parseOrder(payload), this.#context.toolbox.clock.now()))
    })
  }

  coordination(): void {
    const { coordination } = this.#context
    const log = coordination()?.topologyLog
    const record = coordination()?.record
    const agreed = log?.isFounded && log.epoch >= (record?.topology.epoch ?? 0) ? log : record?.topology
    const leader = coordination()?.knowledge().leader
    if (agreed) this.#driver.tellMember({ type: 'agreed', epoch: agreed.epoch, name: agreed.name, leader })
    if (!log) return
    this.#driver.tellLeader({ ...log, type: 'log' })
    if (!log.leads) this.#desk.abandon()
    else if (!log.isFounded) void this.#found()
  }

  member(): void {
    this.#haveMembersChanged = true
    this.#lookSoon()
  }

  overlays(): void {
    this.#lookSoon()
  }

  close(): void {
    this.#isClosed = true
    this.#desk.abandon()
    this.#handling?.[Symbol.dispose]()
    this.#driver.close()
  }

  #history(): readonly TopologySwitchView[] {
    const log = this.#context.coordination()?.topologyLog
    if (!log) return [...this.#seen]
    return log.history.map(({ epoch, from, to, outcome, reason, at }) => {
      return { epoch, from, to, outcome, reason: reason === '' ? null : reason, at }
    })
  }

  /** Many things change in one turn: looked at once, when it is over. */
  #lookSoon(): void {
    if (this.#willLook) return
    this.#willLook = true
    queueMicrotask(() => {
      this.#willLook = false
      if (!this.#isClosed) this.#context.toolbox.turn.enter(() => this.#look())
    })
  }

  #look(): void {
    const overlays = this.#context.overlays()
    for (const state of overlays.states()) this.#driver.tellMember({ type: 'overlay', ...state })
    if (!this.#haveMembersChanged) return
    // Of this node itself, before others come, nothing is told: the first look may be too early for it.
    this.#haveMembersChanged = overlays.members.length === 0
    const states = new Map(overlays.members.map(({ id, state }) => [id, state]))
    this.#driver.tellLeader({ type: 'members', states })
  }

  #memberEvent(event: MemberEvent): void {
    const { emit, toolbox } = this.#context
    const { name, epoch, phase } = this.state()
    const at = this.#context.toolbox.clock.wall()
    const { to } = event
    if (event.type === 'phase') {
      emit({ type: 'switch', at, phase, name, epoch, to })
      return
    }
    if (event.type === 'left-behind') {
      toolbox.logger.error('the cluster has switched to a topology that this member does not know', { to, epoch })
      return
    }
    const { type: outcome, from } = event
    toolbox.logger.info(`topology switch ${outcome}`, { from, to, epoch: event.epoch })
    // What it was not there for it knows neither the time nor the origin of.
    if (event.type === 'aborted' || event.isWitnessed) {
      this.#seen.push({ epoch: event.epoch, from, to, outcome, reason: null, at })
      if (this.#seen.length > MAX_SEEN) this.#seen.shift()
    }
    emit({ type: 'switch', at, phase: outcome, name, epoch, to })
  }

  #leaderEvent(event: LeaderEvent): void {
    const { toolbox } = this.#context
    this.#desk.hear(event)
    if (event.type === 'ended') toolbox.counters.add(`switch-${event.past.outcome}`)
  }

  // --- What goes into the log ---

  async #propose(command: SwitchCommand): Promise<unknown> {
    return this.#coordination().propose(command, this.#context.toolbox.clock.timeout(COMMIT_TIMEOUT_MS))
  }

  /** The first leader of a cluster says with which topology it begins. */
  async #found(): Promise<void> {
    if (this.#isFounding) return
    this.#isFounding = true
    const { options, toolbox } = this.#context
    const command = { type: 'found-topology', name: options.topology } as const
    try {
      await this.#coordination().propose(command, this.#context.toolbox.clock.timeout(COMMIT_TIMEOUT_MS))
    } catch {
      // A later leader founds it, or this one the next time that something changes.
      toolbox.counters.add('topology-not-founded')
    } finally {
      this.#isFounding = false
    }
  }

  #coordination(): Coordination {
    const coordination = this.#context.coordination()
    if (coordination) return coordination
    throw new ClusterError('ERR_NOT_LEADER', 'this node is in no cluster yet', { leader: undefined })
  }

  #caller(): Caller {
    const { self, options, toolbox } = this.#context
    return {
      clock: toolbox.clock,
      leadership: () => knownLeadership(this.#context),
      patienceMs: PATIENT_ELECTIONS * raftPresets[options.profile].electionTimeoutMaxMs,
      place: async (leader, order, options) => {
        if (leader === self.id) return this.#desk.run(order, this.#context.toolbox.clock.now())
        return parseReport(await this.#context.requests.request(leader, ORDER_SUBJECT, encodeOrder(order), options))
      },
      isStopping: () => this.#isClosed,
    }
  }
}
