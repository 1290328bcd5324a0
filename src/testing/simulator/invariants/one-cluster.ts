// Nodes started with one list make one cluster (design rule 2). A founder may start with a set that the others gave up:
// such a set never comes alive, for it lacks a majority of its voters. So: of all sets at most one is ever alive, and
// whoever starts with a set sees the same voters in it, with the logs they really have.

import type { FormingEvent } from '../../../../topology/index.ts'
import { check } from '../failure.ts'

type Formed = Extract<FormingEvent, { type: 'formed' }>

interface Cluster {
  readonly event: Formed
  /** Voters that ever started with it. */
  readonly starters: Set<string>
}

export class OneCluster {
  readonly #clusters = new Map<string, Cluster>()
  #alive: Cluster | undefined

  /** Ids of the voters of the one cluster that is alive; empty before there is one. */
  get voters(): readonly string[] {
    return this.#alive?.event.voters ?? []
  }

  /** Whether this is the one cluster that is alive. */
  isOf(clusterId: string | undefined): boolean {
    return clusterId !== undefined && clusterId === this.#alive?.event.clusterId
  }

  /**
   * Founders started with different sets, none of which has come alive: only one `expect` of all nodes excludes that.
   */
  get isJammed(): boolean {
    return this.#alive === undefined && this.#clusters.size > 1
  }

  started(id: string, event: Formed): void {
    let cluster = this.#clusters.get(event.clusterId)
    if (cluster === undefined) {
      cluster = { event, starters: new Set() }
      this.#clusters.set(event.clusterId, cluster)
    }
    check(
      textOf(cluster.event) === textOf(event),
      'one-cluster',
      () => `${id} starts ${event.clusterId} with ${textOf(event)}, others with ${textOf(cluster.event)}`,
    )
    if (event.voters.includes(id)) cluster.starters.add(id)
    if (cluster === this.#alive || cluster.starters.size * 2 <= event.voters.length) return
    check(
      this.#alive === undefined,
      'one-cluster',
      () => `${event.clusterId} comes alive beside ${this.#alive?.event.clusterId}`,
    )
    this.#alive = cluster
  }
}

function textOf(event: Formed): string {
  return `${event.voters.join(' ')} out of ${event.founders.map(({ id, storeId }) => `${id}/${storeId}`).join(' ')}`
}
