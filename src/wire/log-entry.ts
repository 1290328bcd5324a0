// What an entry of the log carries, as bytes, the same on disk and on the wire: a command (`command.ts`), a change of
// the configuration, or nothing, the leader's own-term no-op. A configuration has the form of a command with a number
// of its own, far above the commands', so that a release that does not know it refuses the log instead of taking it for
// a no-op.

import type { ClusterCommand } from '../../consensus/machines/commands.ts'
import type { Configuration, Entry } from '../../consensus/types.ts'
import { bool, type Codec, list, struct, text } from './codec.ts'
import { COMMAND_VERSION, decodeCommand, encodeCommand, receiveCommand } from './command.ts'
import { MAX_COMMAND_BYTES, MAX_ID_BYTES, MAX_LEARNERS, MAX_STORE_ID_BYTES, MAX_VOTERS } from './limits.ts'
import { logEntryNumbers } from './message-numbers.ts'
import { Reader } from './reader.ts'
import { write } from './writer.ts'

type Content = Pick<Entry<ClusterCommand>, 'command' | 'configuration'>

const voter = struct({ id: text(MAX_ID_BYTES), storeId: text(MAX_STORE_ID_BYTES) })

/** Who votes, who is being replaced, who learns. */
export const configuration: Codec<Configuration> = struct({
  voters: list(voter, MAX_VOTERS),
  outgoing: list(voter, MAX_VOTERS),
  learners: list(voter, MAX_LEARNERS),
})

/** A configuration is encoded once, though it goes to the disk and to every follower. */
const encoded = new WeakMap<Configuration, Uint8Array>()

/**
 * The bytes of what `entry` carries; undefined for a no-op. The caller must not change them. Throws `WireError` for
 * what is too long.
 */
export function encodeContent({ command, configuration: change }: Content): Uint8Array | undefined {
  if (change !== undefined) return encodeConfiguration(change)
  return command === undefined ? undefined : encodeCommand(command)
}

/** Reads what `encodeContent` of any release up to this one wrote. `command` reads a command. Throws `WireError`. */
export function decodeContent(from: Uint8Array | undefined, command = decodeCommand): Content {
  if (from === undefined) return { command: undefined }
  if (from[0] !== COMMAND_VERSION || from[1] !== logEntryNumbers.configuration) return { command: command(from) }
  const reader = new Reader(from, COMMAND_VERSION, 2)
  const change = configuration.decode(reader)
  reader.end()
  return { command: undefined, configuration: change }
}

/** Inside a message: whether there is anything, a length, then the bytes. */
export const content: Codec<Content> = {
  encode: (writer, value) => {
    const bytes = encodeContent(value)
    bool.encode(writer, bytes !== undefined)
    if (bytes !== undefined) writer.bytes(bytes, MAX_COMMAND_BYTES)
  },
  // A follower stores what it was sent.
  decode: (reader) => decodeContent(bool.decode(reader) ? reader.view(MAX_COMMAND_BYTES) : undefined, receiveCommand),
}

function encodeConfiguration(change: Configuration): Uint8Array {
  const before = encoded.get(change)
  if (before !== undefined) return before
  const written = write(COMMAND_VERSION, (writer) => {
    writer.u8(COMMAND_VERSION)
    writer.u8(logEntryNumbers.configuration)
    configuration.encode(writer, change)
  })
  const copy = new Uint8Array(written)
  encoded.set(change, copy)
  return copy
}
