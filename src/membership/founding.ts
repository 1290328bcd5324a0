// The formation of a fresh node, put together: how many found with it, what must be on disk before it speaks, and what
// comes of it (design rule 2).

import type { FormingEvent, FormingState } from '../../topology/index.ts'
import type { Peers } from '../links/peers.ts'
import type { Toolbox } from '../runtime/toolbox.ts'
import type { Self } from '../self.ts'
import type { NodeStorage, StoredCluster } from '../storage/node-storage.ts'
import { Formation } from './formation.ts'
import type { RememberedPeers } from './remembered-peers.ts'

/** What the founders agreed on; `voters` with what is known of each. */
export interface Founded extends Pick<StoredCluster, 'clusterId' | 'voters'> {
  readonly set: StoredCluster['founders']
}

export interface FoundingOptions {
  readonly self: Self
  readonly storage: NodeStorage
  readonly toolbox: Toolbox
  /** How many fresh nodes form; undefined: this one only joins. */
  readonly expect: number | undefined
  /** Where an earlier life of this node stopped. */
  readonly durable: FormingState
  readonly peers: Peers
  readonly remembered: RememberedPeers
  readonly nameOf: (id: string) => string
  readonly onFormed: (founded: Founded) => void
  /** It may be free of its promises now, and join another's cluster. */
  readonly onUnbound: () => void
  readonly onDiskFailure: (error: unknown) => void
}

/** Not started yet. Undefined for a node that only joins. */
export function founding(options: FoundingOptions): Formation | undefined {
  const { self, storage, toolbox, expect, durable, peers, remembered } = options
  const founders = durable.type === 'none' ? expect : durable.set.length
  if (founders === undefined) return undefined
  return new Formation({
    self,
    cluster: self.cluster,
    expect: founders,
    durable,
    links: peers.links,
    ...toolbox,
    write: async (state) => {
      if (state.type !== 'none') await remembered.meet(peers.companions(state.set))
      await storage.writeForming(state)
    },
    onEvent: (event) => formed(options, event),
    onDiskFailure: options.onDiskFailure,
  })
}

function formed({ toolbox, nameOf, onFormed, onUnbound }: FoundingOptions, event: FormingEvent): void {
  if (event.type === 'formed') {
    const voters = event.founders.filter(({ id }) => event.voters.includes(id))
    onFormed({ clusterId: event.clusterId, set: event.set, voters })
  } else if (event.type === 'mismatch') {
    const { peer, expect } = event
    toolbox.logger.warn('a fresh node expects another number of founders', { peer: nameOf(peer), expect })
  } else if (event.type === 'dropped') {
    toolbox.counters.add(`forming-${event.reason}`)
  } else {
    onUnbound()
  }
}
