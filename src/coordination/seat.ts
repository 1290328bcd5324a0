// Whether this member holds the log at the moment: it does while the cluster's configuration names it as voter or
// learner. It begins when a leader sends it the log, or with what its disk holds, and ends when the cluster record,
// which speaks only of settled configurations, does not name it. Never by its own log alone: that may be older than
// what it was named in, and its vote may be needed. What the log says stays on the disk.
//
//   none ── append or snapshot from a leader ──▶ seated ── a record newer than where its log names it does not ──▶ none

import { type ClusterCommand, membersOf, type RaftMessage } from '../../consensus/index.ts'
import type { RecoveredLog } from '../storage/node-storage.ts'
import type { ClusterRecord } from '../wire/record.ts'
import { Voter } from './voter.ts'
import type { VoterOptions } from './voter-options.ts'

export interface SeatOptions extends Omit<VoterOptions, 'log'> {
  /** Opens the log there is, or makes an empty one that has no vote. */
  readonly learn: () => Promise<RecoveredLog>
  /** It holds the log from now on, or no more. */
  readonly onSeat: (voter: Voter | undefined) => void
}

export class Seat {
  readonly #options: SeatOptions
  #voter: Voter | undefined
  /** One after the other: the log is open once. */
  #changing: Promise<void> = Promise.resolve()
  #isChanging = false
  #isClosed = false

  constructor(options: SeatOptions) {
    this.#options = options
  }

  /** Undefined: this member holds no log. */
  get voter(): Voter | undefined {
    return this.#voter
  }

  /** With the log that the disk holds. Rejects with `ERR_LOG_CORRUPT` when it is damaged. */
  async open(log: RecoveredLog): Promise<void> {
    // What others send meanwhile must not open it a second time.
    this.#isChanging = true
    try {
      await this.#sit(log)
    } finally {
      this.#isChanging = false
    }
  }

  receive(from: string, storeId: string, message: RaftMessage<ClusterCommand>): void {
    if (this.#voter) this.#voter.receive(from, storeId, message)
    else if (message.type === 'append' || message.type === 'snapshot') this.#change(() => this.#learn())
    else this.#options.count('raft-no-voter')
  }

  /** The record is a newer one. */
  consider({ index, voters, learners }: ClusterRecord): void {
    const voter = this.#voter
    if (voter === undefined) return
    const { commitIndex, configuration, configurationIndex } = voter.view()
    if (index < commitIndex) return
    // After a start little is known to be committed, and others may tell whom they knew for voters before their own.
    const isNamed = membersOf(configuration).includes(this.#options.self)
    if (isNamed && index <= configurationIndex) return
    if (![...voters, ...learners].some(({ id }) => id === this.#options.self)) this.#change(() => this.#leave(voter))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#changing
    await this.#voter?.close()
  }

  async #learn(): Promise<void> {
    if (this.#voter === undefined && !this.#isClosed) await this.#sit(await this.#options.learn())
  }

  async #sit(log: RecoveredLog): Promise<void> {
    const voter = await Voter.open({ ...this.#options, log })
    if (this.#isClosed) return voter.close()
    this.#voter = voter
    this.#options.onSeat(voter)
  }

  async #leave(voter: Voter): Promise<void> {
    if (this.#voter !== voter) return
    this.#voter = undefined
    this.#options.onSeat(undefined)
    this.#options.logger.info('this member holds the log no more')
    await voter.close()
  }

  #change(work: () => Promise<void>): void {
    if (this.#isChanging || this.#isClosed) return
    this.#isChanging = true
    this.#changing = work()
      .catch((error: unknown) => this.#options.onDiskFailure(error))
      .finally(() => {
        this.#isChanging = false
      })
  }
}
