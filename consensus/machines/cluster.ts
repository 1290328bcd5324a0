// The cluster's own replicated machine: names, singletons, topology epoch, config, claims, counters, clients' sessions.
// It only puts the parts together; each part keeps one kind of fact and refuses by itself what would break it.

import { FIRST_LEVEL } from '../feature-level.ts'
import type { ApplyMeta, StateMachine } from '../state-machine.ts'
import type { VoterId } from '../types.ts'
import type { ClaimedThing } from './claim-commands.ts'
import { type ClaimBounds, Claims } from './claims.ts'
import type { ClientCommand, ClusterCommand, ClusterReply, MemberCommand, SingletonRecord } from './commands.ts'
import { Config, type ConfigBounds, type ConfigState } from './config.ts'
import { type CounterBounds, type CounterRecord, Counters } from './counters.ts'
import { Names, type NamesBounds } from './names.ts'
import { type SessionBounds, type SessionState, Sessions } from './sessions.ts'
import { type SingletonBounds, Singletons } from './singleton.ts'
import { type TopologyBounds, TopologyEpoch, type TopologyEpochState } from './topology-epoch.ts'

/** Equal on every voter, for they decide what is refused: changing one is a change of the replicated machine. */
export type ClusterBounds = NamesBounds &
  SingletonBounds &
  TopologyBounds &
  ConfigBounds &
  SessionBounds &
  ClaimBounds &
  CounterBounds

/** Room for a thousand members and their history, and for config of which a snapshot is still a matter of seconds. */
export const defaultClusterBounds: ClusterBounds = Object.freeze({
  maxNames: 16_384,
  maxNameLength: 128,
  maxSingletons: 16,
  maxDecisionBytes: 65_536,
  maxRequiredMembers: 1_024,
  maxEndedSwitches: 16,
  maxTopologyTextLength: 64,
  maxKeys: 131_072,
  maxKeyLength: 512,
  maxValueLength: 65_536,
  maxConfigLength: 64 * 1_048_576,
  maxOperations: 128,
  maxHistoryChanges: 16_384,
  maxHistoryLength: 16 * 1_048_576,
  maxSessions: 4_096,
  maxSessionReplies: 1_024,
  maxClaims: 16_384,
  maxClaimsOfOne: 4_096,
  maxClaimTextLength: 128,
  maxClaimValueLength: 4_096,
  maxLeaseMs: 86_400_000,
  maxCounters: 65_536,
  maxCounterNameLength: 128,
})

/** The end of a cluster: its members go over to another one. */
export interface Dissolution {
  readonly into: string
  /** Some of its members, to begin with. */
  readonly members: Extract<ClusterCommand, { type: 'dissolve' }>['members']
  /** Of the entry that said so: the last one that was applied. */
  readonly index: number
}

/** What users have put into a cluster: keys of config, claims held or waited for, counters, decisions of S5. */
export interface UserData {
  readonly keys: number
  readonly claims: number
  readonly counters: number
  readonly decisions: number
}

/** The whole machine as plain data. */
export interface ClusterState {
  readonly names: readonly (readonly [name: string, id: VoterId])[]
  readonly singletons: readonly SingletonRecord[]
  readonly topology: TopologyEpochState
  readonly config: ConfigState
  readonly sessions: readonly SessionState[]
  readonly claims: readonly ClaimedThing[]
  readonly counters: readonly CounterRecord[]
  /** What may be proposed; see `feature-level.ts`. */
  readonly level: number
  /** Where the members went; undefined while the cluster lives. */
  readonly dissolution?: Dissolution | undefined
}

type DissolveCommand = Extract<ClusterCommand, { type: 'dissolve' }>

/** Applies {@link ClusterCommand}s; what it holds is read through `names`, `singleton` and `topology`. */
export class ClusterMachine implements StateMachine<ClusterCommand, ClusterReply, ClusterState> {
  readonly #names: Names
  readonly #singletons: Singletons
  readonly #topology: TopologyEpoch
  readonly #config: Config
  readonly #sessions: Sessions<ClusterReply>
  readonly #claims: Claims
  readonly #counters: Counters
  #level = FIRST_LEVEL
  #dissolution: Dissolution | undefined

  constructor(bounds: ClusterBounds = defaultClusterBounds) {
    this.#names = new Names(bounds)
    this.#singletons = new Singletons(bounds)
    this.#topology = new TopologyEpoch(bounds)
    this.#config = new Config(bounds)
    this.#sessions = new Sessions(bounds)
    this.#claims = new Claims(bounds)
    this.#counters = new Counters(bounds)
  }

