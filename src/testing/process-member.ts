// One member of a cluster of processes: `trellis node`, or a program of the test's own, in a process that can be
// killed, stopped, resumed and started again in the same data directory. Its settings reach it as TRELLIS_* variables;
// what it writes to stdout is kept line by line, what it logs goes to a file beside its data. It ends when the process
// that started it does.

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type AdminCall, askAdmin } from '../cli/admin-client.ts'
import { parentVariable } from '../cli/parent.ts'
import { logTail, type NodeExit } from '../cli/up/node-process.ts'
import type { NodePlan } from '../cli/up/plan.ts'
import type { FaultRequest, FaultsView, MemberView, NodeStatus } from '../node-interface.ts'

/** A process of the cluster, over all its lives. */
export interface ClusterProcess {
  readonly name: string
  /** Of its present life, or of the last one. */
  readonly pid: number
  /** `host:port` of the cluster port; the same in every life. */
  readonly address: string
  /** `http://127.0.0.1:7501` */
  readonly admin: string
  readonly dataDir: string
  /** How its last life ended; undefined while it lives. */
  readonly exit: NodeExit | undefined
  /** Resolves when its present life has ended and all that it wrote was read. */
  readonly exited: Promise<NodeExit>
  /** What it has written to stdout, line by line, in all its lives. */
  readonly output: readonly string[]
  /** It lives, and is not paused. */
  readonly isRunning: boolean
  /** `GET /v1/status`; rejects with `ERR_UNREACHABLE` when it does not answer. */
  status(): Promise<NodeStatus>
  /** `GET /v1/members`, as {@link status}. */
  members(): Promise<readonly MemberView[]>
  /**
   * The JSON that its admin answers to `path`, `/v1/…`, within `timeoutMs` (2,000). Rejects with the error that it
   * answers, and with `ERR_UNREACHABLE`.
   */
  ask(path: string, call?: AdminCall, timeoutMs?: number): Promise<unknown>
  /** Cuts links and stalls the event loop, through `/v1/faults`. Rejects while the process does not answer. */
  readonly faults: ProcessFaults
  /** SIGKILL; resolves when the process has ended. */
  kill(): Promise<void>
  /** SIGSTOP: it keeps its connections and does nothing. */
  pause(): void
  /** SIGCONT. */
  resume(): void
  /** SIGTERM; resolves to how it ended, however long it takes. */
  stop(): Promise<NodeExit>
  /** Starts it again, once it has ended. */
  restart(options?: RestartOptions): Promise<void>
  /** The last lines of its log, oldest first. */
  logTail(lines: number): Promise<string[]>
}

/** Faults of a process that was started with `allowFaults`, as `startProcesses` does unless it is told not to. */
export interface ProcessFaults {
  /**
   * Replaces what was set. Rejects with `ERR_UNKNOWN_MEMBER`, `ERR_BAD_REQUEST`, `ERR_FAULTS_NOT_ALLOWED`,
   * `ERR_UNREACHABLE`.
   */
  set(request: FaultRequest): Promise<FaultsView>
  clear(): Promise<FaultsView>
  current(): Promise<FaultsView>
}

/** What a process gets beside its addresses and its data directory. */
export interface RestartOptions {
  /** Removes the data directory first. Default false. */
  readonly wipe?: boolean
  /**
   * Tells it its name and the others' addresses as at its first start. Default: only while its directory knows no
   * cluster, as after a wipe.
   */
  readonly introduce?: boolean
}

export interface MemberSettings {
  readonly plan: NodePlan
  /** The module to run, and its arguments. */
  readonly program: readonly string[]
  readonly logPath: string
  /** In every life. */
  readonly env: Readonly<Record<string, string>>
  /** Only where it is introduced. */
  readonly introduction: Readonly<Record<string, string>>
  /** Of its admin. */
  readonly adminToken: string | undefined
  /** What stands before the command line of the process: `ip netns exec NAME`. */
  readonly prefix: readonly string[]
}

interface Life {
  readonly child: ChildProcess
  readonly pid: number
  readonly exited: Promise<NodeExit>
  exit: NodeExit | undefined
  isPaused: boolean
}

/** A node that is so busy that it answers later than this does not answer. */
const askTimeoutMs = 2_000

