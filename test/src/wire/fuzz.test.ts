import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fuzz, parsers } from './fuzz.ts'

/** More by `TRELLIS_FUZZ_FRAMES`; `node scripts/fuzz.ts` runs a million. */
const count = Number(process.env.TRELLIS_FUZZ_FRAMES ?? 50_000)
const seed = Number(process.env.TRELLIS_FUZZ_SEED ?? 1)

describe(`${count} mutated inputs of ${parsers} parsers (seed ${seed})`, () => {
  it('end in a value or a WireError, and are neither all refused nor all taken', () => {
    for (const { parser, parsed, refused } of fuzz(count, seed)) {
      assert.ok(Object.keys(refused).length > 0, `${parser} refused nothing`)
      assert.ok(parsed > 0 || parser === 'liveness datagrams', `${parser} took nothing`)
    }
  })
})
