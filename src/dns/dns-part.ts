// The DNS answers of a node as one of its parts: they begin before the node does, so that a port in use keeps it from
// starting.

import type { NodeContext, NodePart } from '../node-part.ts'
import type { LocalServices } from '../services/services.ts'
import type { DnsServer } from './dns-server.ts'
import type { ZoneFacts } from './zone.ts'

export class DnsPart implements NodePart {
  readonly #context: NodeContext
  readonly #services: Pick<LocalServices, 'find' | 'names'>
  #server: DnsServer | undefined

  constructor(context: NodeContext, services: Pick<LocalServices, 'find' | 'names'>) {
    this.#context = context
    this.#services = services
  }

  /** Rejects with `ERR_ADDRESS_IN_USE` or `ERR_ADDRESS_UNUSABLE`. */
  async start(): Promise<void> {
    const { options, toolbox, members } = this.#context
    if (options.dns === undefined) return
    const facts: ZoneFacts = {
      members,
      names: () => this.#services.names(),
      find: (query) => this.#services.find(query),
    }
    // With what reads and writes DNS it would be a twentieth of what each process loads.
    const { startDns } = await import('./dns-server.ts')
    this.#server = await startDns(options.dns, facts, (reason) => toolbox.counters.add(reason))
    toolbox.logger.info('answering DNS', { address: this.#server.address })
  }

  async close(): Promise<void> {
    await this.#server?.close()
  }
}
