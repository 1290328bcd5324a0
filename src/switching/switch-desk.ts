// The leader's desk for switches of the topology: what is refused at once, what goes into the log, and who waits for
// which end. An order bears a name that its caller chose. So one that was placed with a former leader is known again,
// and is never carried out twice.

import type { ClusterCommand, ClusterReply, TopologyEpochState } from '../../consensus/index.ts'
import type { LeaderEvent, MemberRecord, OverlayDefinition, OverlayRefusal } from '../../topology/index.ts'
import { ClusterError } from '../errors.ts'
import type { Time } from '../runtime/clock.ts'
import { planOf } from './plan.ts'
import { reportOf, type SwitchReport } from './report.ts'

export interface SwitchOrder {
  readonly request: string
  readonly name: string
  readonly expectFrom: string | undefined
  readonly timeoutMs: number
  readonly dryRun: boolean
}

export interface SwitchDeskOptions {
  readonly clock: Time
  /** This node's log; undefined when it does not lead. */
  readonly log: () => TopologyEpochState | undefined
  readonly members: () => readonly MemberRecord[]
  readonly voters: () => readonly string[]
  readonly definitions: () => ReadonlyMap<string, OverlayDefinition<unknown>>
  readonly nameOf: (id: string) => string
  readonly propose: (command: ClusterCommand, signal: AbortSignal) => Promise<ClusterReply>
}

/** How long the entry that begins a switch may take; without a majority the leader steps down before. */
const PROPOSE_TIMEOUT_MS = 5_000

interface Waiting {
  readonly resolve: (report: SwitchReport) => void
  readonly reject: (error: ClusterError) => void
}

export class SwitchDesk {
  readonly #options: SwitchDeskOptions
  /** By the index of the switch. */
  readonly #waiting = new Map<number, Set<Waiting>>()

  constructor(options: SwitchDeskOptions) {
    this.#options = options
  }

