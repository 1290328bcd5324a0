// Whole clusters as operating system processes on this machine, for tests: real sockets, real disks, real signals.
// `startProcesses` starts them on free ports with directories of their own and waits until they are a cluster; whatever
// happens then, leaving the scope ends every process by its id and removes what they left. Nothing here sleeps for a
// duration: everything is polled, with a deadline, and a wait that fails shows what all nodes said and logged.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeExit } from '../cli/up/node-process.ts'
import { type NodePlan, planNodes } from '../cli/up/plan.ts'
import { type NodeReport, readiness } from '../cli/up/readiness.ts'
import { systemClock } from '../runtime/clock.ts'
import { pause } from '../wait.ts'
import { checkProcesses } from './cluster-checks.ts'
import { type ClusterProcess, ProcessMember, type RestartOptions } from './process-member.ts'

/** Where one process runs, when that is not the host's own network. */
export interface ProcessHost {
  /**
   * The IP address that it listens on there, at ports 7400 (the cluster) and 7500 (its admin), which must be reachable
   * from here.
   */
  readonly ip: string
  /** What stands before its command line: `['ip', 'netns', 'exec', 'NAME']`. */
  readonly prefix: readonly string[]
}

export interface ProcessesOptions {
  /** One for each process. Default: all on 127.0.0.1, on free ports. */
  readonly hosts?: readonly ProcessHost[]
  /** How many fresh nodes form the cluster; the others join it. Default: all. */
  readonly expect?: number
  /** What stands before the command line of every process; `hosts` has its own. Default: nothing. */
  readonly prefix?: readonly string[]
  /** A module to run instead of `trellis node`; it creates its node of `memberOptions()`. */
  readonly program?: string
  /** What stands before the number in the members' names. Default `node-`. */
  readonly namePrefix?: string
  /** What the members prove to know. Default: a secret that all clusters of this kind share. */
  readonly secret?: string
  /** Further variables for every process. */
  readonly env?: Readonly<Record<string, string>>
  /** The nodes suffer faults on request. Default true. */
  readonly allowFaults?: boolean
  /** False: resolve as soon as all have been started. Default true: wait until they are one cluster. */
  readonly untilReady?: boolean
  /** How long the cluster may take to be ready, in milliseconds. Default 90,000. */
  readonly timeoutMs?: number
}

export interface UntilOptions {
  /** Milliseconds until the wait fails. Default 60,000. */
  readonly timeoutMs?: number
}

type Condition<Value> = () => Value | Promise<Value>
type Truthy<Value> = Exclude<Value, false | null | undefined>

/** What everybody agrees on in a cluster that is ready. */
export interface Agreement {
  readonly leader: ClusterProcess
  readonly fencingToken: number
  readonly clusterId: string
}

export interface ProcessCluster extends AsyncDisposable {
  /** `node-1`, `node-2`, … */
  readonly nodes: readonly ClusterProcess[]
  /** Those that live and are not paused. */
  readonly running: readonly ClusterProcess[]
  node(name: string): ClusterProcess
  /**
   * Nothing passes between the sides any more; running nodes that are on no side stay linked to all. A single side is
   * cut off from all others. Replaces what was cut before. Rejects when a running node does not answer, or knows one of
   * the names no longer.
   */
  partition(...sides: readonly (readonly (ClusterProcess | string)[])[]): Promise<void>
  /** Ends the faults of all running nodes. */
  heal(): Promise<void>
  /** See {@link ClusterProcess.kill}; a node is meant by itself or by its name, here and below. */
  kill(node: ClusterProcess | string): Promise<void>
  /** See {@link ClusterProcess.pause}. */
  pause(node: ClusterProcess | string): Promise<void>
  /** See {@link ClusterProcess.resume}. */
  resume(node: ClusterProcess | string): Promise<void>
  /** See {@link ClusterProcess.restart}. */
  restart(node: ClusterProcess | string, options?: RestartOptions): Promise<void>
  /** What each running node says now; `status` is undefined for one that does not answer. */
  statuses(): Promise<readonly NodeReport[]>
  /** Whom all running nodes hold for the leader; undefined while they do not answer or do not agree. */
  leader(): Promise<ClusterProcess | undefined>
  /**
   * Waits until all running nodes see each other alive, know all voters, and agree on the leader, on its token and on
   * one cluster; it is not said that they see the others down.
   */
  ready(options?: UntilOptions): Promise<Agreement>
  /**
   * Resolves to what `condition` answers as soon as that is truthy; a condition that throws is asked again. Rejects at
   * the deadline with `description`, the last error, what the nodes say and how their logs end.
   */
  until<Value>(condition: Condition<Value>, options?: UntilOptions): Promise<Truthy<Value>>
  until<Value>(description: string, condition: Condition<Value>, options?: UntilOptions): Promise<Truthy<Value>>
}

