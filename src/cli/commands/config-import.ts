// `trellis config import`: all keys of a file. It is looked at as a whole before anything is written, and written in
// transactions, for each alone would take a round of the voters. When one of them fails, what was before it is there.

import { readFileSync } from 'node:fs'
import { checkedNewKey, valueText } from '../../coordination/config-words.ts'
import { type AdminClientOptions, askFor } from '../admin-client.ts'
import { RemoteError, toFailure, usageError } from '../failure.ts'

/** Steps of one transaction, and their bytes: it is one entry of the log. */
const batchSteps = 128
const batchBytes = 48 * 1_024
/** Around a key and its value. */
const stepBytes = 32
/** What is wrong with a thousand keys is wrong with all of them. */
const maxProblems = 20

interface Step {
  readonly set: string
  readonly value: unknown
}

/** Sets all that `file` holds; `-`: the standard input. Resolves to how many keys that are. */
export async function importKeys(file: string, options: AdminClientOptions): Promise<number> {
  const batches = batchesOf(file)
  const total = batches.reduce((sum, steps) => sum + steps.length, 0)
  let imported = 0
  for (const steps of batches) {
    try {
      await askFor<{ revision: number }>(['revision'], '/v1/config', options, { method: 'POST', body: { do: steps } })
    } catch (error) {
      throw interrupted(error, steps, { imported, total })
    }
    imported += steps.length
  }
  return imported
}

function batchesOf(file: string): Step[][] {
  const batches: Step[][] = []
  const problems: string[] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const [key, value] of Object.entries(parsed(file))) {
    const size = sizeOf(key, value, problems)
    const batch = batches.at(-1)
    if (batch !== undefined && batch.length < batchSteps && bytes + size <= batchBytes) {
      batch.push({ set: key, value })
      bytes += size
    } else {
      batches.push([{ set: key, value }])
      bytes = size
    }
  }
  if (problems.length === 0) return batches
  const more = problems.length > maxProblems ? `; and ${problems.length - maxProblems} more` : ''
  throw usageError(`nothing is imported of ${file}: ${problems.slice(0, maxProblems).join('; ')}${more}`)
}

/** Adds to `problems` what is wrong. */
function sizeOf(key: string, value: unknown, problems: string[]): number {
  try {
    return Buffer.byteLength(checkedNewKey(key)) + Buffer.byteLength(valueText(value)) + stepBytes
  } catch (error) {
    problems.push(`${shown(key)}: ${(error as Error).message}`)
    return 0
  }
}

function parsed(file: string): Record<string, unknown> {
  let value: unknown
  try {
    // Text of another encoding is refused; what cannot be read would be written as something else.
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file === '-' ? 0 : file)))
  } catch (cause) {
    throw usageError(`${file} cannot be read as JSON: ${(cause as Error).message}`)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw usageError(`${file} must hold one JSON object: keys and their values`)
}

/** The same failure, with how far it came; a part of the file is there. */
function interrupted(error: unknown, steps: readonly Step[], done: { imported: number; total: number }): RemoteError {
  const failure = toFailure(error)
  const first = shown(steps[0]!.set)
  const which = steps.length === 1 ? first : `${first} to ${shown(steps.at(-1)!.set)}`
  const count = `${done.imported} of ${done.total} keys are set, not ${which}`
  const unsure = failure.mayHaveHappened ? ', or those, too' : ''
  return new RemoteError({
    ...failure,
    message: `${count}${unsure}: ${failure.message}`,
    details: { ...(failure.details as object), ...done },
    mayHaveHappened: failure.mayHaveHappened || done.imported > 0,
  })
}

function shown(key: string): string {
  return `'${key.length > 64 ? `${key.slice(0, 64)}…` : key}'`
}
