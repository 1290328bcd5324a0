// Keeps the voters as many as there shall be (design rules 1 and 16): while this member leads, it asks the policy now
// and then what to do next, and does it. Every decision is in `consensus/voter-policy.ts`. In a rolling upgrade it also
// raises the level of what may be proposed, see `consensus/feature-level.ts`.

import {
  decideVoters,
  type FeatureLevels,
  type MemberFacts,
  nextLevel,
  type VoterFacts,
  type VoterPolicyOptions,
} from '../../consensus/index.ts'
import type { Time, Timer } from '../runtime/clock.ts'
import type { Toolbox } from '../runtime/toolbox.ts'
import { nodeStopping } from '../wait.ts'
import type { Voter } from './voter.ts'

/** How often the policy is asked. A member that has caught up waits no longer than this for its vote. */
const INTERVAL_MS = 200
/** A change that is not in the log by then is asked for anew. */
const CHANGE_TIMEOUT_MS = 5_000

export interface VoterKeeperOptions {
  readonly self: string
  readonly policy: VoterPolicyOptions
  readonly toolbox: Pick<Toolbox, 'turn' | 'logger' | 'counters'> & { readonly clock: Time }
  readonly voter: () => Voter | undefined
  readonly members: () => readonly MemberFacts[]
  /** What this release can apply. Default: that of this release. */
  readonly levels?: FeatureLevels
}

export class VoterKeeper {
  readonly #options: VoterKeeperOptions
  readonly #timer: Timer
  readonly #closing = new AbortController()
  #isBusy = false

  constructor(options: VoterKeeperOptions) {
    this.#options = options
    this.#timer = options.toolbox.clock.setInterval(() => options.toolbox.turn.enter(() => this.#look()), INTERVAL_MS)
  }

  close(): void {
    this.#timer?.[Symbol.dispose]()
    this.#closing.abort(nodeStopping())
  }

  #look(): void {
    const { self, policy, toolbox, members } = this.#options
    const voter = this.#options.voter()
    if (voter === undefined || this.#isBusy || voter.view().role !== 'leader') return
    const facts = {
      self,
      view: voter.view(),
      followers: voter.followers(),
      members: members(),
      level: voter.machine.level,
      now: toolbox.clock.now(),
    }
    if (this.#raiseLevel(voter, facts)) return
    const decision = decideVoters(facts, policy)
    if (decision === undefined) return
    const signal = toolbox.clock.timeout(CHANGE_TIMEOUT_MS)
    toolbox.logger.info('the voters change', { ...decision })
    const { type } = decision
    const done = type === 'transfer' ? voter.transfer(decision.to, signal) : voter.reconfigure(decision.change, signal)
    this.#until(done)
  }

  /**
   * Nobody begins to hold the log meanwhile, however long it takes: whoever came in between might not be able to apply
   * it.
   */
  #raiseLevel(voter: Voter, { self, view, members, level: agreed }: VoterFacts): boolean {
    const levelOf = (id: string): number | undefined => members.find((member) => member.id === id)?.level
    const level = nextLevel({ self, view, appliedTerm: voter.applied.term, agreed, levelOf }, this.#options.levels)
    if (level === undefined) return false
    this.#options.toolbox.logger.info('everybody who holds the log can apply more', { level })
    this.#until(voter.propose({ type: 'agree-level', level }, this.#closing.signal))
    return true
  }

  #until(done: Promise<unknown>): void {
    this.#isBusy = true
    done
      // It may have lost the lead, or somebody has just fallen behind: the next look tells.
      .catch(() => this.#options.toolbox.counters.add('voter-change-refused'))
      .finally(() => {
        this.#isBusy = false
      })
  }
}