  apply(meta: ApplyMeta, command: ClusterCommand): ClusterReply {
    if (command.type === 'dissolve') return this.#dissolve(meta, command)
    if (this.#dissolution !== undefined) return { type: 'refused', reason: 'dissolved' }
    switch (command.type) {
      case 'open-session':
        this.#sessions.open(meta)
        return { type: 'ok', index: meta.index }
      case 'in-session':
        return this.#sessions.run(meta, command, () => this.#serve(meta, command.command))
      case 'write':
      case 'claim':
      case 'renew-claim':
      case 'end-claim':
      case 'expire-claim':
      case 'count':
        return this.#serve(meta, command)
      default:
        return this.#refusal(meta, command) ?? { type: 'ok', index: meta.index }
    }
  }

  /** Who holds which name. */
  get names(): Pick<Names, 'holder' | 'entries'> {
    return this.#names
  }

  /**
   * The record of one singleton, for example `s5`; undefined before its first activation. Its decision must not be
   * written to.
   */
  singleton(name: string): SingletonRecord | undefined {
    return this.#singletons.record(name)
  }

  /** The topology agreed on, and the switch under way. Must not be written to. */
  get topology(): TopologyEpochState {
    return this.#topology.current
  }

  /** Keys, values, revisions and their history. */
  get config(): Pick<Config, 'get' | 'list' | 'changes' | 'historyOf' | 'revision' | 'compacted'> {
    return this.#config
  }

  /** Who holds and who waits for locks, semaphores, elections, barriers and singletons. */
  get claims(): Pick<Claims, 'get' | 'all' | 'count'> {
    return this.#claims
  }

  get counters(): Pick<Counters, 'get'> {
    return this.#counters
  }

  /** What the cluster has agreed that all who hold the log can apply. */
  get level(): number {
    return this.#level
  }

  /** Where this cluster's members go; undefined while it lives. */
  get dissolution(): Dissolution | undefined {
    return this.#dissolution
  }

  get userData(): UserData {
    const decisions = this.#singletons.entries().filter(({ decision }) => decision !== undefined).length
    const keys = this.#config.size
    return { keys, claims: this.#claims.count, counters: this.#counters.count, decisions }
  }

  snapshot(): ClusterState {
    return {
      names: this.#names.entries(),
      singletons: this.#singletons.entries(),
      topology: this.#topology.snapshot(),
      config: this.#config.snapshot(),
      sessions: this.#sessions.snapshot(),
      claims: this.#claims.snapshot(),
      counters: this.#counters.snapshot(),
      level: this.#level,
      ...(this.#dissolution ? { dissolution: this.#dissolution } : {}),
    }
  }

  restore(state: ClusterState): void {
    this.#names.restore(state.names)
    this.#singletons.restore(state.singletons)
    this.#topology.restore(state.topology)
    // A snapshot of an earlier release lacks what that release did not know.
    const { config = { records: [], history: { changes: [], compacted: 0 }, revision: 0 } } = state
    const { sessions = [], claims = [], counters = [], level = FIRST_LEVEL } = state
    this.#config.restore(config)
    this.#sessions.restore(sessions)
    this.#claims.restore(claims)
    this.#counters.restore(counters)
    this.#level = level
    this.#dissolution = state.dissolution
  }

  /** What clients ask for. */
  #serve(meta: ApplyMeta, command: ClientCommand): ClusterReply {
    switch (command.type) {
      case 'write':
        return this.#config.apply(meta, command)
      case 'claim':
      case 'renew-claim':
      case 'end-claim':
      case 'expire-claim':
        return this.#claims.apply(meta, command)
      case 'count':
        return this.#counters.apply(meta, command)
      default:
        command satisfies never
        return { type: 'refused', reason: 'unknown-command' }
    }
  }

  #refusal(
    meta: ApplyMeta,
    command: Exclude<MemberCommand, DissolveCommand>,
  ): Exclude<ClusterReply, { type: 'ok' }> | undefined {
    switch (command.type) {
      case 'bind-name':
        return this.#names.bind(command)
      case 'activate':
        return this.#singletons.activate(meta, command)
      case 'release':
        return this.#singletons.release(command)
      case 'decide':
        return this.#singletons.decide(meta, command)
      case 'found-topology':
        return this.#topology.found(command)
      case 'propose-topology':
        return this.#topology.propose(meta, command)
      case 'strike-member':
        return this.#topology.strike(command)
      case 'commit-topology':
        return this.#topology.commit(command)
      case 'abort-topology':
        return this.#topology.abort(command)
      case 'agree-level':
        return this.#agreeOn(command.level)
      default:
        // A newer release's command that slipped through: every voter of this release refuses it alike.
        command satisfies never
        return { type: 'refused', reason: 'unknown-command' }
    }
  }

  #dissolve({ index }: ApplyMeta, { into, members, dropsData }: DissolveCommand): ClusterReply {
    const before = this.#dissolution
    if (before !== undefined)
      return before.into === into ? { type: 'ok', index: before.index } : { type: 'refused', reason: 'dissolved' }
    const holdsData = Object.values(this.userData).some((count) => count > 0)
    if (holdsData && !dropsData) return { type: 'refused', reason: 'holds-data' }
    this.#dissolution = { into, members: members.map((member) => ({ ...member })), index }
    return { type: 'ok', index }
  }

  #agreeOn(level: number): Exclude<ClusterReply, { type: 'ok' }> | undefined {
    if (level <= this.#level) return { type: 'refused', reason: 'old-level' }
    this.#level = level
    return undefined
  }
}
