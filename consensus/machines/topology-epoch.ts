// Which topology the cluster has agreed on. Each committed switch raises the epoch by one; so far there is one topology
// and no command to switch, so the epoch is the one every cluster starts with.

export interface TopologyEpochState {
  /** Number of committed switches. */
  readonly epoch: number
  readonly name: string
}

/** What a new cluster starts with. */
export const firstTopology: TopologyEpochState = Object.freeze({ epoch: 0, name: 'full-mesh' })

export class TopologyEpoch {
  #current = firstTopology

  get current(): TopologyEpochState {
    return this.#current
  }

  restore(state: TopologyEpochState): void {
    this.#current = Object.freeze({ epoch: state.epoch, name: state.name })
  }
}
