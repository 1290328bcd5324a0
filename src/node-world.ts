// What a node takes from the world it lives in: time, chance, storage and a network. `createNode` gives it this
// machine; a cluster in virtual time gives it a world of its own, so that nothing else of a node has to know of it.

import type { Random, SwimOptions } from '../topology/index.ts'
import type { ResolvedOptions } from './options.ts'
import { systemClock, type Time } from './runtime/clock.ts'
import { watchLoopDelay } from './runtime/loop-delay.ts'
import { clusterNameOf } from './self.ts'
import { DataDirectory } from './storage/data-directory.ts'
import { MemoryDirectory } from './storage/memory-directory.ts'
import type { NodeStorage } from './storage/node-storage.ts'
import { type Identity, loadIdentity } from './transport/identity.ts'
import type { TransportContext } from './transport/provider.ts'
import type { Transport } from './transport/transport.ts'

/** Well below every election timeout, well above a busy turn. */
export const AWAY_THRESHOLD_MS = 200

export interface NodeWorld {
  readonly clock: Time
  readonly random: Random
  /** Calls `report` now and then with how late the event loop is, in milliseconds, until disposed. */
  readonly watchLoopDelay: (report: (ms: number) => void) => Disposable
  /** Lets nothing of this node run for so long. */
  readonly standStill: (ms: number) => void
  /** A gap between two turns that counts as an absence, in milliseconds. */
  readonly awayThresholdMs: number
  /** Membership other than by the options, for measurements of what it is compared with. */
  readonly swim?: SwimOptions
  readonly openStorage: (options: ResolvedOptions) => Promise<NodeStorage>
  /**
   * A transport that proves `identity`; `onRefused` hears of strangers that it turned away. Absent: those that the
   * option `transport` names, over the network of this machine.
   */
  readonly transport?: (identity: Identity, onRefused: TransportContext['onRefused']) => Transport
}

/** The machine that this process runs on. */
export const thisMachine: NodeWorld = {
  clock: systemClock,
  random: Math.random,
  watchLoopDelay,
  awayThresholdMs: AWAY_THRESHOLD_MS,
  standStill: (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
  openStorage: async ({ dataDir, cluster: name, coordination }) => {
    const cluster = clusterNameOf(name, coordination?.name)
    const identify = (privateKeyPem: string): string => loadIdentity(privateKeyPem).id
    return dataDir === undefined
      ? MemoryDirectory.open({ cluster, identify })
      : DataDirectory.open(dataDir, { cluster, identify })
  },
}
