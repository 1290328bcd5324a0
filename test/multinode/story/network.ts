// The network between the members of a story, and its weather: directions that are cut, loss, delay. Between OS
// processes on one machine the members cut themselves off, on request; what cannot be done there says why.

import type { ClusterProcess } from '../../../src/testing/process-member.ts'
import type { ProcessCluster, ProcessHost } from '../../../src/testing/processes.ts'

/** One direction between two members. */
export interface Way {
  readonly from: ClusterProcess
  readonly to: ClusterProcess
}

/** All that is wrong with the network; what is left out is nothing. */
export interface Weather {
  readonly cuts?: readonly Way[]
  /** Of a hundred packets that the member sends or is sent, so many are lost, each way. */
  readonly loss?: { readonly node: ClusterProcess; readonly percent: number }
  /** Every packet that the member sends or is sent comes so much later. */
  readonly delay?: { readonly node: ClusterProcess; readonly ms: number }
}

/** A process that was just started on a busy machine takes its time. */
const setWithinMs = 300_000

/** `long cuts`: such that TCP waits long before it tries again. */
export type Hardship = 'cuts' | 'long cuts' | 'loss' | 'delay'

export interface Network extends AsyncDisposable {
  readonly name: string
  /** Where the processes run; undefined: all in the machine's own network. */
  readonly hosts: readonly ProcessHost[] | undefined
  /** Why it cannot do this; undefined when it can. */
  cannot(hardship: Hardship): string | undefined
  /** Replaces the weather. */
  set(cluster: ProcessCluster, weather: Weather): Promise<void>
}

/** OS processes on loopback, which suffer cuts on request. */
export const processNetwork: Network = {
  name: 'processes',
  hosts: undefined,
  cannot: (hardship) => (hardship === 'cuts' ? undefined : `${hardship}: only in network namespaces`),
  set: async (cluster, { cuts = [] }) => {
    const blockedBy = (node: ClusterProcess): string[] =>
      cuts.filter(({ from }) => from === node).map(({ to }) => to.name)
    // One that has just been started does not answer yet.
    const set = (node: ClusterProcess) => () => node.faults.set({ block: blockedBy(node), direction: 'out' })
    await Promise.all(
      cluster.running.map((node) => cluster.until(`the cuts of ${node.name}`, set(node), { timeoutMs: setWithinMs })),
    )
  },
  [Symbol.asyncDispose]: async () => {},
}

/** Every direction between members of different sides. */
export function between(sides: readonly (readonly ClusterProcess[])[]): Way[] {
  return sides.flatMap((side, at) =>
    side.flatMap((from) => sides.flatMap((other, place) => (place === at ? [] : other.map((to) => ({ from, to }))))),
  )
}
