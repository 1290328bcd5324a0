import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EvidenceBook, MAX_ENTRIES_PER_MEMBER, MAX_MEMBERS } from '../../../src/why/evidence-book.ts'

const entry = { type: 'link', state: 'up', reason: null, incarnation: 1 } as const

describe('the book of evidence', () => {
  it('numbers what is written, and says who wrote it when', () => {
    const book = new EvidenceBook('self', () => 17.4)
    book.write('a', entry)
    book.write('b', entry)
    book.write('a', entry)
    assert.deepEqual(
      book.about('a').map(({ observer, sequence, at }) => [observer, sequence, at]),
      [
        ['self', 1, 17],
        ['self', 3, 17],
      ],
    )
    book.forget('a')
    assert.deepEqual(book.about('a'), [])
  })

  it('keeps the last entries about a member, and the members written about last', () => {
    const book = new EvidenceBook('self', () => 0)
    for (let i = 0; i < MAX_ENTRIES_PER_MEMBER + 5; i++) book.write('much', entry)
    assert.equal(book.about('much').length, MAX_ENTRIES_PER_MEMBER)
    assert.equal(book.about('much')[0]?.sequence, 6)
    for (let i = 0; i < MAX_MEMBERS; i++) book.write(`member-${i}`, entry)
    assert.deepEqual(book.about('much'), [])
    assert.equal(book.about('member-0').length, 1)
  })
})
