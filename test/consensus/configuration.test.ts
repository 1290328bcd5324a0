import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Configurations, isMember, sameVoters } from '../../consensus/configuration.ts'
import { hasVote, membersOf, votersOnly } from '../../consensus/index.ts'
import { stores } from './voter-under-test.ts'

const numbered = (index: number) => votersOnly(stores([`v${index}`]))

describe('configurations', () => {
  it('answer as a list of all that were ever added would, through truncation and compaction', () => {
    const acts = fc.array(
      fc.record({ type: fc.constantFrom('add', 'add', 'truncate', 'compact'), by: fc.integer({ min: 1, max: 4 }) }),
      { maxLength: 30 },
    )
    fc.assert(
      fc.property(acts, (list) => {
        const configurations = new Configurations(0, numbered(0))
        let naive = [0]
        let begins = 0
        for (const { type, by } of list) {
          const last = naive.at(-1) as number
          if (type === 'add') {
            configurations.add(last + by, numbered(last + by))
            naive.push(last + by)
          } else if (type === 'truncate') {
            const first = Math.max(begins, last - by) + 1
            configurations.truncateFrom(first)
            naive = naive.filter((index) => index < first)
          } else {
            begins = Math.min(begins + by, last)
            configurations.compact(begins)
          }
          assert.equal(configurations.latest.index, naive.at(-1))
          for (let index = begins; index <= last + by; index++) {
            const expected = naive.filter((each) => each <= index).at(-1) as number
            assert.deepEqual(configurations.at(index), numbered(expected))
          }
        }
      }),
    )
  })
})

describe('a configuration', () => {
  const joint = { voters: [{ id: 'c', storeId: 'new' }], outgoing: stores(['b', 'c']), learners: stores(['d']) }

  it('names each member once, and gives a vote to a member with its log only', () => {
    assert.deepEqual(membersOf(joint), ['c', 'b', 'd'])
    assert.deepEqual(
      [hasVote(joint, 'c', 'new'), hasVote(joint, 'c', 'c'), hasVote(joint, 'b', 'new'), hasVote(joint, 'd', 'd')],
      [true, true, false, false],
    )
    assert.deepEqual([isMember(joint, 'd'), isMember(joint, 'e')], [true, false])
  })

  it('is the same in any order, and not with another log', () => {
    assert.ok(sameVoters(stores(['a', 'b']), stores(['b', 'a'])))
    assert.ok(!sameVoters(stores(['a']), [{ id: 'a', storeId: 'new' }]))
    assert.ok(!sameVoters(stores(['a']), stores(['a', 'b'])))
  })
})
