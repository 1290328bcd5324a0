// The messages of cluster forming as bytes. What they mean: `topology/forming/messages.ts`.

import type { FormingMessage, Founder } from '../../topology/forming/messages.ts'
import { bool, type Codec, type Family, family, list, struct, text, varint } from './codec.ts'
import { MAX_FOUNDERS, MAX_ID_BYTES, MAX_STORE_ID_BYTES } from './limits.ts'
import { frameNumbers } from './message-numbers.ts'

const id = text(MAX_ID_BYTES)
const storeId = text(MAX_STORE_ID_BYTES)
const set = list(id, MAX_FOUNDERS)
const founder: Codec<Founder> = struct({ id, storeId })

export const formingFamily: Family<FormingMessage> = family(frameNumbers, {
  candidate: struct({ expect: varint, storeId, found: set }),
  confirm: struct({ set, storeId, round: varint, answers: varint }),
  renounce: struct({ set, round: varint, answers: varint }),
  inquire: struct({ set, round: varint }),
  vouch: struct({ set, founders: list(founder, MAX_FOUNDERS), answers: varint }),
  formed: struct({ set, founders: list(founder, MAX_FOUNDERS), alive: bool }),
})
