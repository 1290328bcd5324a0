// Commands of clients as bytes: writes of config, claims, counters. They stand in the log inside a session, or by
// themselves.

import type { ClientCommand } from '../../consensus/machines/commands.ts'
import type { ConfigOperation } from '../../consensus/machines/config-commands.ts'
import { bool, type Codec, choice, family, list, optional, struct, text, union, varint } from './codec.ts'
import {
  MAX_CLAIM_VALUE_BYTES,
  MAX_CONFIG_KEY_BYTES,
  MAX_CONFIG_OPERATIONS,
  MAX_CONFIG_VALUE_BYTES,
  MAX_ID_BYTES,
  MAX_NAME_BYTES,
} from './limits.ts'
import { claimKindNumbers, conditionTestNumbers, operationNumbers } from './message-numbers.ts'

const key = text(MAX_CONFIG_KEY_BYTES)

const condition = union(
  family(conditionTestNumbers, { revision: struct({ key, revision: varint }), exists: struct({ key }) }),
)

const set: Codec<Extract<ConfigOperation, { type: 'set' }>> = {
  encode: (writer, operation) => {
    writer.text(operation.key, MAX_CONFIG_KEY_BYTES)
    writer.text(operation.value, MAX_CONFIG_VALUE_BYTES)
  },
  decode: (reader) => ({
    type: 'set',
    key: reader.text(MAX_CONFIG_KEY_BYTES),
    value: reader.text(MAX_CONFIG_VALUE_BYTES),
  }),
}

const operation = union(
  family(operationNumbers, {
    set,
    delete: struct({ key }),
    rollback: struct({ key, revision: varint }),
    'merge-count': struct({ key, add: varint, subtract: varint }),
    'merge-item': struct({ key, item: text(MAX_CONFIG_VALUE_BYTES), isIn: bool }),
    'merge-latest': struct({ key, value: text(MAX_CONFIG_VALUE_BYTES), at: varint, by: text(MAX_ID_BYTES) }),
  }),
)

const conditions = list(condition, MAX_CONFIG_OPERATIONS)
const operations = list(operation, MAX_CONFIG_OPERATIONS)
const otherwise = optional(operations)

const write: Codec<Extract<ClientCommand, { type: 'write' }>> = {
  encode: (writer, command) => {
    conditions.encode(writer, command.conditions)
    operations.encode(writer, command.operations)
    otherwise.encode(writer, command.otherwise)
  },
  decode: (reader) => ({
    type: 'write',
    conditions: conditions.decode(reader),
    operations: operations.decode(reader),
    otherwise: otherwise.decode(reader),
  }),
}

const name = text(MAX_NAME_BYTES)
const claimed = { kind: choice(claimKindNumbers), name }

/** The fields of each, by its type. */
export const clientCommands = {
  write,
  claim: struct({
    ...claimed,
    owner: text(MAX_ID_BYTES),
    leaseMs: varint,
    limit: varint,
    waits: bool,
    value: text(MAX_CLAIM_VALUE_BYTES),
  }),
  'renew-claim': struct({ ...claimed, claim: varint }),
  'end-claim': struct({ ...claimed, claim: varint }),
  'expire-claim': struct({ ...claimed, claim: varint, renewedAt: varint }),
  count: struct({ name, add: varint, subtract: varint }),
}
