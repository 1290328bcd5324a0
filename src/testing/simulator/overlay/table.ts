// The figures of the papers beside those of the real cores: what `trellis simulate overlay --table` prints.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { createTestCluster } from '../../virtual/test-cluster.ts'
import { broadcastTree, type Formation, failAtOnce, form, graphFigures, type PaperSetup, worldOf } from './paper.ts'
import { LAN_LATENCY_MS, peerIdOf, reachEveryone } from './reach.ts'

/** One line: what was measured, what is published, what was found here. */
export interface TableRow {
  readonly measure: string
  readonly published: string
  readonly here: string
}

/**
 * Shares that fail at once, with the mean delivery and the healing rounds of the HyParView paper (sections 5.2 and
 * 5.3).
 */
const failures: readonly (readonly [share: number, delivery: string, rounds: string])[] = [
  [0.1, '~ 100 %', '1'],
  [0.2, '~ 100 %', '1'],
  [0.3, '~ 100 %', '1'],
  [0.4, '~ 100 %', '1'],
  [0.5, '~ 100 %', '1'],
  [0.6, '~ 100 %', '1'],
  [0.7, '~ 100 %', '2'],
  [0.8, '~ 100 %', '2'],
  [0.9, '~ 100 %', '4'],
  [0.95, '~ 91 %', ''],
]
const BROADCASTS = 100
const TREE_BROADCASTS = 20
/** A cluster that the goal for broadcasts is set for. */
const REACH_MEMBERS = 1_000
/** And one that the goal for switches is set for. */
const SWITCHED_MEMBERS = 100

/** The rows, each as soon as it is known. Ends early, between two experiments, when `signal` aborts. */
export async function* overlayTable(setup: PaperSetup, signal?: AbortSignal): AsyncGenerator<TableRow> {
  const formation = form(setup)
  // A smaller cluster of its own: with as many members as the goal speaks of.
  const reachable = form({ ...setup, members: Math.min(setup.members, REACH_MEMBERS), nameOf: peerIdOf })
  const experiments = [
    () => graphRows(formation),
    ...failures.map(
      ([share, delivery, rounds]) =>
        () =>
          failureRows(formation, share, delivery, rounds),
    ),
    () => treeRows(formation, 'one'),
    () => treeRows(formation, 'many'),
    () => reachRows(reachable, 0),
    () => reachRows(reachable, 0.1),
    () => switchRows(setup),
  ]
  for (const experiment of experiments) {
    // Lets signals through.
    await nextTurn()
    if (signal?.aborted) return
    yield* await experiment()
  }
}

function graphRows(formation: Formation): TableRow[] {
  const figures = graphFigures(worldOf(formation))
  const members = formation.members.length
  const degrees = [...figures.inDegrees].map(([degree, count]) => `${degree}: ${count}`).join(', ')
  return [
    { measure: 'members by in-degree', published: 'almost all 5', here: degrees },
    { measure: 'members cut off, one-sided links', published: '0, 0', here: `${figures.cutOff}, ${figures.oneSided}` },
    {
      measure: 'clustering coefficient',
      published: `${(4 / (members - 1)).toFixed(5)} (random graph of degree 5)`,
      here: figures.clustering.toFixed(5),
    },
    {
      measure: 'mean of shortest ways, longest, hops',
      published: `${(Math.log(members) / Math.log(4)).toFixed(2)} (random graph of degree 5)`,
      here: `${figures.meanPath.toFixed(2)}, ${figures.longestPath}`,
    },
  ]
}

function failureRows(formation: Formation, share: number, delivery: string, rounds: string): TableRow[] {
  const { first, firstTen, later, healingRounds } = failAtOnce(formation, share, BROADCASTS)
  const what = `${percent(share, 0)} fail at once`
  return [
    { measure: `${what}: delivery of broadcasts 11 to ${BROADCASTS}`, published: delivery, here: percent(later) },
    {
      measure: `${what}: of the first, of the first ten`,
      published: '',
      here: `${percent(first)}, ${percent(firstTen)}`,
    },
    { measure: `${what}: rounds until healed`, published: rounds, here: healingRounds?.toString() ?? 'more than 30' },
  ]
}

function treeRows(formation: Formation, senders: 'one' | 'many'): TableRow[] {
  const { firstRedundancy, steadyRedundancy, lastHops, delivered } = broadcastTree(formation, TREE_BROADCASTS, senders)
  const what = `Plumtree, ${senders === 'one' ? 'one sender' : 'many senders'}`
  return [
    {
      measure: `${what}: relative message redundancy, first and steady`,
      published: 'fanout - 2, then ~ 0',
      here: `${firstRedundancy.toFixed(3)}, ${steadyRedundancy.toFixed(3)}`,
    },
    {
      measure: `${what}: last delivery, hops; delivered`,
      published: '',
      here: `${lastHops.toFixed(1)}; ${percent(delivered, 2)}`,
    },
  ]
}

function reachRows(formation: Formation, failing: number): TableRow[] {
  const { slowestMs, medianMs, reached, bytesPerMember, idleBytesPerSecond } = reachEveryone(formation, failing)
  const [least, most] = LAN_LATENCY_MS
  const what = `broadcast to ${formation.members.length}, ${least} to ${most} ms one way${failing > 0 ? `, ${percent(failing, 0)} dying meanwhile` : ''}`
  return [
    {
      measure: `${what}: 99.99 % reached, slowest and median of 20`,
      published: '2200 ms (goal)',
      here: `${Math.round(slowestMs)} ms, ${Math.round(medianMs)} ms; ${percent(reached, 2)} at the end`,
    },
    {
      measure: `${what}: bytes per member for 256 B, idle a second`,
      published: '',
      here: `${Math.round(bytesPerMember)}, ${Math.round(idleBytesPerSecond)}`,
    },
  ]
}

/** Whole nodes: everything that a node is made of, in virtual time. */
async function switchRows({ members, seed }: PaperSetup): Promise<TableRow[]> {
  const size = Math.min(members, SWITCHED_MEMBERS)
  await using cluster = await createTestCluster(size, { seed, expect: Math.min(size, 5), timeoutMs: 600_000 })
  const rows: TableRow[] = []
  let from = 'full-mesh'
  for (const to of ['hyparview', 'client-server', 'full-mesh', 'client-server', 'hyparview', 'full-mesh']) {
    const { outcome, durationMs } = await cluster.nodes[0]!.topology.switch(to)
    const measure = `switch of ${size} whole nodes, 1 ms one way: ${from} to ${to}`
    rows.push({ measure, published: '5000 ms (goal)', here: `${durationMs} ms, ${outcome}` })
    from = to
    await cluster.advance(10_000)
  }
  return rows
}

function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`
}
