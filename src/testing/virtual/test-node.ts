// One node of a test cluster over all its lives. To its user it is a node, and a process that can be killed, stopped,
// resumed and started again: whatever `TrellisNode` has is asked of its present life, or of the last one.

import { ClusterError } from '../../errors.ts'
import { createNodeIn } from '../../node.ts'
import type { TrellisNode } from '../../node-interface.ts'
import type { NodeOptions } from '../../options.ts'
import type { MemoryDirectory } from '../../storage/memory-directory.ts'
import type { RestartOptions } from '../process-member.ts'
import type { VirtualLife, VirtualWorld } from './virtual-world.ts'

/** How a node of a test cluster is started again. */
export interface TestRestartOptions extends RestartOptions {
  /** `host:port` where it listens from now on. Default: where it did. */
  readonly listen?: string
}

/** A node of a test cluster: all that a node has, and what can happen to its process. */
export interface TestNode extends TrellisNode {
  /** It lives, and is not paused. */
  readonly isRunning: boolean
  /**
   * As by SIGKILL: the others see its connections break and its port refuse. What it was still asked for here ends with
   * `ERR_SHUTTING_DOWN`.
   */
  kill(): Promise<void>
  /** As by SIGSTOP: it keeps its connections and does nothing. */
  pause(): Promise<void>
  /** As by SIGCONT. */
  resume(): Promise<void>
  /**
   * Starts it again, once it was killed or has stopped: the same member in its next life, a new one after `wipe`.
   * Rejects with `ERR_SHUTTING_DOWN` when it is killed before it is up.
   */
  restart(options?: TestRestartOptions): Promise<void>
}

export type LifeState = 'running' | 'paused' | 'ended'

interface Setup {
  readonly name: string
  readonly options: NodeOptions & { readonly listen: string }
  /** The others' addresses and how many form a cluster, as a fresh node is told them. */
  readonly introduction: Pick<NodeOptions, 'join' | 'expect'>
  readonly world: VirtualWorld
  /** Somebody asks something of the node. */
  readonly onAsked: () => void
  /** It bears another id. */
  readonly onReborn: () => void
}

const clusterName = 'trellis'

/** The lives of one node, and what its user holds. */
export class Lives {
  readonly name: string
  readonly face: TestNode
  readonly #setup: Setup
  #disk: MemoryDirectory
  #copies = 1
  #listen: string
  #life: VirtualLife
  #node: TrellisNode | undefined
  /** What the present life, or the last one, comes to: its node, or why there is none. */
  #birth: Promise<TrellisNode> | undefined
  /** Ends a birth that is under way. */
  #unborn = new AbortController()
  #state: LifeState = 'ended'
  /** Resolves when nothing of earlier lives is left. */
  #aftermath: Promise<unknown> = Promise.resolve()

  constructor(setup: Setup) {
    this.name = setup.name
    this.#setup = setup
    this.#listen = setup.options.listen
    const { world, name, options } = setup
    this.#disk = world.disk(name, options.cluster ?? clusterName, this.#copies)
    this.#life = world.life(name, this.#disk)
    this.face = this.#createFace()
  }

  get id(): string {
    return this.#disk.id
  }

  get state(): LifeState {
    return this.#state
  }

  /** Of its present life. */
  get node(): TrellisNode | undefined {
    return this.#state === 'ended' ? undefined : this.#node
  }

  async start(isIntroduced: boolean): Promise<void> {
    const { name, options, introduction, world } = this.#setup
    const life = world.life(name, this.#disk)
    const unborn = new AbortController()
    const { signal = unborn.signal } = options
    const own = {
      name,
      keepStalledMs: 0,
      allowFaults: true,
      ...options,
      listen: this.#listen,
      ...(isIntroduced ? introduction : {}),
      signal: AbortSignal.any([signal, unborn.signal]),
    }
    this.#life = life
    this.#unborn = unborn
    this.#state = 'running'
    this.#birth = createNodeIn(life, own)
    const node = await this.#birth.catch((error: unknown) => {
      if (unborn.signal.aborted) throw stillborn(name)
      // It has closed its disk on the way out; the next life opens it again.
      this.#state = 'ended'
      this.#disk = this.#disk.restart()
      throw error
    })
    if (unborn.signal.aborted) throw stillborn(name)
    this.#node = node
    void node.fatal.then(() => this.#ended(node))
  }

