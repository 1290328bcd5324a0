// What a node's lifecycle is given, and whom it tells what.

import type { RaftOptions, VoterPolicyOptions } from '../consensus/index.ts'
import type { OverlayDefinition, SwimEvent, SwimOptions } from '../topology/index.ts'
import type { HostOrder } from './coordination/host-driver.ts'
import type { ClusterError } from './errors.ts'
import type { OverlayOptions } from './membership/tuned-overlays.ts'
import type { NodeParts } from './node-part.ts'
import type { Toolbox } from './runtime/toolbox.ts'
import type { Self } from './self.ts'
import type { NodeStorage } from './storage/node-storage.ts'
import type { Transport } from './transport/transport.ts'
import type { Keyring } from './wire/secrets.ts'

export type Stage = 'seeking' | 'joining' | 'member' | 'stopped'

export interface LifecycleOptions {
  readonly self: Self
  readonly join: readonly string[]
  /** How many fresh nodes form; undefined: it only joins. */
  readonly expect: number | undefined
  /** Overlays of the user's own, beside the built-in ones. */
  readonly overlays: readonly OverlayDefinition<unknown>[]
  readonly overlayOptions?: OverlayOptions
  readonly raft: RaftOptions
  readonly voters: VoterPolicyOptions
  readonly swim: SwimOptions
  readonly transport: Transport
  readonly keyring: Keyring
  readonly storage: NodeStorage
  readonly toolbox: Toolbox
  /** What lives in the node beside membership and agreement. */
  readonly features: NodeParts
  readonly onStage: (stage: Stage) => void
  readonly onMember: (event: Extract<SwimEvent, { type: 'member' | 'forgotten' }>) => void
  readonly onLink: (peer: string, state: 'up' | 'down', reason: string | undefined) => void
  /** Leader, term, record or S5 may have changed. */
  readonly onCoordination: () => void
  readonly onHost: (order: HostOrder) => unknown
  /** A seed refused this node while it seeks. */
  readonly onUnwelcome: (error: ClusterError, seed: string) => void
  /** The node cannot go on. */
  readonly onFatal: (error: ClusterError) => void
}
