import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isClusterError } from '../../../src/errors.ts'
import { parseAnswer } from '../../../src/why/why-answer.ts'

describe("another member's answer", () => {
  it('is put under the name that it is known by, without what makes no sense', () => {
    const entry = { type: 'absence', observer: 'liar', sequence: 1, at: 2, incarnation: 3, ms: 4, suspendedMs: 0 }
    const evidence = [
      entry,
      null,
      {},
      { ...entry, type: 'rumour' },
      { ...entry, at: 'now' },
      { ...entry, type: 'verdict' },
    ]
    assert.deepEqual(parseAnswer({ belief: { name: 'liar', state: 'down' }, evidence }, 'b'), {
      belief: {
        name: 'b',
        state: 'down',
        condition: null,
        incarnation: null,
        log: { role: 'none', term: 0, commitIndex: 0 },
        suspicion: null,
      },
      evidence: [{ ...entry, observer: 'b' }],
    })
  })

  it('is refused or accepted, whatever it is', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        try {
          parseAnswer(value, 'b')
        } catch (error) {
          assert.ok(isClusterError(error, 'ERR_HANDLER_FAILED'))
        }
      }),
    )
  })
})