export class ProcessMember implements ClusterProcess {
  readonly name: string
  readonly address: string
  readonly admin: string
  readonly dataDir: string
  readonly output: string[] = []
  readonly #settings: MemberSettings
  #life: Life

  constructor(settings: MemberSettings) {
    const { name, address, admin, dataDir } = settings.plan
    this.name = name
    this.address = address
    this.admin = `http://${admin}`
    this.dataDir = dataDir
    this.#settings = settings
    this.#life = this.#begin(settings.introduction)
  }

  get pid(): number {
    return this.#life.pid
  }

  get exit(): NodeExit | undefined {
    return this.#life.exit
  }

  get exited(): Promise<NodeExit> {
    return this.#life.exited
  }

  get isRunning(): boolean {
    return this.#life.exit === undefined && !this.#life.isPaused
  }

  async status(): Promise<NodeStatus> {
    return (await this.ask('/v1/status')) as NodeStatus
  }

  async members(): Promise<readonly MemberView[]> {
    return ((await this.ask('/v1/members')) as { members: readonly MemberView[] }).members
  }

  readonly faults: ProcessFaults = {
    set: async (body) => (await this.ask('/v1/faults', { method: 'POST', body })) as FaultsView,
    clear: async () => (await this.ask('/v1/faults', { method: 'DELETE' })) as FaultsView,
    current: async () => (await this.ask('/v1/faults')) as FaultsView,
  }

  async kill(): Promise<void> {
    this.#signal('SIGKILL')
    await this.exited
  }

  pause(): void {
    this.#life.isPaused = true
    this.#signal('SIGSTOP')
  }

  resume(): void {
    this.#signal('SIGCONT')
    this.#life.isPaused = false
  }

  stop(): Promise<NodeExit> {
    this.#signal('SIGTERM')
    return this.exited
  }

  async restart({ wipe = false, introduce }: RestartOptions = {}): Promise<void> {
    if (this.exit === undefined) throw new Error(`${this.name} is still running: kill or stop it first`)
    await this.exited
    if (wipe) await rm(this.dataDir, { recursive: true, force: true })
    const isIntroduced = introduce ?? !existsSync(join(this.dataDir, 'cluster.json'))
    this.#life = this.#begin(isIntroduced ? this.#settings.introduction : {})
  }

  logTail(lines: number): Promise<string[]> {
    return logTail(this.#settings.logPath, lines)
  }

  /** The end at once, for whoever cannot wait for it. */
  end(): void {
    this.#signal('SIGKILL')
  }

  ask(path: string, call: AdminCall = {}, timeoutMs: number = askTimeoutMs): Promise<unknown> {
    return askAdmin(path, { url: this.admin, timeoutMs, token: this.#settings.adminToken }, call)
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#life.exit === undefined) this.#life.child.kill(signal)
  }

  #begin(introduction: MemberSettings['introduction']): Life {
    const { plan, program, logPath, env, prefix } = this.#settings
    const log = openSync(logPath, 'a', 0o600)
    const own = { TRELLIS_LISTEN: plan.address, TRELLIS_ADMIN: plan.admin, TRELLIS_DATA_DIR: plan.dataDir }
    const [command, ...words] = [...prefix, process.execPath, ...program] as [string, ...string[]]
    const child = spawn(command, words, {
      stdio: ['ignore', 'pipe', log, 'pipe'],
      env: { ...inherited(), ...env, ...introduction, ...own, [parentVariable]: '3' },
    })
    closeSync(log)
    return watch(child, this.output)
  }
}

function watch(child: ChildProcess, output: string[]): Life {
  const { pid, stdout, stdio } = child
  const exited = new Promise<NodeExit>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  if (pid === undefined || !stdout) throw new Error(`${process.execPath} could not be started`)
  createInterface({ input: stdout }).on('line', (line) => output.push(line))
  // The other end of the parent's pipe goes with the child.
  stdio[3]?.on('error', () => {})
  const life: Life = { child, pid, exited, exit: undefined, isPaused: false }
  child.once('exit', (code, signal) => {
    life.exit = { code, signal }
  })
  return life
}

/** Nothing of the machine's own settings reaches a process of the cluster. */
function inherited(): Record<string, string | undefined> {
  const foreign = /^(TRELLIS_|NODE_TEST_CONTEXT|NODE_OPTIONS)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)))
}
