// One run of one seed. Safety phase: clients and faults, every property watched at every event. Liveness phase: the
// faults stop, and within a deadline the cluster must be whole (`wholeness.ts`).

import type { Bug } from './bug.ts'
import { bugNamed } from './bugs.ts'
import { Client } from './client.ts'
import { MAX_RATE_ERROR } from './clock.ts'
import { check, PropertyViolation, SimulationFailure } from './failure.ts'
import { Faults } from './faults.ts'
import { Network } from './network.ts'
import { SimulatedNode } from './node.ts'
import { Oracle } from './oracle.ts'
import { Prng } from './random.ts'
import { calmNetwork, drawScenario, type Focus, type Scenario } from './scenario.ts'
import { Schedule } from './schedule.ts'
import { Trace } from './trace.ts'
import { Histories } from './users/histories.ts'
import { SimulatedUser } from './users/user.ts'
import { whatIsMissing } from './wholeness.ts'

/** How often the liveness phase looks whether everything has healed. */
const LOOK_EVERY_MS = 100

/** A run with more events than this hangs in a loop at one instant; the largest so far had a twentieth. */
const MAX_EVENTS_PER_RUN = 10_000_000

/** What one run did. Two runs of one seed have equal outcomes. */
export interface Outcome {
  readonly seed: number
  readonly nodes: number
  /** Events that some node or the world went through. */
  readonly events: number
  /** 32 bits over all of them. */
  readonly digest: number
  /** Virtual time at the end. */
  readonly endedAtMs: number
  /** How much of it healing took; undefined when crashes while forming left no cluster that could heal. */
  readonly healedAfterMs: number | undefined
  readonly elections: number
  readonly committed: number
  readonly acknowledged: number
  /** Reads that were served. */
  readonly reads: number
  /** Committed changes of voters and learners, joint ones too. */
  readonly reconfigurations: number
  /** Snapshots that somebody put in the place of its machine. */
  readonly restores: number
  /** What users were certainly answered about config, counters and the topology, and what they never heard of again. */
  readonly answered: number
  readonly unanswered: number
  /** Locks, semaphores, elections and singletons that users held, and barriers that they passed. */
  readonly grants: number
  readonly passes: number
  /** The largest fencing token that anybody held. */
  readonly largestToken: number
  readonly faults: number
}

export interface RunOptions {
  readonly seed: number
  /** Name of a planted bug; see `bugs.ts`. Default: none. */
  readonly bug?: string | undefined
  /** What the drawn world is about. Default: what the planted bug needs; without one, drawn. */
  readonly focus?: Focus | undefined
  /** Gets every event as a line of text; slow. */
  readonly onTrace?: ((line: string) => void) | undefined
}

/**
 * Runs one seed to its end. Throws {@link SimulationFailure} when a property does not hold, `RangeError` for an unknown
 * bug.
 */
export function runSeed(options: RunOptions): Outcome {
  return new SimulatedCluster(options).run()
}

class SimulatedCluster {
  readonly #scenario: Scenario
  readonly #bug: Bug | undefined
  readonly #schedule = new Schedule()
  readonly #trace: Trace
  readonly #oracle = new Oracle()
  readonly #nodes: SimulatedNode[] = []
  readonly #network: Network
  readonly #client: Client
  readonly #histories: Histories
  readonly #users: readonly SimulatedUser[]
  readonly #faults: Faults
  #faultCount = 0
  #isCalm = false

  constructor(options: RunOptions) {
    this.#bug = bugNamed(options.bug)
    const scenario = drawScenario(options.seed, options.focus ?? this.#bug?.focus)
    this.#scenario = scenario
    this.#trace = new Trace(options.onTrace)
    const stream = (name: string): Prng => new Prng(scenario.seed, name)
    this.#network = new Network(scenario.nodes, this.#schedule, stream('network'), { ...scenario.network })
    const world = {
      scenario,
      schedule: this.#schedule,
      network: this.#network,
      oracle: this.#oracle,
      trace: this.#trace,
      bug: this.#bug,
      ...naming(scenario),
      isCalm: () => this.#isCalm,
      levelOf: (index: number) => (this.#nodes[index] as SimulatedNode).level,
      storeIdOf: (index: number) => (this.#nodes[index] as SimulatedNode).storeId,
      intentBegan: (index: number) => this.#faults.intentBegan(index),
    }
    for (let index = 0; index < scenario.nodes; index++) this.#nodes.push(new SimulatedNode(index, world))
    this.#client = new Client(this.#nodes, stream('client'), (command, index, term) =>
      this.#oracle.acknowledge(command, index, term),
    )
    this.#histories = new Histories(() => this.#schedule.now)
    this.#users = this.#makeUsers(new Prng(scenario.seed, 'users'))
    this.#faults = new Faults(this.#nodes, {
      network: this.#network,
      schedule: this.#schedule,
      scenario,
      random: stream('faults'),
      note: (fault, detail) => {
        this.#faultCount++
        this.#trace.note(this.#schedule.now, 'world', fault, detail)
      },
    })
  }

  #makeUsers(random: Prng): SimulatedUser[] {
    return Array.from({ length: this.#scenario.users }, (_, index) => {
      return new SimulatedUser({
        name: `user-${index}`,
        servers: this.#nodes,
        schedule: this.#schedule,
        random: new Prng(this.#scenario.seed, `user ${index}`),
        histories: this.#histories,
        holders: this.#oracle.leases,
        clockRate: 1 + random.between(-MAX_RATE_ERROR, MAX_RATE_ERROR),
        readsOldCopies: this.#bug?.servesOldCopies === true,
        skipsChanges: this.#bug?.skipsChanges === true,
      })
    })
  }

