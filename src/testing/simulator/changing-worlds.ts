// Worlds that are about one thing: voters that change, reads, members that lag. A cluster that is there at once and
// used without a pause.

import type { RaftOptions } from '../../../consensus/index.ts'
import { ALL_LEVELS } from './levels.ts'
import type { Prng } from './random.ts'
import type { Scenario } from './scenario.ts'

/** Often enough that followers which were away for a moment need one, and in many pieces. */
export function drawSnapshots(random: Prng): Partial<RaftOptions> {
  if (random.chance(0.3)) return {}
  return {
    snapshotEveryEntries: random.pick([1, 5, 20, 100]),
    snapshotTrailingEntries: random.pick([0, 0, 3, 20]),
    snapshotChunkBytes: random.pick([1_000, 4_000, 100_000]),
  }
}

const FAILING: Scenario['faultWeights'] = [
  ['kill', 3],
  ['power-loss', 2],
  ['isolate', 3],
  ['partition-two', 3],
  ['cut-one-way', 2],
  ['heal', 4],
]

export function drawChanges(random: Prng): Partial<Scenario> {
  return {
    ...drawCommon(random, random.pick([4, 5, 6, 7])),
    chaosMs: random.between(3_000, 9_000),
    aimsAtLeader: random.pick([0.3, 0.8]),
    commandEveryMs: 30,
    faultEveryMs: random.pick([30, 100]),
    faultWeights: [...FAILING, ['change-voters', 20], ['transfer', 3], ['wipe-log', 3]],
    faultLastsMs: random.pick([200, 800, 2_000]),
    choosesVoters: random.chance(0.3),
    raft: { maxEntriesPerAppend: 1, maxInflightAppends: 4, ...drawSnapshots(random) },
  }
}

export function drawReading(random: Prng): Partial<Scenario> {
  return {
    ...drawCommon(random, random.pick([3, 5])),
    faultEveryMs: random.pick([100, 300]),
    faultWeights: [...FAILING, ['slow-one-way', 12], ['transfer', 4]],
    faultLastsMs: random.pick([200, 800]),
    strikesFreshLeader: random.pick([0, 0.5]),
    reads: 0.7,
    raft: { maxEntriesPerAppend: random.pick([1, 64]) },
  }
}

export function drawLagging(usual: Scenario, random: Prng): Partial<Scenario> {
  return {
    ...drawCommon(random, random.pick([3, 3, 5])),
    faultEveryMs: random.pick([100, 300]),
    faultWeights: [...FAILING, ['slow-one-way', 8]],
    network: { ...usual.network, duplication: 0.1, reordering: 0.1 },
    faultLastsMs: random.pick([200, 800, 2_000]),
    strikesFreshLeader: random.pick([0, 0.5]),
    reads: 0.2,
    raft: {
      maxEntriesPerAppend: random.pick([1, 64]),
      snapshotEveryEntries: random.pick([1, 5, 20]),
      snapshotTrailingEntries: random.pick([0, 0, 3]),
      snapshotChunkBytes: random.pick([500, 2_000, 100_000]),
    },
  }
}

/** Users who wait for each other's locks, while leaders come and go, messages are late and clocks are set. */
export function drawUsing(usual: Scenario, random: Prng): Partial<Scenario> {
  return {
    ...drawCommon(random, random.pick([3, 3, 5])),
    clockRates: usual.clockRates,
    faultEveryMs: random.pick([300, 1_000]),
    faultWeights: [...FAILING, ['slow-one-way', 6], ['transfer', 4], ['jump-wall-clock', 4], ['change-voters', 4]],
    faultLastsMs: random.pick([200, 800]),
    usersAct: 0.9,
    users: 5,
    raft: drawSnapshots(random),
  }
}

export function drawUpgrading(random: Prng): Partial<Scenario> {
  const nodes = random.pick([3, 4, 5, 6])
  return {
    ...drawCommon(random, nodes),
    faultEveryMs: random.pick([200, 500]),
    faultWeights: [...FAILING, ['upgrade', 10], ['transfer', 2], ['change-voters', 4]],
    faultLastsMs: random.pick([200, 800]),
    choosesVoters: true,
    usersAct: 0.7,
    levels: perNode(nodes, () => random.pick(ALL_LEVELS)),
    raft: drawSnapshots(random),
  }
}

/** A cluster that is there at once, and is used without a pause. */
function drawCommon(random: Prng, nodes: number): Partial<Scenario> {
  return {
    nodes,
    expect: nodes,
    profile: random.pick(['local', 'lan']),
    chaosMs: random.between(5_000, 15_000),
    clockRates: perNode(nodes, () => 1),
    wallOffsetsMs: perNode(nodes, () => 0),
    startsAtMs: perNode(nodes, () => random.between(0, 50)),
    startsDivided: false,
    aimsAtLeader: random.pick([0.3, 0.7]),
    forming: {},
    commandEveryMs: random.pick([10, 30]),
    usersAct: 0.15,
    hasWitness: false,
  }
}

export function perNode<T>(nodes: number, draw: () => T): T[] {
  return Array.from({ length: nodes }, draw)
}
