// Arguments and flags that are whole numbers, or some text.

import { InvalidArgumentError } from 'commander'
import { parseAddress } from '../../network-address.ts'

/** Reads a whole number of `min` or more; commander reports what it throws. */
export function wholeNumber(min: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min) return value
    throw new InvalidArgumentError(`It must be a whole number, ${min} or more.`)
  }
}

/** Reads a text that is not empty, such as a name; an empty one often is a variable that a script forgot to set. */
export function notEmpty(text: string): string {
  if (text !== '') return text
  throw new InvalidArgumentError('It must not be empty.')
}

/** Reads where a member is: `HOST:PORT`; a multiaddr is left to the node, whose transport knows it. */
export function memberAddress(text: string): string {
  if (text.startsWith('/')) return text
  const parsed = parseAddress(text)
  if (typeof parsed !== 'string') return text
  throw new InvalidArgumentError(`It ${parsed}.`)
}
