// Between what users say of config and what the log says: steps and checks become operations and conditions, refusals
// become errors, JSON becomes text.

import type {
  ClusterReply,
  ConfigChange,
  ConfigCondition,
  ConfigOperation,
  ConfigRecord,
  ConfigRefusal,
  WriteReply,
} from '../../consensus/index.ts'
import type { JsonValue } from '../channels/payload.ts'
import { ClusterError } from '../errors.ts'
import { jsonText } from '../json-text.ts'
import { MAX_CONFIG_KEY_BYTES, MAX_CONFIG_OPERATIONS, MAX_CONFIG_VALUE_BYTES } from '../wire/limits.ts'
import type { ConfigCheck, ConfigEntry, ConfigEvent, ConfigStep } from './config-interface.ts'

export type Written = Extract<WriteReply, { type: 'written' }>

/** Throws `ERR_BAD_OPTIONS` or `ERR_PAYLOAD_TOO_LARGE`. */
export function checkedKey(key: unknown): string {
  if (typeof key !== 'string' || key === '' || !key.isWellFormed())
    throw badOptions('a key is a text of at least one character')
  const bytes = Buffer.byteLength(key)
  if (bytes <= MAX_CONFIG_KEY_BYTES) return key
  throw tooLarge('the key', bytes, MAX_CONFIG_KEY_BYTES)
}

/**
 * Of a key that may be made. What is there already is read, deleted and rolled back under any. Throws as
 * {@link checkedKey}.
 */
export function checkedNewKey(key: unknown): string {
  if (isDots(key)) throw badOptions(`a key cannot be '${key}': no URL can name it`)
  return checkedKey(key)
}

/** URLs have no such part: whoever reads one goes to the folder instead, however it is encoded. */
export function isDots(text: unknown): boolean {
  return text === '.' || text === '..'
}

/** The JSON text of a value. Throws `ERR_BAD_OPTIONS` or `ERR_PAYLOAD_TOO_LARGE`. */
export function valueText(value: unknown): string {
  // What JSON makes of half a surrogate pair is an escape, so the text itself is always well formed.
  const text = jsonText(value, 'the value')
  const bytes = Buffer.byteLength(text)
  if (bytes <= MAX_CONFIG_VALUE_BYTES) return text
  throw tooLarge('the value', bytes, MAX_CONFIG_VALUE_BYTES)
}

/** Throws `ERR_BAD_OPTIONS`. */
export function checkedRevision(revision: unknown): number {
  if (Number.isSafeInteger(revision) && (revision as number) >= 0) return revision as number
  throw badOptions(`a revision is a whole number, not ${String(revision)}`)
}

export function conditionOf(check: ConfigCheck): ConfigCondition {
  if (typeof check !== 'object' || check === null) throw badOptions('a check is an object')
  const key = checkedKey(check.key)
  if ('revision' in check && hasOnly(check, 'key', 'revision'))
    return { type: 'revision', key, revision: checkedRevision(check.revision) }
  if (!('exists' in check) || typeof check.exists !== 'boolean' || !hasOnly(check, 'key', 'exists'))
    throw badOptions("a check has 'key', and either 'revision' or 'exists'")
  return check.exists ? { type: 'exists', key } : { type: 'revision', key, revision: 0 }
}

export function operationOf(step: ConfigStep): ConfigOperation {
  if (typeof step !== 'object' || step === null) throw badOptions('a step is an object')
  if ('set' in step && hasOnly(step, 'set', 'value'))
    return { type: 'set', key: checkedNewKey(step.set), value: valueText(step.value) }
  if ('delete' in step && hasOnly(step, 'delete')) return { type: 'delete', key: checkedKey(step.delete) }
  if ('rollback' in step && hasOnly(step, 'rollback', 'revision'))
    return { type: 'rollback', key: checkedKey(step.rollback), revision: checkedRevision(step.revision) }
  throw badOptions("a step has either 'set' and 'value', or 'delete' alone, or 'rollback' and 'revision'")
}

/** What else a step or a check says must not be ignored: `{ delete: key, revision }` would delete whatever is there. */
function hasOnly(given: object, ...names: readonly string[]): boolean {
  return Object.keys(given).every((name) => names.includes(name))
}

export function entryOf({ key, value, revision, createRevision }: ConfigRecord): ConfigEntry {
  return { key, value: JSON.parse(value) as JsonValue, revision, createRevision }
}

export function eventOf({ key, value, revision, createRevision }: ConfigChange): ConfigEvent {
  if (value === undefined) return { type: 'delete', key, revision, createRevision }
  return { type: 'set', key, value: JSON.parse(value) as JsonValue, revision, createRevision }
}

/** The changes of a batch, which parts no transaction. */
export function eventsOf(changes: readonly ConfigChange[]): ConfigEvent[] {
  return changes.map((change, position) => {
    const isFollowed = changes[position + 1]?.revision === change.revision
    return isFollowed ? { ...eventOf(change), more: true } : eventOf(change)
  })
}

/** What was written; throws what the machine refused. */
export function written(reply: ClusterReply): Written {
  switch (reply.type) {
    case 'written':
      return reply
    case 'condition-failed': {
      const { key, revision } = reply
      const now = revision === 0 ? 'does not exist' : `has revision ${revision}`
      throw new ClusterError('ERR_REVISION_MISMATCH', `'${key}' ${now}`, { key, revision })
    }
    case 'compacted':
      throw compacted(reply.compacted)
    case 'refused':
      throw refused(reply.reason as ConfigRefusal)
    default:
      throw new ClusterError('ERR_INTERNAL', `a write was answered with ${reply.type}`, {})
  }
}

export function compacted(revision: number): ClusterError {
  const message = `the history is kept from revision ${revision + 1} on`
  return new ClusterError('ERR_COMPACTED', message, { compacted: revision })
}

export function badOptions(problem: string): ClusterError {
  return new ClusterError('ERR_BAD_OPTIONS', problem, { problems: [problem] })
}

/** Throws `ERR_BAD_OPTIONS` for more than a write may have of any. */
export function checkCounts(...lists: readonly (readonly unknown[])[]): void {
  if (lists.some(({ length }) => length > MAX_CONFIG_OPERATIONS)) throw refused('too-many-operations')
}

function refused(reason: ConfigRefusal): ClusterError {
  switch (reason) {
    case 'key-length':
      return tooLarge('the key', MAX_CONFIG_KEY_BYTES + 1, MAX_CONFIG_KEY_BYTES)
    case 'value-length':
      return tooLarge('the value', MAX_CONFIG_VALUE_BYTES + 1, MAX_CONFIG_VALUE_BYTES)
    case 'too-many-keys':
    case 'config-full':
      return new ClusterError('ERR_CONFIG_FULL', `config is full (${reason}): delete something first`, { reason })
    case 'too-many-operations':
      return badOptions(`a transaction has at most ${MAX_CONFIG_OPERATIONS} checks, and as many steps`)
    case 'key-twice':
      return badOptions('a key stands twice among the steps of a transaction')
    case 'not-mergeable':
      return notMergeable()
    case 'future-revision':
      return badOptions('there is no such revision yet')
    default:
      return new ClusterError('ERR_INTERNAL', `a write was refused: ${String(reason)}`, {})
  }
}

/** An offline key of one strategy, and a value that another one made, or that was simply set. */
export function notMergeable(): ClusterError {
  return badOptions('the value of the key is of another strategy, or would be no exact number')
}

function tooLarge(what: string, bytes: number, limit: number): ClusterError {
  return new ClusterError('ERR_PAYLOAD_TOO_LARGE', `${what} has more than ${limit} bytes`, { bytes, limit })
}
