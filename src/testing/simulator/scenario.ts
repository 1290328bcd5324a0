// One seed draws everything about a run before it begins: how many nodes, how fast the network, which faults at which
// rates. Each fault is left out of some runs altogether, for a fault that is always there hides what happens without it
// (swarm testing: Groce et al., ISSTA 2012).

import { defaultVoterPolicy, type RaftOptions, type VoterPolicyOptions } from '../../../consensus/index.ts'
import { type FormingOptions, swimPresets } from '../../../topology/index.ts'
import {
  drawChanges,
  drawLagging,
  drawReading,
  drawSnapshots,
  drawUpgrading,
  drawUsing,
  perNode,
} from './changing-worlds.ts'
import { MAX_RATE_ERROR } from './clock.ts'
import type { DiskFaults } from './disk.ts'
import { ALL_LEVELS } from './levels.ts'
import type { NetworkFaults } from './network.ts'
import { Prng } from './random.ts'

/** Largest simulated cluster: five voters and four plain members. */
export const MAX_NODES = 9

/** Three runs in four are about everything. */
const FOCUSES: readonly (Focus | undefined)[] = [
  'founding',
  'founding',
  'founding',
  'hosting',
  'electing',
  'changing',
  'changing',
  'reading',
  'lagging',
  'using',
  'upgrading',
  ...new Array<undefined>(15).fill(undefined),
]

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
  | 'swing-bridge'
  | 'slow-one-way'
  | 'heal'
  | 'break-link'
  | 'jump-wall-clock'
  | 'change-clock-rate'
  | 'change-voters'
  | 'transfer'
  | 'wipe-log'
  | 'upgrade'

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
  /** Chance that whoever begins to act as S5 is cut off a moment later, before the others know of it. */
  readonly strikesFreshHost: number
  /** Chance that whoever is elected is cut off before its first entry is everywhere. */
  readonly strikesFreshLeader: number
  /** Chance that a fault is aimed at the leader or the host of S5. */
  readonly aimsAtLeader: number
  /** What each core is tuned with, over its preset: batches and waits that make rare orders common. */
  readonly raft: Partial<RaftOptions>
  readonly forming: Partial<FormingOptions>
  /** Leaders choose voters as the policy has it, all the time; else only when the faults are over. */
  readonly choosesVoters: boolean
  readonly voters: VoterPolicyOptions
  /** Chance that a client reads instead of writing. */
  readonly reads: number
  /** Chance that it is a user of the replicated data who acts, and how many of them there are. */
  readonly usersAct: number
  readonly users: number
  /** The node of index 0 votes and never hosts S5. */
  readonly hasWitness: boolean
  /** The release that each node runs at first. */
  readonly levels: readonly number[]
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
  ['slow-one-way', 3],
  ['heal', 5],
  ['break-link', 3],
  ['jump-wall-clock', 1],
  ['change-clock-rate', 1],
  ['change-voters', 6],
  ['transfer', 3],
  ['wipe-log', 1],
  ['upgrade', 2],
]

/** Mostly what people run: three and five. One and even numbers have their own mistakes. */
const SIZES = [1, 2, 3, 3, 3, 3, 4, 4, 5, 5, 5, 5, 6, 7, 8, 9]

/** What befalls a cluster that is being founded. */
const STORM: Scenario['faultWeights'] = [
  ['swing-bridge', 6],
  ['kill', 2],
  ['power-loss', 2],
  ['cut-one-way', 1],
  ['heal', 1],
]

/** Full exchanges after which every pair of neighbors has had one that was not lost, but for one run in millions. */
const EXCHANGES_TO_HEAL = 10

/** What a run can be about, instead of everything at once. */
export type Focus =
  /** Faults come while the cluster is founded. */
  | 'founding'
  /** Whoever is elected is struck at once. */
  | 'electing'
  /** Whoever acts as S5 is struck at once. */
  | 'hosting'
  /** Voters are changed, over and over, while links and members fail. */
  | 'changing'
  /** Clients read, nearly all the time, while leaders come and go and answers are late. */
  | 'reading'
  /** Members are away for a while and need snapshots, in many pieces. */
  | 'lagging'
  /** Users use the replicated data, close together. */
  | 'using'
  /** Nodes get a later release, one after the other, some early and some late. */
  | 'upgrading'

/**
 * Everything that `seed` says about a run. `focus`: what it is about; default: drawn too, mostly nothing in particular.
 */
export function drawScenario(seed: number, focus?: Focus): Scenario {
  const scenario = drawFocused(seed, new Prng(seed, 'scenario'), focus)
  const maxEntriesPerStep = new Prng(seed, 'steps').pick([1, 2, 20, 512])
  const spareDelayMs = new Prng(seed, 'spares').pick([0, 2, 20])
  return { ...scenario, raft: { ...scenario.raft, maxEntriesPerStep, spareDelayMs } }
}

function drawFocused(seed: number, random: Prng, focus: Focus | undefined): Scenario {
  const usual = drawUsual(seed, random)
  switch (focus ?? random.pick(FOCUSES)) {
    case 'founding':
      return { ...usual, ...drawStorm(usual, random) }
    case 'hosting':
      return { ...usual, ...drawStrikes(random), strikesFreshHost: random.pick([0.5, 1]) }
    case 'electing':
      return { ...usual, ...drawStrikes(random), strikesFreshLeader: random.pick([0.3, 0.7]) }
    case 'changing':
      return { ...usual, ...drawChanges(random) }
    case 'reading':
      return { ...usual, ...drawReading(random) }
    case 'lagging':
      return { ...usual, ...drawLagging(usual, random) }
    case 'using':
      return { ...usual, ...drawUsing(usual, random) }
    case 'upgrading':
      return { ...usual, ...drawUpgrading(random) }
    default:
      return usual
  }
}

