// Asks for this node's name until somebody can say (design rule 8); again after a restart, and when another member
// turns up under the same name, for the binding may have moved while this node was away. A node that was admitted
// before is a member meanwhile: a bound name needs no quorum.

import type { ErrorCode } from '../errors.ts'
import type { Timer } from '../runtime/clock.ts'
import type { Toolbox } from '../runtime/toolbox.ts'
import type { AdmissionAnswer } from './admission.ts'

/** Refusals that waiting does not mend; a seed that is about to stop, or slow, may be followed by another. */
export const lastingRefusals: ReadonlySet<ErrorCode> = new Set([
  'ERR_WRONG_SECRET',
  'ERR_FOREIGN_CLUSTER',
  'ERR_VERSION_MISMATCH',
])

export interface JoiningOptions {
  readonly toolbox: Toolbox
  /** Asks whoever can be asked. Rejects when nobody can. */
  readonly ask: (signal: AbortSignal) => Promise<AdmissionAnswer>
  readonly onAdmitted: () => void
  /** The name belongs to another id, which is here. */
  readonly onTaken: (holder: string) => void
}

/** Between two questions: enough for a leader to be elected in, without a herd. */
const PAUSE_MIN_MS = 50
const PAUSE_MAX_MS = 150

export class Joining {
  readonly #options: JoiningOptions
  readonly #over = new AbortController()
  #timer: Timer | undefined
  #isAsking = false
  #isPausing = false
  #leader: string | undefined

  constructor(options: JoiningOptions) {
    this.#options = options
  }

  /** Asks now, unless it is asking already: at the start, and whenever the name may have moved. */
  start(): void {
    if (!this.#isAsking) this.#later(0)
  }

  /** Who leads by now: whoever waits for a leader asks as soon as there is another one. */
  follow(leader: string | undefined): void {
    if (leader === this.#leader) return
    this.#leader = leader
    if (leader !== undefined && this.#isPausing) this.#later(0)
  }

  close(): void {
    this.#timer?.[Symbol.dispose]()
    this.#over.abort(new Error('the node is stopping'))
  }

  #later(ms: number): void {
    this.#isAsking = true
    this.#isPausing = ms > 0
    this.#timer?.[Symbol.dispose]()
    this.#timer = this.#options.toolbox.clock.setTimeout(() => void this.#try(), ms)
  }

  async #try(): Promise<void> {
    const { ask, onAdmitted, onTaken, toolbox } = this.#options
    this.#isPausing = false
    const leader = this.#leader
    let answer: AdmissionAnswer
    try {
      answer = await ask(this.#over.signal)
    } catch (error) {
      // Nobody to ask, no quorum, the leader changing: all of them pass.
      answer = { outcome: 'later', reason: error instanceof Error ? error.message : String(error) }
    }
    if (this.#over.signal.aborted) return
    toolbox.turn.enter(() => {
      this.#isAsking = false
      if (answer.outcome === 'admitted') return onAdmitted()
      if (answer.outcome === 'taken') return onTaken(answer.holder)
      toolbox.logger.debug('not admitted yet', { reason: answer.reason })
      // Who was asked may not have known yet of the leader that this node has heard of meanwhile.
      const isLedAnew = this.#leader !== undefined && this.#leader !== leader
      this.#later(isLedAnew ? 0 : PAUSE_MIN_MS + toolbox.random() * (PAUSE_MAX_MS - PAUSE_MIN_MS))
    })
  }
}
