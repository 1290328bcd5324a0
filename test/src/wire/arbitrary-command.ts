// Any command of the log, as fast-check draws them.

import fc from 'fast-check'
import type { ClientCommand, ClusterCommand } from '../../../consensus/index.ts'
import { bytes, maybe, number, text } from './arbitrary-values.ts'

const condition = fc.oneof(
  fc.record({ type: fc.constant('revision' as const), key: text, revision: number }),
  fc.record({ type: fc.constant('exists' as const), key: text }),
)
const operation = fc.oneof(
  fc.record({ type: fc.constant('set' as const), key: text, value: text }),
  fc.record({ type: fc.constant('delete' as const), key: text }),
  fc.record({ type: fc.constant('rollback' as const), key: text, revision: number }),
  fc.record({ type: fc.constant('merge-count' as const), key: text, add: number, subtract: number }),
  fc.record({ type: fc.constant('merge-item' as const), key: text, item: text, isIn: fc.boolean() }),
  fc.record({ type: fc.constant('merge-latest' as const), key: text, value: text, at: number, by: text }),
)
const operations = fc.array(operation, { maxLength: 4 })
const claimed = {
  kind: fc.constantFrom(...(['lock', 'semaphore', 'election', 'barrier', 'singleton'] as const)),
  name: text,
}

const clientCommand: fc.Arbitrary<ClientCommand> = fc.oneof(
  fc.record({
    type: fc.constant('write' as const),
    conditions: fc.array(condition, { maxLength: 3 }),
    operations,
    otherwise: maybe(operations),
  }),
  fc.record({
    ...claimed,
    ...{ type: fc.constant('claim' as const), owner: text, leaseMs: number, limit: number, waits: fc.boolean() },
    value: text,
  }),
  fc.record({
    type: fc.constantFrom('renew-claim' as const, 'end-claim' as const),
    ...claimed,
    claim: number,
  }),
  fc.record({ type: fc.constant('expire-claim' as const), ...claimed, claim: number, renewedAt: number }),
  fc.record({ type: fc.constant('count' as const), name: text, add: number, subtract: number }),
)

const sessionCommand: fc.Arbitrary<ClusterCommand> = fc.oneof(
  fc.constant({ type: 'open-session' as const }),
  fc.record({
    type: fc.constant('in-session' as const),
    session: number,
    sequence: number,
    floor: number,
    command: clientCommand,
  }),
)

const memberCommand: fc.Arbitrary<ClusterCommand> = fc.oneof(
  fc.record({ type: fc.constant('bind-name' as const), name: text, id: text, replaces: maybe(text) }),
  fc.record({ type: fc.constant('activate' as const), singleton: text, host: text, term: number }),
  fc.record({ type: fc.constant('release' as const), singleton: text, token: number }),
  fc.record({ type: fc.constant('decide' as const), singleton: text, token: number, payload: bytes }),
  fc.record({ type: fc.constant('found-topology' as const), name: text }),
  fc.record({
    type: fc.constant('dissolve' as const),
    into: text,
    members: fc.array(fc.record({ id: text, name: text, address: text }), { maxLength: 3 }),
    dropsData: fc.boolean(),
  }),
  fc.record({ type: fc.constant('agree-level' as const), level: number }),
  fc.record({
    type: fc.constant('propose-topology' as const),
    epoch: number,
    to: text,
    request: text,
    required: fc.array(text, { maxLength: 4 }),
    timeoutMs: number,
    at: number,
  }),
  fc.record({ type: fc.constant('strike-member' as const), proposal: number, member: text }),
  fc.record({ type: fc.constant('commit-topology' as const), proposal: number }),
  fc.record({ type: fc.constant('abort-topology' as const), proposal: number, reason: text }),
)

/** Cloned, because fast-check likes objects without a prototype and a decoder makes plain ones. */
export const arbitraryCommand: fc.Arbitrary<ClusterCommand> = fc
  .oneof(memberCommand, clientCommand, sessionCommand)
  .map((command) => structuredClone(command))
