// What a leader does by itself now and then: it ends leases that are over, chooses voters, and raises the level of what
// may be proposed when all who hold the log can apply more. As `lease-expirer.ts` and `voter-keeper.ts` of the running
// node.

import {
  decideVoters,
  type LogIndex,
  nextLevel,
  type Reconfiguration,
  type Term,
  type VoterId,
} from '../../../consensus/index.ts'
import type { SimulatedVoter } from './voter.ts'
import type { VoterSetup } from './voter-setup.ts'

export class LeaderDuties {
  readonly #voter: SimulatedVoter
  readonly #setup: VoterSetup
  /**
   * The term in which a higher level was proposed and not answered: an answer that a snapshot stands for never comes.
   */
  #raisingIn: Term | undefined
  /**
   * Claims whose end is on its way, with the term in which it was proposed: a slow link must not be flooded with it.
   */
  readonly #ending = new Map<LogIndex, Term>()

  constructor(voter: SimulatedVoter, setup: VoterSetup) {
    this.#voter = voter
    this.#setup = setup
  }

  watchLeases(): void {
    const { view, machine } = this.#voter
    const { expiry, leaseClock } = this.#setup
    const due = expiry.look(leaseClock(), machine.claims.all())
    if (view.role !== 'leader') return
    for (const command of due) {
      const { claim } = command
      if (this.#ending.get(claim) === view.term) continue
      this.#ending.set(claim, view.term)
      this.#voter.submit(command, () => this.#ending.delete(claim))
    }
  }

  chooseVoters(): void {
    const { view, machine } = this.#voter
    if (view.role !== 'leader' || this.#raisesLevel()) return
    const { self, members, policy, clock, note } = this.#setup
    const { level } = machine
    const followers = this.#voter.followers()
    const decision = decideVoters(
      { self: self.id, view, followers, members: members(), level, now: clock.now() },
      policy,
    )
    if (decision === undefined) return
    note('voters', decision)
    if (decision.type === 'transfer') this.#voter.transfer(decision.to)
    else this.#voter.reconfigure(decision.change)
  }

  /** Nobody of an older release than was agreed on begins to hold the log. */
  mayReconfigure({ voters, learners }: Reconfiguration): boolean {
    if (this.#raisingIn === this.#voter.view.term) return false
    const members = this.#setup.members()
    const { level } = this.#voter.machine
    return [...voters, ...learners].every(({ id }) => (members.find((member) => member.id === id)?.level ?? 0) >= level)
  }

  /** While a higher level is on its way nobody else begins to hold the log. */
  #raisesLevel(): boolean {
    const { self, members, levels, raisesLevelAlone } = this.#setup
    const { view, machine, appliedTerm } = this.#voter
    if (this.#raisingIn === view.term) return true
    const shown = members()
    const levelOf = (id: VoterId): number | undefined =>
      raisesLevelAlone ? levels.own : shown.find((member) => member.id === id)?.level
    const level = nextLevel({ self: self.id, view, appliedTerm, agreed: machine.level, levelOf }, levels)
    if (level === undefined) return false
    this.#raisingIn = view.term
    this.#voter.submit({ type: 'agree-level', level }, () => {
      if (this.#raisingIn === view.term) this.#raisingIn = undefined
    })
    return true
  }
}
