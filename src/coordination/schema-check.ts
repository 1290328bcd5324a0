// One value against one Standard Schema, and its refusal in words. A schema is a user's function: it may throw, reject,
// and answer with anything. Then the value has not passed, and the error has what was thrown as its `cause`.

import { ClusterError } from '../errors.ts'
import type { SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.ts'

/**
 * What a value that does not pass is called, and whether something has happened by then: what a method answered it has
 * done.
 */
export interface Checked {
  readonly what: string
  readonly mayHaveHappened?: boolean
}

/** A check of an option that is one. */
export function isSchema(value: unknown): string | undefined {
  const standard: unknown = Reflect.get(Object(value), '~standard')
  const isStandard = typeof Reflect.get(Object(standard), 'validate') === 'function'
  return isStandard ? undefined : 'must be a Standard Schema'
}

/** The value as the schema leaves it; without a schema as it is. Rejects with `ERR_INVALID_VALUE`. */
export async function checkValue(
  checked: Checked,
  value: unknown,
  schema: StandardSchema | undefined,
): Promise<unknown> {
  if (!schema) return value
  return passed(checked, await attempted(checked, () => schema['~standard'].validate(value)))
}

/** The same at once. A schema that answers later has not let it pass. */
export function checkValueNow(checked: Checked, value: unknown, schema: StandardSchema): unknown {
  let answer: unknown
  try {
    answer = schema['~standard'].validate(value)
  } catch (error) {
    throw failed(checked, error)
  }
  if (typeof answer === 'object' && answer !== null && 'then' in answer) {
    Promise.resolve(answer).catch(() => {})
    throw refused(checked, ['its schema answers later, and this has to be known at once'])
  }
  return passed(checked, answer)
}

async function attempted(checked: Checked, validate: () => unknown): Promise<unknown> {
  try {
    return await validate()
  } catch (error) {
    throw failed(checked, error)
  }
}

function passed(checked: Checked, answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null) throw failed(checked, new TypeError('it answered with no result'))
  const result = answer as SchemaResult<unknown>
  if (result.issues) throw refused(checked, issuesOf(checked, result.issues))
  return result.value
}

/** What is wrong with the value, each issue with its path. */
function issuesOf(checked: Checked, issues: readonly SchemaIssue[]): string[] {
  try {
    return issues.map(({ message, path = [] }) => {
      const at = path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
      return at === '' ? message : `${at}: ${message}`
    })
  } catch (error) {
    throw failed(checked, error)
  }
}

function failed(checked: Checked, cause: unknown): ClusterError {
  const reason = cause instanceof Error ? cause.message : 'it threw no error'
  return refused(checked, [`its schema failed: ${reason}`], cause)
}

function refused({ what, mayHaveHappened = false }: Checked, issues: readonly string[], cause?: unknown): ClusterError {
  const message = `the value of '${what}' is refused: ${issues.join('; ')}`
  return new ClusterError('ERR_INVALID_VALUE', message, { key: what, issues }, { cause, mayHaveHappened })
}
