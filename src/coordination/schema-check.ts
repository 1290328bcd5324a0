// One value against one Standard Schema, and its refusal in words.

import { ClusterError } from '../errors.ts'
import type { SchemaIssue, StandardSchema } from './standard-schema.ts'

/** The value as the schema leaves it; without a schema as it is. Rejects with `ERR_INVALID_VALUE`; `what` names the value. */
export async function checkValue(what: string, value: unknown, schema: StandardSchema | undefined): Promise<unknown> {
  if (!schema) return value
  const result = await schema['~standard'].validate(value)
  if (result.issues) throw invalidValue(what, result.issues)
  return result.value
}

/** What is wrong with a value, each issue with its path. */
export function invalidValue(key: string, issues: readonly SchemaIssue[]): ClusterError {
  const described = issues.map(({ message, path = [] }) => {
    const at = path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
    return at === '' ? message : `${at}: ${message}`
  })
  return new ClusterError('ERR_INVALID_VALUE', `the value of '${key}' is refused: ${described.join('; ')}`, {
    key,
    issues: described,
  })
}
