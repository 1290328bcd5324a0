// The messages of Plumtree as bytes. What they mean: `topology/plumtree/messages.ts`.

import type { Announcement, BroadcastId, PlumtreeMessage } from '../../topology/plumtree/messages.ts'
import { bytes, type Codec, type Family, family, list, optional, struct, text, u8, varint } from './codec.ts'
import { MAX_ANNOUNCEMENTS_PER_MESSAGE, MAX_BROADCAST_BYTES, MAX_ID_BYTES } from './limits.ts'
import { frameNumbers } from './message-numbers.ts'

const id: Codec<BroadcastId> = struct({ origin: text(MAX_ID_BYTES), generation: varint, sequence: varint })
const announcement: Codec<Announcement> = struct({ id, hops: u8 })

export const plumtreeFamily: Family<PlumtreeMessage> = family(frameNumbers, {
  push: struct({ id, hops: u8, payload: bytes(MAX_BROADCAST_BYTES) }),
  'i-have': struct({ announcements: list(announcement, MAX_ANNOUNCEMENTS_PER_MESSAGE) }),
  graft: struct({ id: optional(id) }),
  prune: struct({}),
})
