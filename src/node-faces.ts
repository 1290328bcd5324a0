// The public faces of a node's features, as fields of the node: each is its feature's own, and only handed on here.

import type { Channel } from './channels/channel.ts'
import { countersOf } from './coordination/counters.ts'
import type { DataFaces } from './coordination/replicated-data.ts'
import type { FederationView } from './federation/federation.ts'
import type { MergeOptions, MergeReport } from './merging/merge-interface.ts'
import type { NodeTopology, TrellisNode } from './node-interface.ts'
import type { NodeFeatures } from './node-parts.ts'
import type { Counters } from './runtime/counters.ts'
import type { Services } from './services/service-interface.ts'

export abstract class NodeFaces {
  /** What the node is made of; there when the constructor is through. */
  protected abstract readonly features: NodeFeatures
  /** This process's own counts. */
  protected abstract readonly counts: Counters
  #counters: TrellisNode['counters'] | undefined

  channel = (name: string): Channel => this.features.channels.channel(name)

  get topology(): NodeTopology {
    return this.features.topology
  }

  get config(): DataFaces['config'] {
    return this.features.data.config
  }

  get services(): Services {
    return this.features.services
  }

  federation = (): FederationView => this.features.federation.view()

  /** Why its providers of peers may have found nobody. */
  troubles = (): ReturnType<NodeFeatures['seeds']['troubles']> => this.features.seeds.troubles()

  get locks(): DataFaces['locks'] {
    return this.features.data.locks
  }

  get semaphores(): DataFaces['semaphores'] {
    return this.features.data.semaphores
  }

  get elections(): DataFaces['elections'] {
    return this.features.data.elections
  }

  get barriers(): DataFaces['barriers'] {
    return this.features.data.barriers
  }

  get leadership(): DataFaces['leadership'] {
    return this.features.data.leadership
  }

  merge(address: string, options?: MergeOptions): Promise<MergeReport> {
    return this.features.merging.merge(address, options)
  }

  get backup(): DataFaces['backup'] {
    return this.features.data.backup
  }

  get singletons(): DataFaces['singletons'] {
    return this.features.data.singletons
  }

  get counters(): TrellisNode['counters'] {
    this.#counters ??= countersOf(() => this.counts.snapshot(), this.features.data.counters)
    return this.#counters
  }
}
