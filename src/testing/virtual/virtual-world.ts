// Where the nodes of a test cluster live: one network, one time, and for each node a machine and a disk in memory. A
// node that is killed loses its machine and keeps its disk. Keys and chance come from the seed, so that the same test
// is the same run.

import { createHash, createPrivateKey } from 'node:crypto'
import { AWAY_THRESHOLD_MS, type NodeWorld } from '../../node-world.ts'
import { MemoryDirectory } from '../../storage/memory-directory.ts'
import { FaultyTransport, NetworkFaults } from '../../transport/faulty.ts'
import { loadIdentity } from '../../transport/identity.ts'
import { MemoryNetwork, type MemoryTransport } from '../../transport/memory.ts'
import { Prng } from '../simulator/random.ts'
import { VirtualMachine } from './virtual-machine.ts'
import type { VirtualTime } from './virtual-time.ts'

/** What comes before the 32 bytes of an Ed25519 key in PKCS8 (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

export class VirtualWorld {
  readonly time: VirtualTime
  /** Cuts between nodes, and nodes that stand still. */
  readonly faults: NetworkFaults
  readonly seed: number
  readonly #network: MemoryNetwork

  /** `latencyMs`: how long everything takes on its way, in order. */
  constructor(time: VirtualTime, seed: number, latencyMs: number) {
    this.time = time
    this.seed = seed
    const clock = new VirtualMachine(time)
    this.faults = new NetworkFaults(clock)
    this.#network = new MemoryNetwork({ clock, schedule: (task) => void time.plan(latencyMs, task) })
  }

  /** A node that has never lived; `copy` counts those of one name. */
  disk(name: string, cluster: string, copy: number): MemoryDirectory {
    const identify = (privateKeyPem: string): string => loadIdentity(privateKeyPem).id
    return MemoryDirectory.open({ cluster, identify }, keyOf(`${this.seed} ${name} ${copy}`))
  }

  /** The world of the life that begins with `disk`. */
  life(name: string, disk: MemoryDirectory): VirtualLife {
    return new VirtualLife(this, this.#network.transport(disk.id), name, disk)
  }
}

/** One life of a node: what of the world is its own. */
export class VirtualLife implements NodeWorld {
  readonly clock: VirtualMachine
  readonly random: () => number
  readonly awayThresholdMs = AWAY_THRESHOLD_MS
  readonly disk: MemoryDirectory
  readonly #world: VirtualWorld
  readonly #wire: MemoryTransport

  constructor(world: VirtualWorld, wire: MemoryTransport, name: string, disk: MemoryDirectory) {
    this.clock = new VirtualMachine(world.time)
    this.random = new Prng(world.seed, `${name} ${disk.generation}`).next
    this.disk = disk
    this.#world = world
    this.#wire = wire
  }

  watchLoopDelay = (): Disposable => ({ [Symbol.dispose]: () => {} })

  openStorage = async (): Promise<MemoryDirectory> => this.disk

  transport = (): FaultyTransport => new FaultyTransport(this.#wire, this.#world.faults)

  standStill = (ms: number): void => {
    this.pause()
    this.#world.time.plan(ms, () => this.resume())
  }

  /** As by SIGSTOP: it keeps its connections and does nothing. */
  pause(): void {
    this.clock.pause()
    this.#world.faults.stall(this.disk.id)
  }

  resume(): void {
    this.clock.resume(() => this.#world.faults.resume(this.disk.id))
  }

  /**
   * As by SIGKILL: its connections break, its port refuses, and what was not durable is lost. Answers the disk of its
   * next life.
   */
  kill(): MemoryDirectory {
    const next = this.disk.restart()
    void this.#wire.close()
    this.#world.faults.resume(this.disk.id)
    this.clock.resume(() => {})
    return next
  }
}

/** An Ed25519 key that a text determines: for tests, where nobody guesses. */
function keyOf(text: string): string {
  const der = Buffer.concat([PKCS8_PREFIX, createHash('sha256').update(text).digest()])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString()
}
