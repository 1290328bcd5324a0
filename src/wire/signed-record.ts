// What a member signs of itself, with the key that its id is made of: so whoever has the record can test it, however
// many members it came through. `topology/swim/signatures.ts` says whose word counts on what; here is what the
// signature is made of:
//
//   statement = text "trellis-member-1"  id  generation  refutation  u8 (1: it leaves)  its process, 8 bytes
//               SHA-256 of name, address, roles, zone, livenessPort
//   signature = the 8 bytes of its process, and Ed25519 of the statement
//   evidence  = generation  refutation  u8  the 8 bytes  SHA-256  Ed25519: enough to show a member that it has signed
//               in a later life
//
// The process is in it so that of two copies of one life the second can be shown the word of the first.

import { Buffer } from 'node:buffer'
import { createHash, sign, verify } from 'node:crypto'
import type { Incarnation, MemberRecord, Signatures } from '../../topology/index.ts'
import { type Identity, publicKeyOf } from '../transport/identity.ts'
import { bool, fixedBytes, list, struct, text, u16 } from './codec.ts'
import { INSTANCE_BYTES } from './hello.ts'
import { MAX_ADDRESS_BYTES, MAX_ID_BYTES, MAX_NAME_BYTES, MAX_ROLE_BYTES, MAX_ROLES, MAX_ZONE_BYTES } from './limits.ts'
import { incarnation } from './member.ts'
import { Reader } from './reader.ts'
import { SIGNED_VERSION } from './versions.ts'
import { WireError } from './wire-error.ts'
import { write } from './writer.ts'

const LABEL = 'trellis-member-1'
const MAX_LABEL_BYTES = 32
const DIGEST_BYTES = 32
const SIGNATURE_BYTES = 64
/** Statements that were tested and hold, for records that come again; past that the oldest is tested again. */
const MAX_TESTED = 4_096

/** What is signed, without what is constant. */
interface Statement {
  readonly incarnation: Incarnation
  readonly leaves: boolean
  readonly instance: Uint8Array
  readonly digest: Uint8Array
}

const id = text(MAX_ID_BYTES)
const label = text(MAX_LABEL_BYTES)
const own = struct({
  name: text(MAX_NAME_BYTES),
  address: text(MAX_ADDRESS_BYTES),
  roles: list(text(MAX_ROLE_BYTES), MAX_ROLES),
  zone: text(MAX_ZONE_BYTES),
  livenessPort: u16,
})
const statementFields = {
  incarnation,
  leaves: bool,
  instance: fixedBytes(INSTANCE_BYTES),
  digest: fixedBytes(DIGEST_BYTES),
} as const
const statement = struct(statementFields)
const evidence = struct({ ...statementFields, signature: fixedBytes(SIGNATURE_BYTES) })

/** By signature: the member and statement under which it was found to stand. One for all nodes of a process. */
const tested = new Map<string, string>()

/** Signs for one life of one member, and tests what others have signed. */
export class RecordSigner implements Signatures {
  readonly #identity: Identity
  readonly #instance: Uint8Array
  #evidence: Uint8Array | undefined

  /** `instance`: the random bytes of this process, as in its hello. */
  constructor(identity: Identity, instance: Uint8Array) {
    this.#identity = identity
    this.#instance = instance
  }

  readonly sign = (record: MemberRecord): string => {
    const bytes = statementBytes(record.id, statementOf(record, this.#instance))
    const signature = sign(null, bytes, this.#identity.privateKey)
    return Buffer.concat([this.#instance, signature]).toString('base64url')
  }

  /** For the hellos of this life, whose first record it is; signed once. */
  evidenceOfLife(record: MemberRecord): Uint8Array {
    this.#evidence ??= evidenceOf({ ...record, signature: this.sign(record) })
    return this.#evidence as Uint8Array
  }

  readonly holds = (record: MemberRecord): boolean => {
    const shown = Buffer.from(record.signature ?? '', 'base64url')
    if (shown.length !== INSTANCE_BYTES + SIGNATURE_BYTES) return false
    const said = statementBytes(record.id, statementOf(record, shown.subarray(0, INSTANCE_BYTES)))
    return isSigned(record.id, said, shown.subarray(INSTANCE_BYTES))
  }

  /**
   * The generation of a life of this very member that is another than this and not before it; undefined: the evidence
   * shows none.
   */
  laterLife(bytes: Uint8Array, generation: number): number | undefined {
    try {
      const reader = new Reader(bytes, SIGNED_VERSION)
      const { signature, ...said } = evidence.decode(reader)
      const isThisLife =
        said.incarnation.generation === generation && Buffer.compare(said.instance, this.#instance) === 0
      if (reader.remaining > 0 || said.incarnation.generation < generation || isThisLife) return undefined
      const { id: self, publicKey } = this.#identity
      return verify(null, statementBytes(self, said), publicKey, signature) ? said.incarnation.generation : undefined
    } catch (error) {
      if (error instanceof WireError) return undefined
      throw error
    }
  }
}

/**
 * What can be shown to the member itself, as {@link RecordSigner.laterLife} reads it; undefined: the record is not
 * signed.
 */
export function evidenceOf(record: MemberRecord): Uint8Array | undefined {
  const shown = Buffer.from(record.signature ?? '', 'base64url')
  if (shown.length !== INSTANCE_BYTES + SIGNATURE_BYTES) return undefined
  const said = statementOf(record, shown.subarray(0, INSTANCE_BYTES))
  const value = { ...said, signature: shown.subarray(INSTANCE_BYTES) }
  return new Uint8Array(write(SIGNED_VERSION, (writer) => evidence.encode(writer, value)))
}

function statementOf(record: MemberRecord, instance: Uint8Array): Statement {
  const described = write(SIGNED_VERSION, (writer) => own.encode(writer, record))
  const digest = createHash('sha256').update(described).digest()
  return { incarnation: record.incarnation, leaves: record.state === 'left', instance, digest }
}

function statementBytes(member: string, said: Statement): Uint8Array {
  return write(SIGNED_VERSION, (writer) => {
    label.encode(writer, LABEL)
    id.encode(writer, member)
    statement.encode(writer, said)
  })
}

function isSigned(member: string, said: Uint8Array, signature: Uint8Array): boolean {
  const key = Buffer.from(signature).toString('latin1')
  const value = Buffer.from(said).toString('latin1')
  if (tested.get(key) === value) return true
  const publicKey = publicKeyOf(member)
  if (publicKey === undefined || !verify(null, said, publicKey, signature)) return false
  tested.set(key, value)
  for (const oldest of tested.keys()) {
    if (tested.size <= MAX_TESTED) break
    tested.delete(oldest)
  }
  return true
}
