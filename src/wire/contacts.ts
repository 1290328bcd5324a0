// Introductions among fresh nodes: where those can be dialed whom a fresh node is linked to. Nodes that were started
// together may each know only a few of the others; forming needs them to find the same set of each other (design rule
// 2).

import { type Codec, list, struct, text } from './codec.ts'
import { MAX_ADDRESS_BYTES, MAX_CONTACTS, MAX_ID_BYTES } from './limits.ts'

export interface Contact {
  readonly id: string
  /** `host:port` that others dial, as that node said itself. */
  readonly address: string
}

export const contacts: Codec<readonly Contact[]> = list(
  struct({ id: text(MAX_ID_BYTES), address: text(MAX_ADDRESS_BYTES) }),
  MAX_CONTACTS,
)