function drawUsual(seed: number, random: Prng): Scenario {
  const nodes = random.pick(SIZES)
  const profile = random.pick(['local', 'lan', 'lan', 'lan', 'wan'] as const)
  const network = drawNetwork(random, profile)
  const drifts = random.chance(0.6)
  const startsTogether = random.chance(0.5)
  const expect = random.chance(0.5) ? nodes : Math.floor(nodes / 2) + 1 + random.integer(Math.ceil(nodes / 2))
  return {
    seed,
    nodes,
    expect,
    profile,
    chaosMs: random.between(10_000, 60_000),
    healMs: healMs(profile, network),
    network,
    disk: drawDisk(random),
    clockRates: perNode(nodes, () => (drifts ? 1 + random.between(-MAX_RATE_ERROR, MAX_RATE_ERROR) : 1)),
    wallOffsetsMs: perNode(nodes, () => (random.chance(0.3) ? random.between(-60_000, 60_000) : 0)),
    startsAtMs: perNode(nodes, () => random.between(0, startsTogether ? 50 : 4_000)),
    ...drawFaults(random),
    raft: {
      ...(profile === 'wan'
        ? {}
        : { maxEntriesPerAppend: random.pick([1, 2, 64]), maxInflightAppends: random.pick([4, 16]) }),
      ...drawSnapshots(random),
    },
    choosesVoters: random.chance(0.5),
    voters: { ...defaultVoterPolicy, replaceAfterMs: random.pick([1_000, 3_000, 30_000]) },
    reads: random.pick([0, 0.3, 0.6]),
    forming: random.chance(0.5) ? {} : drawForming(random),
    commandEveryMs: random.pick([20, 100, 500]),
    usersAct: random.pick([0.2, 0.5, 0.8]),
    users: random.pick([2, 4, 5]),
    hasWitness: nodes > 1 && random.chance(0.2),
    levels: random.chance(0.3) ? perNode(nodes, () => random.pick(ALL_LEVELS)) : [],
  }
}

/**
 * A short run in which faults come while the cluster is founded, again and again. Two groups, each one node short of a
 * set, and one node between them that belongs now to one and now to the other: any two sets they could agree on share
 * it.
 */
function drawStorm(usual: Scenario, random: Prng): Partial<Scenario> {
  const expect = random.pick([2, 3, 3, 4])
  const nodes = 2 * expect - 1
  return {
    nodes,
    expect,
    chaosMs: random.between(5_000, 20_000),
    clockRates: perNode(nodes, () => 1),
    wallOffsetsMs: perNode(nodes, () => 0),
    startsAtMs: perNode(nodes, () => random.between(0, 300)),
    network: { ...usual.network, dialTimeoutMs: 500 },
    faultEveryMs: random.pick([200, 500, 1_000]),
    faultWeights: STORM,
    faultLastsMs: random.pick([50, 200, 800]),
    startsDivided: false,
    hasWitness: false,
    forming: drawForming(random),
  }
}

/** Few other faults, so that what begins with a strike goes on to its end: now and then a leader goes in good order. */
function drawStrikes(random: Prng): Partial<Scenario> {
  const nodes = random.pick([3, 5])
  return {
    nodes,
    expect: nodes,
    profile: random.pick(['local', 'lan']),
    clockRates: perNode(nodes, () => 1 + random.between(-MAX_RATE_ERROR, MAX_RATE_ERROR)),
    wallOffsetsMs: perNode(nodes, () => 0),
    startsAtMs: perNode(nodes, () => random.between(0, 50)),
    startsDivided: false,
    faultEveryMs: random.pick([2_000, 20_000]),
    faultWeights: [['leave', 1]],
    faultLastsMs: 200,
    aimsAtLeader: 0.9,
    rejectingCuts: random.pick([0, 1]),
    raft: { maxEntriesPerAppend: 1, maxInflightAppends: 4 },
    choosesVoters: false,
    hasWitness: false,
    reads: 0,
    forming: {},
    commandEveryMs: 50,
  }
}

function drawForming(random: Prng): Partial<FormingOptions> {
  return {
    stableMs: random.pick([0, 50, 250]),
    candidateIntervalMs: random.pick([20, 100]),
    formTimeoutMs: random.pick([300, 1_000, 5_000]),
  }
}

/**
 * A link keeps what it carries, as TCP does, and then seconds heal everything. Where packets are lost within a link,
 * what was lost with a full exchange may be missing until the next one with the same neighbor.
 */
function healMs(profile: Scenario['profile'], network: NetworkFaults): number {
  const whole = profile === 'wan' ? 30_000 : 15_000
  return network.loss === 0 ? whole : whole + EXCHANGES_TO_HEAL * swimPresets[profile].pushPullIntervalMs
}

type Faultiness = Pick<
  Scenario,
  | 'faultEveryMs'
  | 'faultWeights'
  | 'faultLastsMs'
  | 'rejectingCuts'
  | 'startsDivided'
  | 'strikesFreshHost'
  | 'strikesFreshLeader'
  | 'aimsAtLeader'
>

function drawFaults(random: Prng): Faultiness {
  const isCalm = random.chance(0.05)
  return {
    faultEveryMs: isCalm ? Number.POSITIVE_INFINITY : random.pick([100, 300, 1_000, 3_000]),
    faultWeights: FAULT_KINDS.filter(() => random.chance(0.6)),
    faultLastsMs: random.pick([200, 800, 2_000, 6_000]),
    rejectingCuts: random.pick([0, 0.5, 1]),
    startsDivided: random.chance(0.3),
    strikesFreshHost: random.pick([0, 0, 0.5]),
    strikesFreshLeader: random.pick([0, 0, 0.2]),
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
