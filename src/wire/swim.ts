// The messages of SWIM as bytes. What they mean: `topology/swim/messages.ts`.

import type { SwimMessage, Update } from '../../topology/swim/messages.ts'
import { bool, type Codec, choice, type Family, family, list, struct, text, union, varint } from './codec.ts'
import { MAX_ID_BYTES, MAX_RECORDS_PER_MESSAGE, MAX_UPDATES_PER_MESSAGE } from './limits.ts'
import { incarnation, memberRecord } from './member.ts'
import { accusationKindNumbers, frameNumbers, updateNumbers } from './message-numbers.ts'

const id = text(MAX_ID_BYTES)

const update: Codec<Update> = union(
  family(updateNumbers, {
    record: struct({ record: memberRecord }),
    accusation: struct({ member: id, incarnation, by: id, kind: choice(accusationKindNumbers) }),
  }),
)
const updates = list(update, MAX_UPDATES_PER_MESSAGE)

export const swimFamily: Family<SwimMessage> = family(frameNumbers, {
  ping: struct({ probe: varint, updates }),
  ack: struct({ probe: varint, target: id, updates }),
  'ping-req': struct({ probe: varint, target: id, updates }),
  nack: struct({ probe: varint, target: id, updates }),
  gossip: struct({ updates }),
  'push-pull': struct({ reply: bool, records: list(memberRecord, MAX_RECORDS_PER_MESSAGE) }),
})