  /**
   * Carries out an order and resolves when the switch has ended and everybody who is there has adopted that. Rejects
   * with `ERR_NOT_LEADER`, `ERR_UNKNOWN_TOPOLOGY`, `ERR_SWITCH_IN_PROGRESS`, `ERR_TOPOLOGY_MISMATCH`, or what the
   * overlay refuses with.
   */
  async run(order: SwitchOrder, began: number): Promise<SwitchReport> {
    const log = this.#log()
    const { nameOf } = this.#options
    const past = log.history.find(({ request }) => request === order.request)
    if (past) return reportOf(past, [], this.#options.clock.now() - began, nameOf)
    if (log.proposal?.request === order.request) return this.#end(log.proposal.index)
    const definition = this.#definition(order.name)
    if (log.proposal) throw inProgress(log.proposal.to)
    if (log.name === order.name) return unmoved(log, order.name, 'already-current', this.#since(began))
    if (order.expectFrom !== undefined && order.expectFrom !== log.name) throw mismatch(order.expectFrom, log.name)
    const members = this.#options.members()
    const refusal = definition.refusal(members)
    if (refusal) throw refusedBy(order.name, refusal)
    if (!order.dryRun) return this.#end(await this.#propose(order, log, members))
    const plan = planOf(this.#definition(log.name), definition, members, this.#options.voters())
    return {
      ...unmoved(log, order.name, 'planned', this.#since(began)),
      nodes: alive(members)
        .map(waiting)
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
      plan,
    }
  }

  /** What the leader's machine tells. */
  hear(event: LeaderEvent): void {
    if (event.type !== 'settled') return
    const { past, members } = event
    // Each caller has its own time; the report is given it when it resolves.
    const report = reportOf(past, members, 0, this.#options.nameOf)
    for (const { resolve } of this.#waiting.get(past.index) ?? []) resolve(report)
    this.#waiting.delete(past.index)
  }

  /** This node leads no more, or stops: a later leader ends what is under way. */
  abandon(): void {
    // Asked on every commit of every follower.
    if (this.#waiting.size === 0) return
    const message = 'leadership was lost before the switch had ended'
    const error = new ClusterError('ERR_NOT_LEADER', message, { leader: undefined }, { mayHaveHappened: true })
    for (const waiting of this.#waiting.values()) for (const { reject } of waiting) reject(error)
    this.#waiting.clear()
  }

  #since(began: number): number {
    return Math.round(this.#options.clock.now() - began)
  }

  #log(): TopologyEpochState {
    const log = this.#options.log()
    if (log) return log
    throw new ClusterError('ERR_NOT_LEADER', 'this member does not lead', { leader: undefined })
  }

  #definition(name: string): OverlayDefinition<unknown> {
    const definitions = this.#options.definitions()
    const definition = definitions.get(name)
    if (definition) return definition
    throw unknownTopology(name, [...definitions.keys()])
  }

  async #propose(
    { name: to, request, timeoutMs }: SwitchOrder,
    { epoch, name }: TopologyEpochState,
    members: readonly MemberRecord[],
  ): Promise<number> {
    const required = alive(members).map(({ id }) => id)
    const command = {
      type: 'propose-topology',
      epoch,
      to,
      request,
      required,
      timeoutMs,
      at: Math.round(this.#options.clock.wall()),
    } as const
    const reply = await this.#commit(command)
    if (reply.type === 'ok') return reply.index
    if (reply.type === 'switch-in-progress') throw inProgress(reply.to)
    if (reply.type === 'topology-moved') throw mismatch(name, reply.name)
    const problem = reply.type === 'refused' ? reply.reason : reply.type
    throw new ClusterError('ERR_BAD_REQUEST', `the cluster refuses the switch: ${problem}`, { problem })
  }

  async #commit(command: ClusterCommand): Promise<ClusterReply> {
    const limit = this.#options.clock.timeout(PROPOSE_TIMEOUT_MS)
    try {
      return await this.#options.propose(command, limit)
    } catch (error) {
      if (error !== limit.reason) throw error
      const message = 'no majority answered before the entry was given up'
      throw new ClusterError('ERR_NOT_LEADER', message, { leader: undefined }, { mayHaveHappened: true })
    }
  }

  #end(index: number): Promise<SwitchReport> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(index) ?? new Set()
      waiting.add({ resolve, reject })
      this.#waiting.set(index, waiting)
    })
  }
}

export function unknownTopology(name: string, known: readonly string[]): ClusterError {
  const message = `no topology is called '${name}'; there are ${known.join(', ')}`
  return new ClusterError('ERR_UNKNOWN_TOPOLOGY', message, { name, known })
}

function inProgress(to: string): ClusterError {
  return new ClusterError('ERR_SWITCH_IN_PROGRESS', `a switch to ${to} is under way`, { to })
}

function mismatch(expected: string, current: string): ClusterError {
  const message = `the topology is ${current}, not ${expected}`
  return new ClusterError('ERR_TOPOLOGY_MISMATCH', message, { expected, current })
}

/** The codes of built-in overlays are those of this package; another one's own code is told in the text. */
function refusedBy(topology: string, { code, message }: OverlayRefusal): ClusterError {
  if (code === 'ERR_NO_SERVER_NODES') return new ClusterError(code, message, { topology })
  return new ClusterError('ERR_BAD_REQUEST', message, { problem: `${code}: ${message}` })
}

function alive(members: readonly MemberRecord[]): MemberRecord[] {
  return members.filter(({ state }) => state === 'alive')
}

function waiting({ name }: MemberRecord): SwitchReport['nodes'][number] {
  return { name, progress: 'waiting', afterMs: 0, adopted: false }
}

function unmoved(
  { epoch, name }: TopologyEpochState,
  to: string,
  outcome: 'already-current' | 'planned',
  durationMs: number,
): SwitchReport {
  return { epoch, from: name, to, outcome, durationMs, nodes: [], reason: null }
}