  run(): Outcome {
    try {
      this.#begin()
      this.#runUntil(this.#scenario.chaosMs)
      const healedAfterMs = this.#heal()
      this.#oracle.atEnd()
      this.#histories.check(this.#oracle.changes)
      return this.#outcome(healedAfterMs)
    } catch (error) {
      throw this.#failureOf(error)
    }
  }

  #begin(): void {
    const indexOf = (id: string): number => this.#nodes.findIndex((node) => node.id === id)
    this.#oracle.s5.onClaim = ({ id }) => this.#faults.hostBegan(indexOf(id))
    this.#oracle.onElected = (id) => this.#faults.leaderBegan(indexOf(id))
    this.#nodes.forEach((node, index) => {
      this.#schedule.at(this.#scenario.startsAtMs[index] ?? 0, () => node.start())
    })
    this.#faults.start()
    this.#planCommand(new Prng(this.#scenario.seed, 'pace'))
  }

  #planCommand(pace: Prng): void {
    this.#schedule.after(pace.exponential(this.#scenario.commandEveryMs), () => {
      if (this.#schedule.now >= this.#scenario.chaosMs) return
      if (pace.chance(this.#scenario.usersAct)) pace.pick(this.#users).act()
      else if (pace.chance(this.#scenario.reads)) this.#client.read(() => this.#oracle.readBegins())
      else this.#client.act()
      this.#planCommand(pace)
    })
  }

  #runUntil(at: number): void {
    let isReached = false
    this.#schedule.at(at, () => {
      isReached = true
    })
    while (!isReached) {
      this.#schedule.step()
      check(
        this.#trace.count < MAX_EVENTS_PER_RUN,
        'liveness',
        () => `the run does not end: ${this.#trace.count} events`,
      )
    }
  }

  /** Stops all faults and waits until the cluster is whole; answers how long that took, undefined if it must not. */
  #heal(): number | undefined {
    const stoppedAt = this.#schedule.now
    this.#trace.note(stoppedAt, 'world', 'faults stop', undefined)
    this.#isCalm = true
    calmNetwork(this.#network.faults)
    this.#faults.stop()
    let isServed = false
    for (const user of this.#users) user.mustProve()
    for (;;) {
      this.#runUntil(this.#schedule.now + LOOK_EVERY_MS)
      const missing = whatIsMissing(this.#nodes, this.#oracle, this.#unserved(isServed))
      const elapsedMs = this.#schedule.now - stoppedAt
      if (missing === undefined) return elapsedMs
      const isLate = elapsedMs >= this.#scenario.healMs
      if (isLate && this.#mayStayJammed()) return undefined
      check(!isLate, 'liveness', () => `${this.#scenario.healMs} ms after the last fault ${missing}`)
      // Whoever goes on would keep the slowest voters behind for ever.
      for (const user of this.#users) if (!user.hasProved) user.act()
      if (!isServed) {
        this.#client.act(() => {
          isServed = true
        })
      }
    }
  }

  #unserved(isServed: boolean): string | undefined {
    if (!isServed) return 'a new command'
    return this.#users.every((user) => user.hasProved) ? undefined : 'every user in everything'
  }

  /**
   * Forming promises one cluster when as many nodes are expected as there are; with more nodes only that no two form.
   */
  #mayStayJammed(): boolean {
    return this.#scenario.expect < this.#scenario.nodes && this.#oracle.isFormingJammed
  }

  #outcome(healedAfterMs: number | undefined): Outcome {
    return {
      seed: this.#scenario.seed,
      nodes: this.#scenario.nodes,
      events: this.#trace.count,
      digest: this.#trace.digest,
      endedAtMs: this.#schedule.now,
      healedAfterMs,
      elections: this.#oracle.elections,
      committed: this.#oracle.history.lastIndex,
      acknowledged: this.#oracle.acknowledged,
      reads: this.#oracle.reads,
      reconfigurations: this.#oracle.reconfigurations,
      restores: this.#oracle.restores,
      answered: this.#histories.answered,
      unanswered: this.#histories.unanswered,
      grants: this.#oracle.leases.grants,
      passes: this.#oracle.leases.passes,
      largestToken: this.#oracle.s5.largestToken,
      faults: this.#faultCount,
    }
  }

  #failureOf(error: unknown): SimulationFailure {
    const violation =
      error instanceof PropertyViolation
        ? error
        : new PropertyViolation(
            'no-crash',
            error instanceof Error ? (error.stack ?? error.message) : String(error),
            error,
          )
    return new SimulationFailure(violation, {
      seed: this.#scenario.seed,
      bug: this.#bug?.name,
      at: this.#schedule.now,
      events: this.#trace.count,
      trace: this.#trace.tail(),
    })
  }
}

/** Ids sort in another order than indexes in half of the runs. */
function naming(scenario: Scenario): { idOf: (index: number) => string; indexOf: (id: string) => number } {
  const isAscending = scenario.seed % 2 === 0
  const ids = scenario.startsAtMs.map((_, index) => {
    const letter = isAscending ? index : scenario.nodes - 1 - index
    return `node-${String.fromCharCode(97 + letter)}`
  })
  const indexes = new Map(ids.map((id, index) => [id, index]))
  return {
    idOf: (index) => ids[index] as string,
    indexOf: (id) => {
      const index = indexes.get(id)
      check(index !== undefined, 'no-crash', () => `${id} is nobody`)
      return index
    },
  }
}
