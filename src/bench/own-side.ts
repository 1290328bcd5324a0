// Our own log, for the comparison: three members, each a voter, with the defaults. The library is embedded, so whoever
// calls lives in a member's process.

import { systemClock } from '../runtime/clock.ts'
import type { ClusterProcess } from '../testing/process-member.ts'
import type { ProcessCluster } from '../testing/processes.ts'
import { pause } from '../wait.ts'
import { patience } from './cluster.ts'
import { startDataMembers, tell, wroteAt } from './data-members.ts'
import type { DataWork } from './data-work.ts'
import type { Load, LoadReport } from './load.ts'
import { residentMb } from './process-memory.ts'
import { clock } from './recorded.ts'
import type { Place, StoreSide, StoreSideOptions } from './store-side.ts'

export class OwnSide implements StoreSide {
  readonly #cluster: ProcessCluster

  private constructor(cluster: ProcessCluster) {
    this.#cluster = cluster
  }

  static async start({ prefix }: StoreSideOptions): Promise<OwnSide> {
    return new OwnSide(await startDataMembers(3, prefix))
  }

  async load(place: Place, load: Load): Promise<LoadReport> {
    const { leader } = await this.#cluster.ready(patience)
    const node = place === 'leader' ? leader : this.#others(leader)[0]!
    return (await this.#tell(node, { work: 'load', ...load })) as LoadReport
  }

  async killLeader(): Promise<number> {
    const { leader } = await this.#cluster.ready(patience)
    const others = this.#others(leader)
    const from = clock()
    const killed = leader.kill()
    const ms = await Promise.race(
      others.map((node) => this.#tell(node, { work: 'first-write', from }) as Promise<number>),
    )
    await killed
    await leader.restart()
    await this.#cluster.ready(patience)
    return ms
  }

  async transfer(): Promise<number> {
    const { leader } = await this.#cluster.ready(patience)
    const [to, other] = this.#others(leader)
    return (await this.#tell(other!, { work: 'transfer', to: to!.name })) as number
  }

  async coldStart(): Promise<number> {
    const { nodes } = this.#cluster
    await this.#cluster.ready(patience)
    await Promise.all(nodes.map((node) => node.kill()))
    const from = clock()
    await Promise.all(nodes.map((node) => node.restart()))
    const written = (): number[] => nodes.flatMap((node) => wroteAt(node) ?? [])
    await this.#cluster.until('somebody has written', () => written().length > 0, patience)
    await this.#cluster.ready(patience)
    return Math.min(...written()) - from
  }

  async healedLink(cutMs: number): Promise<number> {
    const { leader } = await this.#cluster.ready(patience)
    const others = this.#others(leader)
    const [other] = others
    await this.#cluster.partition([leader], others)
    await pause(systemClock, cutMs)
    await this.#tell(other!, { work: 'first-write', from: 0 })
    const value = Math.random()
    await other!.ask('/v1/config/healed', { method: 'PUT', body: { value } }, patience.timeoutMs)
    const from = clock()
    await this.#cluster.heal()
    for (;;) {
      const found = await leader.ask('/v1/config/healed?consistency=stale').catch(() => undefined)
      if ((found as { value?: number } | undefined)?.value === value) return clock() - from
    }
  }

  async memory(): Promise<readonly number[]> {
    return Promise.all(this.#cluster.nodes.map(({ pid }) => residentMb(pid)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster[Symbol.asyncDispose]()
  }

  #others(leader: ClusterProcess): ClusterProcess[] {
    return this.#cluster.nodes.filter((node) => node !== leader)
  }

  #tell(node: ClusterProcess, work: DataWork): Promise<unknown> {
    return tell(this.#cluster, node, work)
  }
}
