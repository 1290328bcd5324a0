// How a leader gives up its office: to a voter that has all of its log, or to nobody. S5 is released before: that is the last entry of its
// term, so the successor need not wait for a lease. Before that it is drained, so that two of it are not at work at once.

import type { Input, RaftOptions } from '../../consensus/index.ts'
import type { ClusterError } from '../errors.ts'
import { Answers } from './answers.ts'
import type { HostDriver } from './host-driver.ts'
import { refusal } from './refusal.ts'
import type { StepWaits } from './step-waits.ts'
import type { Voter } from './voter.ts'

export interface HandoverOptions {
  readonly voter: Pick<Voter, 'view' | 'followers' | 'voterIds' | 'reachesMajority' | 'machine'>
  readonly raft: RaftOptions
  readonly host: Pick<HostDriver, 'drain' | 'release' | 'resume'>
  readonly waits: StepWaits
  readonly nextNumber: () => number
  readonly put: (input: Extract<Input<never>, { type: 'transfer' | 'resign' }>) => void
}

export class Handover {
  readonly #options: HandoverOptions
  readonly #transfers = new Answers<string>()

  constructor(options: HandoverOptions) {
    this.#options = options
  }

  /** See `Voter.transfer`. */
  async transfer(to: string | undefined, signal: AbortSignal): Promise<string> {
    const { voter, raft, host } = this.#options
    const { role, leader } = voter.view()
    if (role !== 'leader') throw refusal('not-leader', leader, raft)
    if (!this.#successors().some((id) => to === undefined || id === to)) throw refusal('not-caught-up', leader, raft)
    await host.drain()
    try {
      return await this.#begin(to, signal)
    } catch (error) {
      host.resume()
      throw error
    }
  }

  /** See `Voter.resign`. */
  async resign(signal: AbortSignal): Promise<void> {
    const { voter, host, waits, put } = this.#options
    if (voter.view().role !== 'leader') return
    await host.drain()
    host.release()
    // Without a majority nobody can be told, and nobody can succeed: when all stop together, the last ones need not wait.
    const isVain = (): boolean => voter.view().role !== 'leader' || !voter.reachesMajority()
    const isReleased = (): boolean => voter.machine.singleton('s5')?.released ?? true
    const isAlone = this.#successors().length === 0
    if (!isAlone) this.#begin(undefined, signal).catch(() => put({ type: 'resign' }))
    await waits.until(() => isVain() || (isAlone && isReleased()), signal)
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

  #begin(to: string | undefined, signal: AbortSignal): Promise<string> {
    const { host, nextNumber, put } = this.#options
    host.release()
    const proposal = nextNumber()
    return this.#transfers.open(proposal, () => put({ type: 'transfer', proposal, to }), signal)
  }

  /** Voters that could lead at once. */
  #successors(): readonly string[] {
    const { voterIds } = this.#options.voter
    return this.#options.voter
      .followers()
      .flatMap(({ id, isCaughtUp }) => (isCaughtUp && voterIds.includes(id) ? [id] : []))
  }
}
