// Names of members, each bound to one id: a binding is made once, needs a quorum, and moves only from a
// holder that the proposing leader saw `left` or `down`.

import type { VoterId } from '../types.ts'
import type { ClusterCommand, ClusterReply } from './commands.ts'

export interface NamesBounds {
  /** Bindings at most. A cluster has 1,000 members; the rest is room for names that moved on. */
  readonly maxNames: number
  /** UTF-16 units in a name or an id at most. */
  readonly maxNameLength: number
}

type BindName = Extract<ClusterCommand, { type: 'bind-name' }>
type Refusal = Exclude<ClusterReply, { type: 'ok' }>

export class Names {
  readonly #bounds: NamesBounds
  #holders = new Map<string, VoterId>()

  constructor(bounds: NamesBounds) {
    this.#bounds = bounds
  }

  /** Why the binding cannot be made, or undefined when it has been. */
  bind({ name, id, replaces }: BindName): Refusal | undefined {
    const holder = this.#holders.get(name)
    if (holder === id) return undefined
    if (holder !== undefined && holder !== replaces) return { type: 'name-taken', name, holder }
    const { maxNames, maxNameLength } = this.#bounds
    if (name.length === 0 || name.length > maxNameLength || id.length > maxNameLength)
      return { type: 'refused', reason: 'name-length' }
    if (holder === undefined && this.#holders.size >= maxNames) return { type: 'refused', reason: 'too-many-names' }
    this.#holders.set(name, id)
    return undefined
  }

  /** The id that `name` is bound to. */
  holder(name: string): VoterId | undefined {
    return this.#holders.get(name)
  }

  /** All bindings, oldest first. */
  entries(): [name: string, id: VoterId][] {
    return [...this.#holders]
  }

  restore(entries: readonly (readonly [name: string, id: VoterId])[]): void {
    this.#holders = new Map(entries)
  }
}
