// Faults on request: what `POST /v1/faults` and `node.faults` do to a node that was started with `allowFaults`. Links
// to named members are cut in one or both directions, as a network would cut them: nothing is lost that TCP would not
// lose, all comes late; and the event loop can be made to stand still. One set of faults holds at a time, by names, so
// that a member that comes back under another id is cut off as before. Loud: each change is a warning in the log.

import { ClusterError } from '../errors.ts'
import type { FaultRequest, Faults, FaultsView } from '../node-interface.ts'
import type { NodeContext, NodePart } from '../node-part.ts'
import type { Timer } from '../runtime/clock.ts'
import type { NetworkFaults } from '../transport/faulty.ts'
import { parseFaultRequest } from './fault-request.ts'

/** The event loop stands still so long after the request, that its answer has left. */
const STALL_AFTER_MS = 20

const none: FaultsView = Object.freeze({ block: Object.freeze([]), direction: 'both', stallMs: 0 })

export class RequestedFaults implements Faults, NodePart {
  readonly #context: NodeContext
  readonly #network: NetworkFaults | undefined
  #current = none
  /** Directions that are cut: `from` and `to` by id. */
  readonly #cuts = new Map<string, { readonly from: string; readonly to: string }>()
  #stall: Timer | undefined

  /** `network`: what the node's transport obeys; undefined when faults are not allowed. */
  constructor(context: NodeContext, network: NetworkFaults | undefined) {
    this.#context = context
    this.#network = network
    if (network) context.options.logger.warn('faults are allowed: whoever may use the admin API can cut off this node')
  }

  get isAllowed(): boolean {
    return this.#network !== undefined
  }

  set(request: FaultRequest): FaultsView {
    this.#requireAllowed()
    return this.#replace(this.#known(parseFaultRequest(request)))
  }

  clear(): FaultsView {
    this.#requireAllowed()
    return this.#replace(none)
  }

  current(): FaultsView {
    return this.#current
  }

  /** A blocked name may have got another id. */
  member(): void {
    if (this.#current.block.length > 0) this.#cutOff()
  }

  close(): void {
    this.#stall?.[Symbol.dispose]()
  }

  #requireAllowed(): void {
    if (this.#network) return
    throw new ClusterError('ERR_FAULTS_NOT_ALLOWED', 'this node was not started with --allow-faults', {})
  }

  /** The same with names for whatever was given, each once. */
  #known({ block, ...rest }: FaultsView): FaultsView {
    const { self, members } = this.#context
    const names = block.map((given) => {
      const member = members().find(({ id, name }) => name === given || id === given)
      if (!member) throw new ClusterError('ERR_UNKNOWN_MEMBER', `no member is called '${given}'`, { member: given })
      if (member.id !== self.id) return member.name
      const problem = `'${given}' is this node itself, which has no link to itself`
      throw new ClusterError('ERR_BAD_REQUEST', problem, { problem })
    })
    return Object.freeze({ ...rest, block: Object.freeze([...new Set(names)]) })
  }

  #replace(faults: FaultsView): FaultsView {
    this.#stall?.[Symbol.dispose]()
    this.#current = faults
    this.#cutOff()
    if (faults.stallMs > 0)
      this.#stall = this.#context.toolbox.clock.setTimeout(() => this.#standStill(faults), STALL_AFTER_MS)
    this.#context.options.logger.warn('faults were requested', { ...faults })
    return faults
  }

  /** New cuts first: what stays cut is never whole in between. */
  #cutOff(): void {
    const { self, members } = this.#context
    const { block, direction } = this.#current
    const wanted = new Map<string, { readonly from: string; readonly to: string }>()
    for (const { id, name } of members()) {
      if (!block.includes(name) || id === self.id) continue
      if (direction !== 'in') wanted.set(`to ${id}`, { from: self.id, to: id })
      if (direction !== 'out') wanted.set(`from ${id}`, { from: id, to: self.id })
    }
    for (const [key, { from, to }] of wanted) {
      if (!this.#cuts.has(key)) this.#network?.cut(from, to)
      this.#cuts.set(key, { from, to })
    }
    for (const [key, { from, to }] of [...this.#cuts]) {
      if (wanted.has(key)) continue
      this.#cuts.delete(key)
      this.#network?.restore(from, to)
    }
  }

  #standStill({ stallMs }: FaultsView): void {
    this.#current = Object.freeze({ ...this.#current, stallMs: 0 })
    this.#context.world.standStill(stallMs)
  }
}
