// What simulated users send.

import type { Outgoing } from '../../../../topology/index.ts'
import type { NumberedMessage } from './message-oracle.ts'

export type SimulatedMessage = Outgoing & NumberedMessage & { readonly floor: number }
