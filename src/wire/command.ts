// Commands of the cluster's log as bytes: the same on disk and on the wire. A command has exactly one encoding, so a
// follower stores byte for byte what the leader sent. Grammar: version byte, number byte, fields. The version belongs
// to the command, not to the link, for a log outlives the release that wrote it: a reader knows every version there
// was.

import type { ClientCommand, ClusterCommand } from '../../consensus/machines/commands.ts'
import { clientCommands } from './client-command.ts'
import { bool, bytes, type Codec, family, list, optional, struct, text, union, varint } from './codec.ts'
import {
  MAX_ADDRESS_BYTES,
  MAX_DECISION_BYTES,
  MAX_ID_BYTES,
  MAX_LABEL_BYTES,
  MAX_MERGE_MEMBERS,
  MAX_NAME_BYTES,
  MAX_REQUIRED_MEMBERS,
  MAX_STORE_ID_BYTES,
} from './limits.ts'
import { clientCommandNumbers, commandNumbers } from './message-numbers.ts'
import { Reader } from './reader.ts'
import { RecentEncodings } from './recent-encodings.ts'
import { WireError } from './wire-error.ts'
import { write } from './writer.ts'

/** The version in which commands are written. */
export const COMMAND_VERSION = 1

const id = text(MAX_ID_BYTES)
const label = text(MAX_LABEL_BYTES)
const singleton = label

const inner: Codec<ClientCommand> = union(family(clientCommandNumbers, clientCommands))

/** Written out, as around a write (`client-command.ts`) and its message (`raft.ts`). */
const inSession: Codec<Extract<ClusterCommand, { type: 'in-session' }>> = {
  encode: (writer, command) => {
    writer.varint(command.session)
    writer.varint(command.sequence)
    writer.varint(command.floor)
    inner.encode(writer, command.command)
  },
  decode: (reader) => ({
    type: 'in-session',
    session: reader.varint(),
    sequence: reader.varint(),
    floor: reader.varint(),
    command: inner.decode(reader),
  }),
}

const fields: Codec<ClusterCommand> = union(
  family(commandNumbers, {
    'bind-name': struct({ name: text(MAX_NAME_BYTES), id, replaces: optional(id) }),
    activate: struct({ singleton, host: id, term: varint }),
    release: struct({ singleton, token: varint }),
    decide: struct({ singleton, token: varint, payload: bytes(MAX_DECISION_BYTES) }),
    'agree-level': struct({ level: varint }),
    dissolve: struct({
      into: text(MAX_STORE_ID_BYTES),
      members: list(struct({ id, name: text(MAX_NAME_BYTES), address: text(MAX_ADDRESS_BYTES) }), MAX_MERGE_MEMBERS),
      dropsData: bool,
    }),
    'found-topology': struct({ name: label }),
    'propose-topology': struct({
      epoch: varint,
      to: label,
      request: label,
      required: list(id, MAX_REQUIRED_MEMBERS),
      timeoutMs: varint,
      at: varint,
    }),
    'strike-member': struct({ proposal: varint, member: id }),
    'commit-topology': struct({ proposal: varint }),
    'abort-topology': struct({ proposal: varint, reason: label }),
    'open-session': struct({}),
    'in-session': inSession,
    ...clientCommands,
  }),
)

/** A command is encoded once, though it goes to the disk and to every follower. */
const encoded = new RecentEncodings<ClusterCommand>()

/**
 * The bytes of a command. The caller must change neither; who keeps them for long copies them (see `writer.ts`). Throws
 * `WireError` for one that is too long.
 */
export function encodeCommand(command: ClusterCommand): Uint8Array {
  const before = encoded.get(command)
  if (before !== undefined) return before
  const written = write(COMMAND_VERSION, (writer) => {
    writer.u8(COMMAND_VERSION)
    fields.encode(writer, command)
  })
  encoded.set(command, written)
  return written
}

/**
 * What {@link decodeCommand} reads; its bytes, of which a copy is kept for a while, are not made again by
 * {@link encodeCommand} soon after.
 */
export function receiveCommand(from: Uint8Array): ClusterCommand {
  const command = decodeCommand(from)
  encoded.set(command, from)
  return command
}

/** Reads what any release up to this one wrote. Throws `WireError`. */
export function decodeCommand(from: Uint8Array): ClusterCommand {
  const version = from[0]
  if (version === undefined) throw new WireError('truncated', 'a command is empty')
  if (version !== COMMAND_VERSION) throw new WireError('unknown-number', `a command has version ${version}`)
  const reader = new Reader(from, version, 1)
  const command = fields.decode(reader)
  reader.end()
  return command
}