const clusterPort = 7_400
const adminPort = 7_500

/**
 * The command as it is packed: a node of single modules, or of sources, takes twice the processor time until it is
 * ready.
 */
const command = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/bundle/src/cli/bin.js' : '../cli/bin.js', import.meta.url),
)
const defaultSecret = 'the secret of processes under test'
const adminTokenOnHosts = 'the-token-of-processes-under-test'
const readyTimeoutMs = 90_000
const untilTimeoutMs = 60_000
const pollIntervalMs = 20
const shownLogLines = 12

/**
 * Starts `count` processes at once, each told the addresses of all the others, and resolves when they are one cluster
 * with S5 active. Rejects, and leaves nothing behind, when they are not in time, and with `ERR_BAD_OPTIONS` at once for
 * a count or an option that cannot be.
 */
export async function startProcesses(count: number, options: ProcessesOptions = {}): Promise<ProcessCluster> {
  checkProcesses(count, options)
  const root = mkdtempSync(join(tmpdir(), 'trellis-processes-'))
  const planned = options.hosts
    ? options.hosts.slice(0, count).map((host, i) => planOn(host, join(root, `node-${i + 1}`)))
    : await planNodes({ nodes: count, port: 0, adminPort: 0, root })
  const { namePrefix = 'node-' } = options
  const plans = planned.map((plan, i) => ({ ...plan, name: `${namePrefix}${i + 1}` }))
  const founders = options.expect ?? count
  const members = plans.map((plan) => start(plan, plans, founders, options))
  const cluster = new Processes(root, members, founders)
  try {
    if (options.untilReady ?? true) await cluster.begin(options.timeoutMs ?? readyTimeoutMs)
    return cluster
  } catch (error) {
    await cluster[Symbol.asyncDispose]()
    throw error
  }
}

function planOn({ ip }: ProcessHost, dataDir: string): NodePlan {
  return { name: basename(dataDir), address: `${ip}:${clusterPort}`, admin: `${ip}:${adminPort}`, dataDir }
}

function start(
  plan: NodePlan,
  plans: readonly NodePlan[],
  founders: number,
  { program, prefix = [], secret = defaultSecret, allowFaults = true, env = {}, hosts }: ProcessesOptions,
): ProcessMember {
  mkdirSync(plan.dataDir, { mode: 0o700 })
  const others = plans.filter((other) => other !== plan).map(({ address }) => address)
  return new ProcessMember({
    plan,
    program: program === undefined ? [command, 'node', '--json'] : [program],
    logPath: `${plan.dataDir}.log`,
    env: {
      TRELLIS_SECRET: secret,
      ...(allowFaults ? { TRELLIS_ALLOW_FAULTS: '1' } : {}),
      // An admin that others than loopback reach asks for a token.
      ...(hosts ? { TRELLIS_ADMIN_TOKEN: adminTokenOnHosts } : {}),
      ...env,
    },
    adminToken: env.TRELLIS_ADMIN_TOKEN ?? (hosts ? adminTokenOnHosts : undefined),
    prefix: hosts?.[plans.indexOf(plan)]?.prefix ?? prefix,
    introduction: { TRELLIS_NAME: plan.name, TRELLIS_JOIN: others.join(), TRELLIS_EXPECT: String(founders) },
  })
}

