// What the calls of `node.config` may be given beside keys and values, as checks that tell all problems at once.

import type { ConfigCondition, ConfigOperation } from '../../consensus/index.ts'
import { checkAll, checkedOptions, type OptionChecks, oneOf, waitChecks } from '../call-options.ts'
import type {
  ConfigCallOptions,
  ConfigDeleteOptions,
  ConfigReadOptions,
  ConfigStep,
  ConfigTransaction,
  ConfigWatchOptions,
  ConfigWriteOptions,
} from './config-interface.ts'
import { badOptions, checkCounts, conditionOf, operationOf } from './config-words.ts'
import { isSchema } from './schema-check.ts'

export const readChecks: OptionChecks<ConfigReadOptions> = {
  ...waitChecks,
  consistency: oneOf('linearizable', 'stale'),
}
export const writeChecks: OptionChecks<ConfigWriteOptions> = { ...waitChecks, schema: isSchema }
export const deleteChecks: OptionChecks<ConfigDeleteOptions> = { ...waitChecks, revision: isRevision }
export const watchChecks: OptionChecks<ConfigWatchOptions> = { signal: waitChecks.signal, from: isRevision }
const transactionChecks: OptionChecks<ConfigTransaction> = { if: isList, do: isList, else: isList }

/** A transaction in the words of the log. */
export interface ParsedTransaction {
  readonly conditions: readonly ConfigCondition[]
  readonly operations: readonly ConfigOperation[]
  readonly others: readonly ConfigOperation[]
}

/**
 * Throws with everything that is wrong with a transaction and with the options of its call. With `values-later` the
 * values of its steps are not looked at, and are not in its operations.
 */
export function parsedTransaction(
  transaction: ConfigTransaction,
  options: ConfigCallOptions,
  extent: 'all' | 'values-later',
): ParsedTransaction {
  const conditions: ConfigCondition[] = []
  const operations: ConfigOperation[] = []
  const others: ConfigOperation[] = []
  const operation = (step: ConfigStep): ConfigOperation =>
    operationOf(extent === 'all' || !isSet(step) ? step : { ...step, value: null })
  checkAll(
    () => checkedOptions(transaction, transactionChecks, ['do']),
    () => checkCounts(itemsOf(transaction?.if), itemsOf(transaction?.do), itemsOf(transaction?.else)),
    ...itemsOf(transaction?.if).map((check) => () => conditions.push(conditionOf(check))),
    ...itemsOf(transaction?.do).map((step) => () => operations.push(operation(step))),
    ...itemsOf(transaction?.else).map((step) => () => others.push(operation(step))),
    () => checkedOptions(options, waitChecks),
  )
  return { conditions, operations, others }
}

/** Of a step that may be anything. */
export function isSet(step: ConfigStep): step is Extract<ConfigStep, { readonly set: string }> {
  return typeof step === 'object' && step !== null && 'set' in step
}

function isList(value: unknown): string | undefined {
  return Array.isArray(value) ? undefined : 'must be a list'
}

/** What is no list has been told of; what is missing in one is undefined, and told of, too. */
function itemsOf<Item>(list: readonly Item[] | undefined): readonly Item[] {
  return Array.isArray(list) ? Array.from(list) : []
}

function isRevision(value: unknown): string | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : `(${String(value)}) must be a revision`
}

export function checkPrefix(prefix: unknown): void {
  if (typeof prefix !== 'string') throw badOptions(`a prefix (${String(prefix)}) must be a text`)
}
