// What must hold in every simulated switch, checked as it happens and once all is quiet.

import type { ClusterReply, TopologyEpochState } from '../../../../consensus/index.ts'
import type { ClusterCommand } from '../../../../consensus/machines/commands.ts'
import type { SimulatedMember } from './member.ts'

/** What the invariants see of the world. */
export interface SwitchingFacts {
  readonly machine: { readonly topology: TopologyEpochState }
  readonly members: ReadonlyMap<string, SimulatedMember>
}

export class SwitchingOracle {
  readonly #facts: SwitchingFacts
  /** The name agreed on, by epoch. */
  readonly #agreed = new Map<number, string>([[0, 'full-mesh']])
  /** By message: how often it was delivered. */
  readonly #delivered = new Map<string, number>()
  readonly #sent = new Set<string>()
  readonly #acknowledged = new Set<string>()
  /** By stream and key: the number of the last one delivered. */
  readonly #last = new Map<string, number>()
  outcomes = { committed: 0, aborted: 0 }

  constructor(facts: SwitchingFacts) {
    this.#facts = facts
  }

  get acknowledgedCount(): number {
    return this.#acknowledged.size
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

  sent(text: string): void {
    this.#sent.add(text)
  }

  delivered(id: string, generation: number, text: string, key: string): void {
    const count = (this.#delivered.get(text) ?? 0) + 1
    this.#delivered.set(text, count)
    check(count === 1, `'${text}' was delivered ${count} times`)
    const [source = ''] = text.split(' ')
    const stream = `${source} ${id}.${generation} ${key}`
    const number = Number(text.split(' ').at(-1))
    check(number > (this.#last.get(stream) ?? 0), `'${text}' was delivered after a later one`)
    this.#last.set(stream, number)
  }

  acknowledged(text: string): void {
    this.#acknowledged.add(text)
    check(this.#delivered.get(text) === 1, `'${text}' was acknowledged and not delivered`)
  }

  failed(_text: string): void {
    // Its end went down or away: the caller is told so.
  }

  /** All faults are over for a while. */
  quiet(): void {
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

/** Thrown by an invariant that does not hold. */
export class SwitchingFailure extends Error {
  override readonly name = 'SwitchingFailure'
}

function check(condition: boolean, text: string): void {
  if (!condition) throw new SwitchingFailure(text)
}
