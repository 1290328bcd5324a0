// What must hold in every simulated switch, checked as it happens and once all is quiet.

import type { ClusterReply, TopologyEpochState } from '../../../../consensus/index.ts'
import type { ClusterCommand } from '../../../../consensus/machines/commands.ts'
import { SwitchingFailure } from './failure.ts'
import type { SimulatedMember } from './member.ts'
import { MessageOracle } from './message-oracle.ts'

/** What the invariants see of the world. */
export interface SwitchingFacts {
  readonly machine: { readonly topology: TopologyEpochState }
  readonly members: ReadonlyMap<string, SimulatedMember>
}

export class SwitchingOracle {
  readonly #facts: SwitchingFacts
  /** The name agreed on, by epoch. */
  readonly #agreed = new Map<number, string>([[0, 'full-mesh']])
  /** What becomes of the messages that members send meanwhile. */
  readonly messages = new MessageOracle()
  outcomes = { committed: 0, aborted: 0 }

  constructor(facts: SwitchingFacts) {
    this.#facts = facts
  }

  /** An entry was applied. */
  applied(command: ClusterCommand, reply: ClusterReply, before: TopologyEpochState): void {
    if (reply.type !== 'ok') return
    if (command.type === 'abort-topology') this.outcomes.aborted += 1
    if (command.type !== 'commit-topology') return
    this.outcomes.committed += 1
    const { epoch, name } = this.#facts.machine.topology
    this.#agreed.set(epoch, name)
    for (const id of before.proposal?.required ?? []) {
      const member = this.#facts.members.get(id)
      if (member?.isRunning && member.state === 'alive' && !this.#hasBeenAway(member))
        check(member.hasFormed(epoch), `epoch ${epoch} was committed before ${id} had its new links`)
    }
  }

  /** A member routes by an overlay from now on. */
  used(id: string, epoch: number, name: string): void {
    check(this.#agreed.get(epoch) === name, `${id} uses ${name} in epoch ${epoch}, which was not agreed on`)
  }

  /** A member lets go of an overlay: what began by an entry of the log is not given up before one has ended it. */
  closed(id: string, epoch: number, name: string, openedFor: number): void {
    const { epoch: now, proposal } = this.#facts.machine.topology
    const isUnderWay = proposal?.index === openedFor && proposal.required.includes(id)
    check(!isUnderWay, `${id} gave up ${name} of epoch ${epoch} while its switch is under way`)
    check(epoch !== now || this.#agreed.get(now) !== name, `${id} closed ${name} of epoch ${epoch}, which is agreed on`)
  }

  /** All faults are over for a while. */
  quiet(): void {
    this.messages.quiet()
    const { epoch, name, proposal } = this.#facts.machine.topology
    check(proposal === undefined, `the switch to ${proposal?.to} never ended`)
    for (const member of this.#facts.members.values()) {
      const { current, phase } = member.member
      const stands = `${member.id} is at ${current.name} ${current.epoch}, ${phase}, with ${member.open().join(' and ')}`
      check(current.epoch === epoch && current.name === name, `${stands}; agreed is ${name} ${epoch}`)
      check(phase === 'stable' && member.open().length === 1, stands)
    }
  }

  /** It restarted in the middle: it is required no more in this life, or adopts late. */
  #hasBeenAway(member: SimulatedMember): boolean {
    return member.generation > 1
  }
}

function check(condition: boolean, text: string): void {
  if (!condition) throw new SwitchingFailure(text)
}
