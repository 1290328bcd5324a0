// What the calls of `node.config` may be given beside keys and values, as checks that tell all problems at once.

import { anything, type OptionChecks, oneOf, waitChecks } from '../call-options.ts'
import type {
  ConfigDeleteOptions,
  ConfigReadOptions,
  ConfigTransaction,
  ConfigWatchOptions,
  ConfigWriteOptions,
} from './config-interface.ts'
import { badOptions } from './config-words.ts'

export const readChecks: OptionChecks<ConfigReadOptions> = {
  ...waitChecks,
  consistency: oneOf('linearizable', 'stale'),
}
export const writeChecks: OptionChecks<ConfigWriteOptions> = { ...waitChecks, schema: isSchema }
export const deleteChecks: OptionChecks<ConfigDeleteOptions> = { ...waitChecks, revision: isRevision }
export const watchChecks: OptionChecks<ConfigWatchOptions> = { signal: waitChecks.signal, from: isRevision }
/** Checks and steps are looked at one by one. */
export const transactionChecks: OptionChecks<ConfigTransaction> = { if: anything, do: anything, else: anything }

export function isSchema(value: unknown): string | undefined {
  const standard: unknown = Reflect.get(Object(value), '~standard')
  const isStandard = typeof Reflect.get(Object(standard), 'validate') === 'function'
  return isStandard ? undefined : 'must be a Standard Schema'
}

function isRevision(value: unknown): string | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : `(${String(value)}) must be a revision`
}

export function checkPrefix(prefix: unknown): void {
  if (typeof prefix !== 'string') throw badOptions(`a prefix (${String(prefix)}) must be a text`)
}
