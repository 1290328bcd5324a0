// Small files that hold what must not stand on a command line: secrets and tokens.

import { readFileSync } from 'node:fs'
import { usageError } from './failure.ts'

/** Far above any keyring; a wrong path must not be read for ever. */
const maxFileBytes = 65_536

/** The file's lines without blanks; a keyring has one secret per line. `what` names the option in an error. */
export function readLines(path: string, what: string): string[] {
  const lines = readSmallFile(path, what)
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (lines.length === 0) throw usageError(`${what} ('${path}') is empty`)
  return lines
}

export function readSmallFile(path: string, what: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw usageError(`${what} ('${path}') cannot be read (${(cause as NodeJS.ErrnoException).code})`)
  }
  if (text.length > maxFileBytes) throw usageError(`${what} ('${path}') is too large for what it should be`)
  return text
}
