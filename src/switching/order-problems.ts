// What is wrong with a call for a switch: programs in plain JavaScript and the admin API hand in anything.

const MAX_TIMEOUT_MS = 600_000
const known = ['name', 'expectFrom', 'timeoutMs', 'dryRun']
/** Of a name that somebody made up. */
const MAX_SHOWN = 64

/** Everything that is wrong with it; empty: nothing. A misspelt option must not turn a plan into a switch. */
export function orderProblems(order: Readonly<Record<string, unknown>>): string[] {
  const { name, expectFrom, timeoutMs, dryRun } = order
  const problems = Object.keys(order)
    .filter((key) => !known.includes(key))
    .map((key) => `'${key.slice(0, MAX_SHOWN)}' is none of ${known.join(', ')}`)
  if (typeof name !== 'string' || name === '') problems.push('name must be the name of a topology')
  if (expectFrom !== undefined && typeof expectFrom !== 'string')
    problems.push('expectFrom must be the name of a topology')
  if (dryRun !== undefined && typeof dryRun !== 'boolean') problems.push('dryRun must be true or false')
  const isTime = Number.isInteger(timeoutMs) && Number(timeoutMs) >= 1 && Number(timeoutMs) <= MAX_TIMEOUT_MS
  if (timeoutMs !== undefined && !isTime) problems.push(`timeoutMs must be a whole number from 1 to ${MAX_TIMEOUT_MS}`)
  return problems
}
