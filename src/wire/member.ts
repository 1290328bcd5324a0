// What is said about a member, as it travels inside messages of membership.

import { Buffer } from 'node:buffer'
import type { Incarnation, MemberRecord } from '../../topology/types.ts'
import { type Codec, choice, list, optional, since, struct, text, u16, varint } from './codec.ts'
import {
  MAX_ADDRESS_BYTES,
  MAX_ID_BYTES,
  MAX_NAME_BYTES,
  MAX_ROLE_BYTES,
  MAX_ROLES,
  MAX_SIGNATURE_BYTES,
  MAX_ZONE_BYTES,
} from './limits.ts'
import { conditionNumbers, memberStateNumbers } from './message-numbers.ts'
import { SIGNED_VERSION } from './versions.ts'

export const incarnation: Codec<Incarnation> = struct({ generation: varint, refutation: varint })

const fields = struct({
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

/** As text in the record: a copied text is lighter than bytes of its own. */
const shown: Codec<string> = {
  encode: (writer, value) => writer.bytes(Buffer.from(value, 'base64url'), MAX_SIGNATURE_BYTES),
  decode: (reader) => Buffer.from(reader.bytes(MAX_SIGNATURE_BYTES)).toString('base64url'),
}
const signature = since(SIGNED_VERSION, optional(shown), undefined)

export const memberRecord: Codec<MemberRecord> = {
  encode: (writer, record) => {
    fields.encode(writer, record)
    signature.encode(writer, record.signature)
  },
  decode: (reader) => {
    const record = fields.decode(reader)
    const signed = signature.decode(reader)
    return signed === undefined ? record : { ...record, signature: signed }
  },
}
