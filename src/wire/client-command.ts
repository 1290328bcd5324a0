// Commands of clients as bytes: writes of config. They stand in the log inside a session, or by themselves.

import { family, list, optional, struct, text, union, varint } from './codec.ts'
import { MAX_CONFIG_KEY_BYTES, MAX_CONFIG_OPERATIONS, MAX_CONFIG_VALUE_BYTES } from './limits.ts'
import { conditionTestNumbers, operationNumbers } from './message-numbers.ts'

const key = text(MAX_CONFIG_KEY_BYTES)

const condition = union(
  family(conditionTestNumbers, { revision: struct({ key, revision: varint }), exists: struct({ key }) }),
)

const operation = union(
  family(operationNumbers, {
    set: struct({ key, value: text(MAX_CONFIG_VALUE_BYTES) }),
    delete: struct({ key }),
    rollback: struct({ key, revision: varint }),
  }),
)

const operations = list(operation, MAX_CONFIG_OPERATIONS)

/** The fields of each, by its type. */
export const clientCommands = {
  write: struct({
    conditions: list(condition, MAX_CONFIG_OPERATIONS),
    operations,
    otherwise: optional(operations),
  }),
}
