// An hour of a cluster whose processes stand still again and again, in the simulator's virtual time: the real cores,
// timers and away guards, on a network and disks without faults. A process that stands still keeps its links and its
// clocks, as one whose event loop is blocked.

import { LATEST_LEVEL } from '../../testing/simulator/levels.ts'
import { Network } from '../../testing/simulator/network.ts'
import { SimulatedNode } from '../../testing/simulator/node.ts'
import { Oracle } from '../../testing/simulator/oracle.ts'
import { Prng } from '../../testing/simulator/random.ts'
import { calmNetwork, drawScenario, type Scenario } from '../../testing/simulator/scenario.ts'
import { Schedule } from '../../testing/simulator/schedule.ts'
import { Trace } from '../../testing/simulator/trace.ts'
import type { World } from '../../testing/simulator/world.ts'

const nodes = 5
const hourMs = 3_600_000
const formedMs = 10_000
const blockMs = 400
/** From the end of one block to the next, at most; one node at a time. */
const pauseMs = 3_200

/**
 * How often somebody became leader in an hour, the first time apart. Throws when no cluster formed or a property was
 * broken.
 */
export function electionsInAnHour(seed: number): number {
  const scenario = calmScenario(seed)
  const schedule = new Schedule()
  const oracle = new Oracle()
  const random = new Prng(seed, 'blocks')
  const network = new Network(nodes, schedule, new Prng(seed, 'network'), { ...scenario.network })
  const world: World = {
    scenario,
    schedule,
    network,
    oracle,
    trace: new Trace(undefined),
    bug: undefined,
    idOf: (index) => `node-${index}`,
    indexOf: (id) => Number(id.slice('node-'.length)),
    intentBegan: () => {},
    isCalm: () => true,
    levelOf: () => LATEST_LEVEL,
    storeIdOf: (index) => `store-${index}`,
  }
  const members = Array.from({ length: nodes }, (_, index) => new SimulatedNode(index, world))
  for (const member of members) schedule.at(0, () => member.start())
  runUntil(schedule, formedMs)
  const before = oracle.elections
  if (before === 0) throw new Error(`no leader after ${formedMs} simulated milliseconds`)
  const block = (): void => {
    const member = random.pick(members)
    member.stopProcess()
    schedule.after(blockMs, () => member.continueProcess())
    schedule.after(blockMs + random.between(0, pauseMs), block)
  }
  block()
  runUntil(schedule, formedMs + hourMs)
  return oracle.elections - before
}

function runUntil(schedule: Schedule, at: number): void {
  while (schedule.now < at && schedule.step());
}

function calmScenario(seed: number): Scenario {
  const drawn = drawScenario(seed)
  const network = { ...drawn.network, latencyMs: 0.1, jitterMs: 0.1 }
  calmNetwork(network)
  const each = (value: number): number[] => new Array<number>(nodes).fill(value)
  return {
    ...drawn,
    nodes,
    expect: nodes,
    profile: 'lan',
    network,
    disk: { flushMs: 0.05, flushJitterMs: 0.1, hang: 0, hangMs: 0 },
    clockRates: each(1),
    wallOffsetsMs: each(0),
    startsAtMs: each(0),
    levels: each(LATEST_LEVEL),
    raft: {},
    forming: {},
  }
}
