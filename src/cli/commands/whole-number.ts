// A flag whose value is a whole number.

import { InvalidArgumentError } from 'commander'

/** Reads a whole number of `min` or more; commander reports what it throws. */
export function wholeNumber(min: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min) return value
    throw new InvalidArgumentError(`It must be a whole number, ${min} or more.`)
  }
}