  async kill(): Promise<void> {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#disk = this.#life.kill()
    // Nobody waits in vain for what was asked of it: all of it ends, where nothing of it can reach anybody any more.
    this.#aftermath = Promise.all([this.#aftermath, this.#stop().catch(() => undefined)])
  }

  async pause(): Promise<void> {
    if (this.#state !== 'running') throw new Error(`${this.name} is not running: it is ${this.#state}`)
    this.#state = 'paused'
    this.#life.pause()
  }

  async resume(): Promise<void> {
    if (this.#state !== 'paused') throw new Error(`${this.name} is not paused: it is ${this.#state}`)
    this.#state = 'running'
    this.#life.resume()
  }

  async restart({ wipe = false, introduce, listen = this.#listen }: TestRestartOptions = {}): Promise<void> {
    await this.#aftermath
    if (this.#state !== 'ended') throw new Error(`${this.name} is still ${this.#state}: kill or stop it first`)
    const { name, options, world, onReborn } = this.#setup
    if (wipe) {
      this.#disk = world.disk(name, options.cluster ?? clusterName, ++this.#copies)
      onReborn()
    }
    this.#listen = listen
    await this.start(introduce ?? !this.#disk.hasCluster)
  }

  /** Ends it for good, in order. */
  async end(): Promise<void> {
    if (this.#state === 'paused') await this.resume()
    if (this.#state === 'running') await this.#stop()
    await this.#aftermath
  }

  /** Of one that is not up yet nothing is left either. */
  async #stop(): Promise<void> {
    this.#unborn.abort()
    await this.#birth?.then(
      (node) => node.stop(),
      () => undefined,
    )
  }

  /** It has stopped, by its owner or by itself. */
  #ended(node: TrellisNode): void {
    if (this.#node !== node || this.#state === 'ended') return
    this.#state = 'ended'
    this.#aftermath = node.stop().catch(() => undefined)
    this.#disk = this.#disk.restart()
  }

  #createFace(): TestNode {
    const lives = this
    const controls = {
      name: this.name,
      get isRunning() {
        return lives.#state === 'running'
      },
      kill: () => this.kill(),
      pause: () => this.pause(),
      resume: () => this.resume(),
      restart: (options?: TestRestartOptions) => this.restart(options),
      stop: (options?: Parameters<TrellisNode['stop']>[0]) => this.#leaving((node) => node.stop(options)),
      leave: (options?: Parameters<TrellisNode['leave']>[0]) => this.#leaving((node) => node.leave(options)),
      [Symbol.asyncDispose]: () => this.#leaving((node) => node.stop()),
    }
    return new Proxy(controls as unknown as TestNode, {
      get: (own, key) => {
        this.#setup.onAsked()
        if (Object.hasOwn(own, key)) return Reflect.get(own, key)
        const node = this.#node
        const value = node === undefined ? undefined : Reflect.get(node, key)
        return typeof value === 'function' && key !== 'counters' ? value.bind(node) : value
      },
      has: (own, key) => Object.hasOwn(own, key) || (this.#node !== undefined && Reflect.has(this.#node, key)),
    })
  }

  async #leaving(leave: (node: TrellisNode) => Promise<void>): Promise<void> {
    if (this.#state === 'running') await this.#birth?.catch(() => undefined)
    const node = this.#node
    if (node === undefined) return
    await leave(node)
    this.#ended(node)
  }
}

function stillborn(name: string): ClusterError {
  return new ClusterError('ERR_SHUTTING_DOWN', `${name} was killed or stopped before it was up`, {})
}
