// The messages of HyParView as bytes. What they mean: `topology/hyparview/messages.ts`.

import type { Adjacency, Candidate, HyParViewMessage } from '../../topology/hyparview/messages.ts'
import type { OverlayCodec } from '../../topology/overlay.ts'
import { bool, type Codec, choice, family, list, struct, text, u32, union, varint } from './codec.ts'
import {
  MAX_ADJACENCIES_PER_MESSAGE,
  MAX_ID_BYTES,
  MAX_NEIGHBORS,
  MAX_SHUFFLE_CANDIDATES,
  MAX_WALK_HOPS,
} from './limits.ts'
import { hyParViewNumbers, neighborPriorityNumbers } from './message-numbers.ts'
import { overlayCodec } from './overlay.ts'

const id = text(MAX_ID_BYTES)
const candidate: Codec<Candidate> = struct({ id, age: varint })
const sample = list(candidate, MAX_SHUFFLE_CANDIDATES)
const path = list(id, MAX_WALK_HOPS)
const adjacency: Codec<Adjacency> = struct({
  id,
  generation: varint,
  sequence: varint,
  neighbors: list(id, MAX_NEIGHBORS),
})

export const hyParViewMessage: Codec<HyParViewMessage> = union(
  family(hyParViewNumbers, {
    join: struct({ epoch: varint }),
    'forward-join': struct({ member: id, timeToLive: varint }),
    neighbor: struct({ epoch: varint, priority: choice(neighborPriorityNumbers) }),
    'neighbor-reply': struct({ epoch: varint, accepted: bool }),
    disconnect: struct({ epoch: varint }),
    shuffle: struct({ path, timeToLive: varint, sample }),
    'shuffle-reply': struct({ path, sample }),
    'keep-alive': struct({ epoch: varint, digest: u32 }),
    links: struct({ adjacencies: list(adjacency, MAX_ADJACENCIES_PER_MESSAGE) }),
  }),
)

export const hyParViewCodec: OverlayCodec<HyParViewMessage> = overlayCodec(hyParViewMessage)
