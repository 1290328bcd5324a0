// What is wrong with a call for a switch: programs in plain JavaScript and the admin API hand in anything.

import { checkAll, checkedOptions, type OptionChecks, problemsOf, trueOrFalse, waitChecks } from '../call-options.ts'
import type { SwitchOptions } from './report.ts'

const MAX_TIMEOUT_MS = 600_000

const nameCheck = {
  name: (value: unknown) => (typeof value === 'string' && value !== '' ? undefined : 'must be the name of a topology'),
}

const checks: OptionChecks<Omit<SwitchOptions, 'signal'> & { readonly name: string }> = {
  ...nameCheck,
  expectFrom: (value) => (typeof value === 'string' ? undefined : 'must be the name of a topology'),
  timeoutMs: (value) =>
    Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_TIMEOUT_MS
      ? undefined
      : `must be a whole number from 1 to ${MAX_TIMEOUT_MS}`,
  dryRun: trueOrFalse,
}

/** Everything that is wrong with it; empty: nothing. A misspelt option must not turn a plan into a switch. */
export function orderProblems(order: Readonly<Record<string, unknown>>): string[] {
  const { name = null, ...options } = order
  return problemsOf({ name, ...options }, checks)
}

/** The same for a caller in this process, who can give it up. Throws `ERR_BAD_OPTIONS`. */
export function checkSwitch(name: unknown, options: SwitchOptions): void {
  const { name: _, ...optionChecks } = checks
  checkAll(
    () => checkedOptions({ name: name ?? null }, nameCheck),
    () => checkedOptions(options, { ...optionChecks, signal: waitChecks.signal }),
  )
}
