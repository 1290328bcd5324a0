// What is said about a member, as it travels inside messages of membership.

import type { Incarnation, MemberRecord } from '../../topology/types.ts'
import { type Codec, choice, list, struct, text, u16, varint } from './codec.ts'
import { MAX_ADDRESS_BYTES, MAX_ID_BYTES, MAX_NAME_BYTES, MAX_ROLE_BYTES, MAX_ROLES, MAX_ZONE_BYTES } from './limits.ts'
import { conditionNumbers, memberStateNumbers } from './message-numbers.ts'

export const incarnation: Codec<Incarnation> = struct({ generation: varint, refutation: varint })

export const memberRecord: Codec<MemberRecord> = struct({
  id: text(MAX_ID_BYTES),
  name: text(MAX_NAME_BYTES),
  address: text(MAX_ADDRESS_BYTES),
  roles: list(text(MAX_ROLE_BYTES), MAX_ROLES),
  zone: text(MAX_ZONE_BYTES),
  livenessPort: u16,
  incarnation,
  state: choice(memberStateNumbers),
  condition: choice(conditionNumbers),
})
