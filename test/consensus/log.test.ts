import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { RaftLog } from '../../consensus/log.ts'
import { entries } from './voter-under-test.ts'

/** The obvious log: an array, a list of writes with copies of what they wrote, and the disk as another array. */
class NaiveLog {
  memory: { index: number; term: number }[] = []
  disk: { index: number; term: number }[] = []
  writes: { ticket: number; entries: { index: number; term: number }[] }[] = []

  /** How far memory and what the disk has confirmed are the same entries. */
  get durableIndex(): number {
    const length = this.memory.findIndex((entry, at) => this.disk[at] !== entry)
    return length === -1 ? this.memory.length : length
  }

  confirm(ticket: number): void {
    for (const write of this.writes.filter((each) => each.ticket <= ticket)) {
      const first = write.entries[0]?.index ?? this.disk.length + 1
      this.disk = [...this.disk.slice(0, first - 1), ...write.entries]
    }
    this.writes = this.writes.filter((each) => each.ticket > ticket)
  }
}

type Action =
  | { readonly type: 'append'; readonly count: number; readonly step: number }
  | { readonly type: 'truncate'; readonly at: number }
  | { readonly type: 'compact'; readonly at: number }
  | { readonly type: 'write' }
  | { readonly type: 'confirm'; readonly behind: number }

const actions: fc.Arbitrary<Action[]> = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant('append' as const), count: fc.integer({ min: 1, max: 3 }), step: fc.nat(1) }),
    fc.record({ type: fc.constant('truncate' as const), at: fc.nat(12) }),
    fc.record({ type: fc.constant('compact' as const), at: fc.nat(12) }),
    fc.record({ type: fc.constant('write' as const) }),
    fc.record({ type: fc.constant('confirm' as const), behind: fc.nat(3) }),
  ),
  { maxLength: 40 },
)

function act(log: RaftLog<string>, naive: NaiveLog, action: Action, ticket: number): void {
  if (action.type === 'append') {
    const terms = Array.from({ length: action.count }, () => log.end.term + action.step)
    const added = entries(log.lastIndex + 1, ...terms)
    log.append(added)
    naive.memory.push(...added)
  } else if (action.type === 'truncate' && action.at > log.base.index && action.at <= log.lastIndex) {
    // As a follower does: what is cut off is replaced at once, by entries of a later term.
    const replacement = entries(action.at, log.end.term + 1)
    log.truncateFrom(action.at)
    log.append(replacement)
    naive.memory = [...naive.memory.slice(0, action.at - 1), ...replacement]
  } else if (action.type === 'compact' && action.at > log.base.index && action.at <= log.durableIndex) {
    log.compact(action.at)
  } else if (action.type === 'write') {
    naive.writes.push({ ticket, entries: [...log.write(ticket, ticket).entries] })
  } else if (action.type === 'confirm') {
    log.written(ticket - action.behind)
    naive.confirm(ticket - action.behind)
  }
}

describe('log', () => {
  it('answers as an array would, and knows what is durable through any truncation', () => {
    fc.assert(
      fc.property(actions, (list) => {
        const log = new RaftLog<string>([])
        const naive = new NaiveLog()
        for (const [position, action] of list.entries()) {
          act(log, naive, action, position + 1)
          assert.equal(log.lastIndex, naive.memory.length)
          assert.deepEqual(log.slice(log.base.index + 1, log.lastIndex), naive.memory.slice(log.base.index))
          assert.equal(log.termAt(log.base.index), log.base.term)
          assert.equal(log.base.index === 0 || log.termAt(log.base.index - 1) === undefined, true)
          assert.equal(log.durableIndex, naive.durableIndex)
          assert.equal(log.pendingWrites, naive.writes.length)
          assert.equal(log.oldestWriteAt, naive.writes[0]?.ticket)
        }
        log.write(1_000, 0)
        log.written(1_000)
        assert.equal(log.durableIndex, log.lastIndex)
        assert.equal(log.hasUnwritten, false)
      }),
    )
  })

  it('finds the last place that can agree as a search from the end would', () => {
    const terms = fc
      .array(fc.nat(3), { maxLength: 12 })
      .map((list) => list.map((each) => each + 1).sort((a, b) => a - b))
    fc.assert(
      fc.property(terms, fc.nat(14), fc.nat(5), (list, index, term) => {
        const log = new RaftLog<string>(entries(1, ...list))
        const places = [0, ...list].map((each, at) => ({ index: at, term: each }))
        const expected = places.filter((place) => place.index <= index && place.term <= term).at(-1)
        assert.deepEqual(log.lastAgreement(index, term), expected)
      }),
    )
  })

  it('that a snapshot replaced says so in the next write, and an older write confirms nothing of it', () => {
    const log = new RaftLog<string>([])
    log.append(entries(1, 1, 1, 1))
    log.write(1, 0)
    log.replaceBy({ index: 2, term: 2 })
    log.append(entries(3, 2))
    log.written(1)
    assert.deepEqual([log.base, log.durableIndex, log.lastIndex], [{ index: 2, term: 2 }, 2, 3])
    assert.deepEqual(log.write(2, 0), { base: { index: 2, term: 2 }, entries: entries(3, 2) })
    assert.deepEqual(log.write(3, 0), { base: undefined, entries: [] })
    log.written(2)
    assert.equal(log.durableIndex, 3)
  })

  it('agrees below its base with nobody whose term is earlier than the base', () => {
    const log = new RaftLog<string>(entries(6, 3, 4), { index: 5, term: 3 })
    assert.deepEqual(log.lastAgreement(9, 3), { index: 6, term: 3 })
    assert.deepEqual(log.lastAgreement(5, 3), { index: 5, term: 3 })
    assert.deepEqual(log.lastAgreement(9, 2).index, 4)
    assert.equal(log.termAt(4), undefined)
  })

  it('refuses a gap and a term that falls', () => {
    const log = new RaftLog<string>(entries(1, 1, 2))
    assert.throws(() => log.append(entries(4, 2)), /entry 4 follows 2/)
    assert.throws(() => log.append(entries(3, 1)), /term 1 at 3/)
  })
})
