import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Mailbox } from '../../../src/runtime/mailbox.ts'

describe('a mailbox', () => {
  it('takes an input that comes while another is taken after that one, in order', () => {
    const log: string[] = []
    const mailbox = new Mailbox<number>((input) => {
      log.push(`begin ${input}`)
      if (input === 1) for (const next of [2, 3]) mailbox.put(next)
      if (input === 2) mailbox.put(4)
      log.push(`end ${input}`)
    })
    mailbox.put(1)
    assert.deepEqual(
      log,
      [1, 2, 3, 4].flatMap((input) => [`begin ${input}`, `end ${input}`]),
    )
  })

  it('runs nothing that waited once taking one has thrown', () => {
    const taken: number[] = []
    const mailbox = new Mailbox<number>((input) => {
      taken.push(input)
      if (input !== 1) return
      mailbox.put(2)
      throw new Error('a bug')
    })
    assert.throws(() => mailbox.put(1), /a bug/)
    assert.deepEqual(taken, [1])
    mailbox.put(3)
    assert.deepEqual(taken, [1, 3])
  })
})
