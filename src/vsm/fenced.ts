// The bytes of what S5 sends: a command with its fencing token, and a decision as the log keeps it. Both say whether
// the payload is bytes or JSON, so that it arrives as it was given.

import { decodePayload, encodePayload, type Payload } from '../channels/payload.ts'
import { bytes, choice, struct, varint } from '../wire/codec.ts'
import { MAX_DECISION_BYTES, MAX_PAYLOAD_BYTES } from '../wire/limits.ts'
import { encodingNumbers } from '../wire/message-numbers.ts'
import { Reader } from '../wire/reader.ts'
import { PROTOCOL_VERSION } from '../wire/versions.ts'
import { write } from '../wire/writer.ts'

/** What the token, the encoding and the length take of one envelope or one entry of the log, at most. */
const HEADER_BYTES = 16
const MAX_COMMAND_PAYLOAD_BYTES = MAX_PAYLOAD_BYTES - HEADER_BYTES
const MAX_DECISION_PAYLOAD_BYTES = MAX_DECISION_BYTES - HEADER_BYTES

const fencedCommand = struct({
  token: varint,
  encoding: choice(encodingNumbers),
  payload: bytes(MAX_COMMAND_PAYLOAD_BYTES),
})
const decision = struct({ encoding: choice(encodingNumbers), payload: bytes(MAX_DECISION_BYTES) })

/** Throws `ERR_PAYLOAD_TOO_LARGE`. */
export function encodeCommand(token: number, value: Payload): Uint8Array {
  const encoded = encodePayload(value, MAX_COMMAND_PAYLOAD_BYTES)
  return write(PROTOCOL_VERSION, (writer) => fencedCommand.encode(writer, { token, ...encoded }))
}

/** Throws `WireError` when it is no command. */
export function decodeCommand(encoded: Uint8Array): { token: number; payload: Payload } {
  const reader = new Reader(encoded, PROTOCOL_VERSION)
  const command = fencedCommand.decode(reader)
  reader.end()
  return { token: command.token, payload: decodePayload(command) }
}

/** Throws `ERR_PAYLOAD_TOO_LARGE` when it does not fit into one entry of the log. */
export function encodeDecision(value: Payload): Uint8Array {
  const encoded = encodePayload(value, MAX_DECISION_PAYLOAD_BYTES)
  // The log keeps it for long, and nothing that it was written beside.
  return new Uint8Array(write(PROTOCOL_VERSION, (writer) => decision.encode(writer, encoded)))
}

/** Throws `WireError` when it is no decision. */
export function decodeDecision(encoded: Uint8Array): Payload {
  const reader = new Reader(encoded, PROTOCOL_VERSION)
  const decoded = decision.decode(reader)
  reader.end()
  return decodePayload(decoded)
}
