// Numbers, texts and bytes that a message or a command may carry, as fast-check draws them: within every bound, and odd
// in every other way.

import fc from 'fast-check'

export const number = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat(),
  fc.constantFrom(0, 127, 128, 2 ** 31, 2 ** 32, 2 ** 53 - 1),
)

/** Any well-formed text: characters of one to four bytes, and names that are special in JavaScript. */
export const text = fc.oneof(
  fc.string({ unit: 'grapheme-composite', maxLength: 8 }),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('__proto__', 'constructor', '\ufffd', '\ufeffbom', 'type'),
)

export const bytes = fc.uint8Array({ maxLength: 64 })

export const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined })
