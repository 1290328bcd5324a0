// How a leader gives up its office: to a voter that has all of its log, or to nobody. Before that S5 is drained, so
// that two of it are not at work at once, and released, so that the successor need not wait for a lease. Others' writes
// are refused only from then on, when all that is left is a vote. One hand-over at a time: who has drained S5 decides
// when it goes on.

import type { Input, RaftOptions } from '../../consensus/index.ts'
import type { ClusterError } from '../errors.ts'
import type { Time } from '../runtime/clock.ts'
import { rejectedBy } from '../wait.ts'
import { Answers } from './answers.ts'
import type { HostDriver } from './host-driver.ts'
import { refusal } from './refusal.ts'
import type { StepWaits } from './step-waits.ts'
import type { Voter } from './voter.ts'

export interface HandoverOptions {
  readonly self: string
  readonly clock: Pick<Time, 'timeout'>
  readonly voter: Pick<Voter, 'view' | 'followers' | 'voterIds' | 'reachesMajority' | 'machine'>
  readonly raft: RaftOptions
  readonly host: Pick<HostDriver, 'drain' | 'release' | 'resume'>
  readonly waits: StepWaits
  readonly nextNumber: () => number
  readonly put: (input: Extract<Input<never>, { type: 'transfer' | 'resign' }>) => void
}

interface UnderWay {
  /** Undefined: to whoever has most of the log. */
  readonly to: string | undefined
  /** Settles when the core has handed over, or goes on as leader. */
  readonly outcome: Promise<string>
  /** How many still wait for it. */
  waiting: number
}

export class Handover {
  readonly #options: HandoverOptions
  readonly #transfers = new Answers<string>()
  #underWay: UnderWay | undefined
  #isResigning = false

  constructor(options: HandoverOptions) {
    this.#options = options
  }

  /** See `Voter.transfer`. */
  async transfer(to: string | undefined, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted()
    const { voter, raft } = this.#options
    const { role, leader, transferringTo } = voter.view()
    if (role !== 'leader') throw refusal('not-leader', leader, raft)
    if (!this.#successors().some((id) => to === undefined || id === to)) throw refusal('not-caught-up', leader, raft)
    const isAnother = this.#underWay && to !== undefined && to !== (this.#underWay.to ?? transferringTo)
    if (isAnother || this.#isResigning) throw refusal('in-progress', leader, raft)
    const underWay = this.#underWay ?? this.#begin(to)
    underWay.waiting++
    try {
      return await Promise.race([underWay.outcome, rejectedBy(signal)])
    } finally {
      underWay.waiting--
    }
  }

  /** See `Voter.renewHosting`. */
  renew(): void {
    const { host } = this.#options
    // S5 is about to get a new token anyway, here or elsewhere.
    if (this.#underWay || this.#isResigning) return
    host.release()
    host.resume()
  }

  #begin(to: string | undefined): UnderWay {
    this.#underWay = { to, waiting: 0, outcome: this.#transfer(to) }
    return this.#underWay
  }

  async #transfer(to: string | undefined): Promise<string> {
    const { host, voter, raft } = this.#options
    // Whoever asks may give up; the core, once it is told, ends it by itself within an election timeout.
    const { signal } = new AbortController()
    try {
      await host.drain()
      host.release()
      await this.#released(signal)
      if (this.#underWay?.waiting === 0) throw refusal('timed-out', voter.view().leader, raft)
      return await this.#tell(to, signal)
    } catch (error) {
      if (!this.#isResigning) host.resume()
      throw error
    } finally {
      this.#underWay = undefined
    }
  }

  /** See `Voter.resign`. */
  async resign(signal: AbortSignal): Promise<void> {
    const { voter, host, waits, put } = this.#options
    this.#isResigning = true
    await Promise.race([this.#underWay?.outcome, rejectedBy(signal)]).catch(() => {})
    if (voter.view().role !== 'leader') return
    await host.drain()
    host.release()
    const isAlone = this.#successors().length === 0
    if (!isAlone) {
      await this.#released(signal)
      this.#tell(undefined, signal).catch(() => put({ type: 'resign' }))
    }
    await waits.until(() => this.#isVain || (isAlone && this.#isReleased), signal)
    put({ type: 'resign' })
  }

  /** The core has handed over, as it was told under that number. */
  done(proposal: number, to: string): void {
    this.#transfers.resolve(proposal, to)
  }

  refused(proposal: number, error: ClusterError): void {
    this.#transfers.reject(proposal, error)
  }

  close(): void {
    this.#transfers.close()
  }

  /** The log says so, or it takes longer than a few flushes: then the core does the rest. */
  #released(signal: AbortSignal): Promise<void> {
    const { clock, raft, waits } = this.#options
    const limit = clock.timeout(raft.heartbeatIntervalMs)
    return waits.until(() => this.#isReleased || this.#isVain, AbortSignal.any([signal, limit]))
  }

  /** The core takes no more proposals from here on. */
  #tell(to: string | undefined, signal: AbortSignal): Promise<string> {
    const { nextNumber, put } = this.#options
    const proposal = nextNumber()
    return this.#transfers.open(proposal, () => put({ type: 'transfer', proposal, to }), signal)
  }

  /** S5 is nobody's, or somebody's that this leader cannot release. */
  get #isReleased(): boolean {
    const { self, voter } = this.#options
    const record = voter.machine.singleton('s5')
    return record === undefined || record.released || record.host !== self
  }

  /**
   * Without a majority nobody can be told, and nobody can succeed: when all stop together, the last ones need not wait.
   */
  get #isVain(): boolean {
    const { voter } = this.#options
    return voter.view().role !== 'leader' || !voter.reachesMajority()
  }

  /** Voters that could lead at once. */
  #successors(): readonly string[] {
    const { voterIds } = this.#options.voter
    return this.#options.voter
      .followers()
      .flatMap(({ id, isCaughtUp }) => (isCaughtUp && voterIds.includes(id) ? [id] : []))
  }
}
