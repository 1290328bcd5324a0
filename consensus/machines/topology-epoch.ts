// Which topology the cluster has agreed on, and the switch that is under way, if any (design rule 9). Each committed
// switch raises the epoch by one. Only an entry of the log begins a switch, only one ends it, and there is never more
// than one:
//
//   founded ──> at epoch e ── propose ──> under way ── commit ──> at epoch e + 1
//                    ▲                     │  │ strike: a required member is down
//                    └────── abort ────────┘  └──────> under way, without it
//
// When to commit or to abort is the leader's to decide; what is decided here is only what counts.

import type { ApplyMeta } from '../state-machine.ts'
import type { LogIndex, VoterId } from '../types.ts'
import type { ClusterCommand, ClusterReply } from './commands.ts'

/** A switch that no entry has ended yet. */
export interface SwitchProposal {
  /** Of the entry that proposed it; it names the switch from then on. */
  readonly index: LogIndex
  /** What the caller calls it, so that its outcome can be asked of any later leader. */
  readonly request: string
  readonly to: string
  /** Members that must have prepared and be reachable: those alive when it was proposed, but for those struck since. */
  readonly required: readonly VoterId[]
  readonly timeoutMs: number
  /** Wall clock of the leader that proposed it, for people only. */
  readonly at: number
}

/** A switch that is over. */
export interface EndedSwitch {
  readonly index: LogIndex
  readonly request: string
  /** The epoch of the cluster after it. */
  readonly epoch: number
  readonly from: string
  readonly to: string
  readonly outcome: 'committed' | 'aborted'
  /** Why it was aborted; empty when it was committed. */
  readonly reason: string
  readonly at: number
}

export interface TopologyEpochState {
  /** Number of committed switches. */
  readonly epoch: number
  readonly name: string
  /** False until the first leader has said what the cluster begins with. */
  readonly isFounded: boolean
  readonly proposal: SwitchProposal | undefined
  /** The last ones, oldest first. */
  readonly history: readonly EndedSwitch[]
}

export interface TopologyBounds {
  /** Members that one switch can require. */
  readonly maxRequiredMembers: number
  /** Ended switches that are remembered. */
  readonly maxEndedSwitches: number
  /** UTF-16 units in the name of a topology, of a request, or in a reason. */
  readonly maxTopologyTextLength: number
}

/** What a new cluster has before its first leader has said otherwise. */
export const firstTopology: TopologyEpochState = Object.freeze({
  epoch: 0,
  name: 'full-mesh',
  isFounded: false,
  proposal: undefined,
  history: Object.freeze([]),
})

type Refusal = Exclude<ClusterReply, { type: 'ok' }>
type Of<Type extends ClusterCommand['type']> = Extract<ClusterCommand, { type: Type }>

export class TopologyEpoch {
  readonly #bounds: TopologyBounds
  #current = firstTopology

  constructor(bounds: TopologyBounds) {
    this.#bounds = bounds
  }

  /** Never written to: each change makes a new one. */
  get current(): TopologyEpochState {
    return this.#current
  }

  found({ name }: Of<'found-topology'>): Refusal | undefined {
    if (!this.#fits(name)) return { type: 'refused', reason: 'topology-text-length' }
    const { isFounded, epoch, proposal } = this.#current
    // The first leader has the word; whoever comes later adopts it.
    if (isFounded || epoch > 0 || proposal) return { type: 'topology-moved', epoch, name: this.#current.name }
    this.#current = { ...this.#current, name, isFounded: true }
    return undefined
  }

  propose({ index }: ApplyMeta, command: Of<'propose-topology'>): Refusal | undefined {
    const { to, request, required, timeoutMs, at } = command
    const { epoch, name, proposal } = this.#current
    if (!this.#fits(to) || !this.#fits(request)) return { type: 'refused', reason: 'topology-text-length' }
    if (required.length > this.#bounds.maxRequiredMembers) return { type: 'refused', reason: 'too-many-required' }
    if (proposal) return { type: 'switch-in-progress', proposal: proposal.index, to: proposal.to }
    if (command.epoch !== epoch || to === name) return { type: 'topology-moved', epoch, name }
    const next = { index, request, to, required: [...new Set(required)], timeoutMs, at }
    this.#current = { ...this.#current, isFounded: true, proposal: next }
    return undefined
  }

  strike({ proposal, member }: Of<'strike-member'>): Refusal | undefined {
    const pending = this.#pending(proposal)
    if (!pending?.required.includes(member)) return { type: 'no-such-switch', proposal }
    const required = pending.required.filter((id) => id !== member)
    this.#current = { ...this.#current, proposal: { ...pending, required } }
    return undefined
  }

  commit({ proposal }: Of<'commit-topology'>): Refusal | undefined {
    const pending = this.#pending(proposal)
    if (!pending) return { type: 'no-such-switch', proposal }
    this.#end(pending, 'committed', '')
    return undefined
  }

  abort({ proposal, reason }: Of<'abort-topology'>): Refusal | undefined {
    const pending = this.#pending(proposal)
    if (!pending) return { type: 'no-such-switch', proposal }
    if (!this.#fits(reason)) return { type: 'refused', reason: 'topology-text-length' }
    this.#end(pending, 'aborted', reason)
    return undefined
  }

  /** The whole state, copied. */
  snapshot(): TopologyEpochState {
    return detached(this.#current)
  }

  restore(state: TopologyEpochState): void {
    this.#current = detached(state)
  }

  #end({ index, request, to, at }: SwitchProposal, outcome: EndedSwitch['outcome'], reason: string): void {
    const { epoch: before, name: from, history } = this.#current
    const [epoch, name] = outcome === 'committed' ? [before + 1, to] : [before, from]
    const ended = { index, request, epoch, from, to, outcome, reason, at }
    const kept = [...history, ended].slice(-this.#bounds.maxEndedSwitches)
    this.#current = { epoch, name, isFounded: true, proposal: undefined, history: kept }
  }

  #pending(index: LogIndex): SwitchProposal | undefined {
    const { proposal } = this.#current
    return proposal?.index === index ? proposal : undefined
  }

  #fits(text: string): boolean {
    return text.length > 0 && text.length <= this.#bounds.maxTopologyTextLength
  }
}

function detached({ epoch, name, isFounded, proposal, history }: TopologyEpochState): TopologyEpochState {
  return {
    epoch,
    name,
    isFounded,
    proposal: proposal && { ...proposal, required: [...proposal.required] },
    history: history.map((ended) => ({ ...ended })),
  }
}
