// What travels over a simulated link: the same messages the wire carries, but as objects. They are never changed once
// sent, so both ends may hold the same one.

import type { ClusterCommand, RaftMessage } from '../../../consensus/index.ts'
import type { FormingMessage, SwimMessage } from '../../../topology/index.ts'

export type Packet =
  /** Refused by a node of another cluster, as the handshake does. */
  | {
      readonly type: 'raft'
      readonly clusterId: string
      /** The log its sender votes with, as the handshake proved. */
      readonly storeId: string
      readonly message: RaftMessage<ClusterCommand>
    }
  | { readonly type: 'swim'; readonly message: SwimMessage }
  | { readonly type: 'forming'; readonly message: FormingMessage }
  /** The host of S5 tells a member what to do; the receiver refuses it below the largest token it has seen. */
  | { readonly type: 's5-order'; readonly token: number }
