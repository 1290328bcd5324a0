// One seed draws everything about a run before it begins: how many nodes, how fast the network, which faults at which
// rates. Each fault is left out of some runs altogether, for a fault that is always there hides what happens without it
// (swarm testing: Groce et al., ISSTA 2012).

import type { RaftOptions } from '../../../consensus/index.ts'
import type { FormingOptions } from '../../../topology/index.ts'
import { MAX_RATE_ERROR } from './clock.ts'
import type { DiskFaults } from './disk.ts'
import type { NetworkFaults } from './network.ts'
import { Prng } from './random.ts'

/** Largest simulated cluster: five voters and four plain members. */
export const MAX_NODES = 9

/** What can be done to the simulated world. `faults.ts` says what each one does. */
export type FaultKind =
  | 'kill'
  | 'power-loss'
  | 'kill-all'
  | 'leave'
  | 'stop-process'
  | 'suspend-machine'
  | 'isolate'
  | 'cut-one-way'
  | 'partition-two'
  | 'partition-three'
  | 'heal'
  | 'break-link'
  | 'jump-wall-clock'
  | 'change-clock-rate'

export interface Scenario {
  readonly seed: number
  readonly nodes: number
  /** How many of them must find each other to form the cluster: more than half, so that only one can form. */
  readonly expect: number
  readonly profile: 'local' | 'lan' | 'wan'
  /** How long faults last; then they stop and the cluster must heal. Milliseconds of true time, like all below. */
  readonly chaosMs: number
  /** After the faults stopped, everything the liveness phase demands must hold within this time. */
  readonly healMs: number
  readonly network: NetworkFaults
  readonly disk: DiskFaults
  /** How fast each machine's monotonic clock runs at first. */
  readonly clockRates: readonly number[]
  readonly wallOffsetsMs: readonly number[]
  /** When each node starts for the first time. */
  readonly startsAtMs: readonly number[]
  /** Mean time between two faults; the faults and how likely each is. */
  readonly faultEveryMs: number
  readonly faultWeights: readonly (readonly [kind: FaultKind, weight: number])[]
  /** Mean time that a fault lasts. */
  readonly faultLastsMs: number
  /** Chance that a cut answers like a closed port instead of saying nothing. */
  readonly rejectingCuts: number
  /** The network is divided when the first node starts. */
  readonly startsDivided: boolean
  /** Chance that a fault is aimed at the leader or the host of S5. */
  readonly aimsAtLeader: number
  /** What each core is tuned with, over its preset: batches and waits that make rare orders common. */
  readonly raft: Partial<RaftOptions>
  readonly forming: Partial<FormingOptions>
  /** Mean time between two commands. */
  readonly commandEveryMs: number
}

const FAULT_KINDS: readonly (readonly [FaultKind, weight: number])[] = [
  ['kill', 4],
  ['power-loss', 3],
  ['kill-all', 1],
  ['leave', 1],
  ['stop-process', 3],
  ['suspend-machine', 2],
  ['isolate', 3],
  ['cut-one-way', 3],
  ['partition-two', 3],
  ['partition-three', 1],
  ['heal', 5],
  ['break-link', 3],
  ['jump-wall-clock', 1],
  ['change-clock-rate', 1],
]

/** Mostly what people run: three and five. One and even numbers have their own mistakes. */
const SIZES = [1, 2, 3, 3, 3, 3, 4, 4, 5, 5, 5, 5, 6, 7, 8, 9]

/** Everything that `seed` says about a run. */
export function drawScenario(seed: number): Scenario {
  const random = new Prng(seed, 'scenario')
  const nodes = random.pick(SIZES)
  const profile = random.pick(['local', 'lan', 'lan', 'lan', 'wan'] as const)
  const perNode = <T>(draw: () => T): T[] => Array.from({ length: nodes }, draw)
  const drifts = random.chance(0.6)
  const startsTogether = random.chance(0.5)
  return {
    seed,
    nodes,
    expect: random.chance(0.5) ? nodes : Math.floor(nodes / 2) + 1 + random.integer(Math.ceil(nodes / 2)),
    profile,
    chaosMs: random.between(10_000, 60_000),
    healMs: profile === 'wan' ? 30_000 : 15_000,
    network: drawNetwork(random, profile),
    disk: drawDisk(random),
    clockRates: perNode(() => (drifts ? 1 + random.between(-MAX_RATE_ERROR, MAX_RATE_ERROR) : 1)),
    wallOffsetsMs: perNode(() => (random.chance(0.3) ? random.between(-60_000, 60_000) : 0)),
    startsAtMs: perNode(() => random.between(0, startsTogether ? 50 : 4_000)),
    ...drawFaults(random),
    raft:
      profile === 'wan'
        ? {}
        : { maxEntriesPerAppend: random.pick([1, 2, 64]), maxInflightAppends: random.pick([4, 16]) },
    forming: random.chance(0.5)
      ? {}
      : {
          stableMs: random.pick([0, 50, 250]),
          candidateIntervalMs: random.pick([20, 100]),
          formTimeoutMs: random.pick([300, 1_000, 5_000]),
        },
    commandEveryMs: random.pick([20, 100, 500]),
  }
}

type Faultiness = Pick<
  Scenario,
  'faultEveryMs' | 'faultWeights' | 'faultLastsMs' | 'rejectingCuts' | 'startsDivided' | 'aimsAtLeader'
>

function drawFaults(random: Prng): Faultiness {
  const isCalm = random.chance(0.05)
  return {
    faultEveryMs: isCalm ? Number.POSITIVE_INFINITY : random.pick([100, 300, 1_000, 3_000]),
    faultWeights: FAULT_KINDS.filter(() => random.chance(0.6)),
    faultLastsMs: random.pick([200, 800, 2_000, 6_000]),
    rejectingCuts: random.pick([0, 0.5, 1]),
    startsDivided: random.chance(0.3),
    aimsAtLeader: random.pick([0, 0.3, 0.7]),
  }
}

function drawNetwork(random: Prng, profile: Scenario['profile']): NetworkFaults {
  const isLossy = random.chance(0.3)
  const reorders = random.chance(0.3)
  return {
    latencyMs: profile === 'wan' ? random.between(5, 60) : random.between(0.05, 2),
    jitterMs: profile === 'wan' ? random.between(0, 20) : random.between(0.05, 3),
    loss: isLossy ? random.between(0, 0.1) : 0,
    duplication: random.chance(0.3) ? random.between(0, 0.1) : 0,
    reordering: reorders ? random.between(0, 0.2) : 0,
    spike: random.chance(0.4) ? random.between(0, 0.03) : 0,
    spikeMs: random.pick([20, 200, 2_000]),
    holdsDuringCut: random.chance(0.5),
    linkTimeoutMs: random.pick([2_000, 6_000, 20_000]),
    dialTimeoutMs: random.pick([500, 1_000, 3_000]),
  }
}

function drawDisk(random: Prng): DiskFaults {
  return {
    flushMs: random.pick([0.05, 0.5, 4]),
    flushJitterMs: random.pick([0.1, 2, 20]),
    hang: random.chance(0.3) ? random.between(0, 0.005) : 0,
    hangMs: random.pick([100, 1_000, 3_000]),
  }
}

/** The same world with the faults of its network and disks switched off, for the liveness phase. */
export function calmNetwork(network: NetworkFaults): void {
  network.loss = 0
  network.duplication = 0
  network.reordering = 0
  network.spike = 0
}