class Processes implements ProcessCluster {
  readonly nodes: readonly ProcessMember[]
  readonly #root: string
  readonly #founders: number
  readonly #endAll = (): void => {
    for (const node of this.nodes) node.end()
  }

  constructor(root: string, nodes: readonly ProcessMember[], founders: number) {
    this.nodes = nodes
    this.#root = root
    this.#founders = founders
    // A paused one would not notice that its parent is gone.
    process.once('exit', this.#endAll)
  }

  get running(): readonly ProcessMember[] {
    return this.nodes.filter(({ isRunning }) => isRunning)
  }

  node(name: string): ProcessMember {
    const found = this.nodes.find((node) => node.name === name)
    if (!found) throw new Error(`there is no process '${name}'`)
    return found
  }

  async partition(...given: readonly (readonly (ClusterProcess | string)[])[]): Promise<void> {
    const named = given.map((side) => side.map((node) => this.#memberOf(node).name))
    const others = this.nodes.map(({ name }) => name).filter((name) => !named.flat().includes(name))
    const sides = named.length === 1 ? [...named, others] : named
    await Promise.all(
      this.running.map((node) => {
        const own = sides.find((side) => side.includes(node.name))
        const block = own === undefined ? [] : sides.filter((side) => side !== own).flat()
        return node.faults.set({ block })
      }),
    )
  }

  async heal(): Promise<void> {
    await Promise.all(this.running.map((node) => node.faults.clear()))
  }

  kill(node: ClusterProcess | string): Promise<void> {
    return this.#memberOf(node).kill()
  }

  async pause(node: ClusterProcess | string): Promise<void> {
    this.#memberOf(node).pause()
  }

  async resume(node: ClusterProcess | string): Promise<void> {
    this.#memberOf(node).resume()
  }

  restart(node: ClusterProcess | string, options?: RestartOptions): Promise<void> {
    return this.#memberOf(node).restart(options)
  }

  statuses(): Promise<readonly NodeReport[]> {
    return Promise.all(
      this.running.map(async (node) => {
        const { name } = node
        return { name, status: await node.status().catch(() => undefined) }
      }),
    )
  }

  async leader(): Promise<ProcessMember | undefined> {
    const leaders = new Set((await this.statuses()).map(({ status }) => status?.consensus.leader))
    const [leader] = leaders
    return leaders.size === 1 && leader ? this.node(leader) : undefined
  }

  /** Waits until the cluster is ready, and no longer once one of its processes has ended. */
  async begin(timeoutMs: number): Promise<void> {
    const ended = (): ProcessMember | undefined => this.nodes.find(({ exit }) => exit !== undefined)
    await this.until('the cluster is ready', async () => ended() ?? (await this.#agreement()), { timeoutMs })
    const first = ended()
    if (first) throw new Error(`${first.name} ended before the cluster was ready\n${await this.#situation()}`)
  }

  ready(options: UntilOptions = {}): Promise<Agreement> {
    return this.until('the cluster is ready', () => this.#agreement(), options)
  }

  async until<Value>(
    first: string | Condition<Value>,
    second?: Condition<Value> | UntilOptions,
    third?: UntilOptions,
  ): Promise<Truthy<Value>> {
    const [description, condition, options] =
      typeof first === 'string'
        ? [first, second as Condition<Value>, third]
        : [String(first), first, second as UntilOptions | undefined]
    const { timeoutMs = untilTimeoutMs } = options ?? {}
    const deadline = performance.now() + timeoutMs
    for (;;) {
      let problem: unknown
      try {
        const value = await condition()
        if (value) return value as Truthy<Value>
      } catch (error) {
        problem = error
      }
      if (performance.now() > deadline)
        throw new Error(`not within ${timeoutMs} ms: ${description}\n${await this.#situation()}`, { cause: problem })
      await pause(systemClock, pollIntervalMs)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.#endAll)
    await Promise.all(this.nodes.map((node) => node.kill()))
    rmSync(this.#root, { recursive: true, force: true })
  }

  #memberOf(node: ClusterProcess | string): ProcessMember {
    return this.node(typeof node === 'string' ? node : node.name)
  }

  async #agreement(): Promise<Agreement | undefined> {
    const reports = await this.statuses()
    const result = readiness(reports, this.#founders)
    const ids = new Set(reports.map(({ status }) => status?.cluster.id))
    const [clusterId] = ids
    if (!result.ready || ids.size !== 1 || !clusterId) return undefined
    return { leader: this.node(result.leader), fencingToken: result.fencingToken, clusterId }
  }

  async #situation(): Promise<string> {
    const reports = new Map((await this.statuses()).map(({ name, status }) => [name, status]))
    const texts = this.nodes.map(async (node) => {
      const { name, pid, exit, isRunning } = node
      const state = exit ? describeExit(exit) : isRunning ? JSON.stringify(reports.get(name)) : 'is paused'
      const log = (await node.logTail(shownLogLines)).map((line) => `    ${line}\n`).join('')
      return `  ${name} (pid ${pid}) ${state ?? 'does not answer'}\n${log}`
    })
    return (await Promise.all(texts)).join('')
  }
}
