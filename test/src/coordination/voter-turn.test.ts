import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClusterCommand, Entry, Proposal, RaftMessage } from '../../../consensus/index.ts'
import { VoterTurn } from '../../../src/coordination/voter-turn.ts'

const proposal = (id: number): Proposal<ClusterCommand> => ({ proposal: id, command: { type: 'open-session' } })
const message: RaftMessage<ClusterCommand> = { type: 'timeout-now', term: 1, round: 0 }
const entry = (command: ClusterCommand | undefined): Entry<ClusterCommand> => ({ index: 1, term: 1, command })
const ofClient = entry({ type: 'count', name: 'a', add: 1, subtract: 0 })
const ofMember = entry({ type: 'found-topology', name: 'ring' })

/** A turn whose event loop is turned by the test. */
class TurnUnderTest {
  readonly given: number[][] = []
  readonly sent: string[] = []
  readonly news: string[] = []
  /** What Raft does with what it is given. */
  onGiven = (_ids: readonly number[]): void => {}
  onSent = (_to: string): void => {}
  #later: (() => void)[] = []
  readonly turn = new VoterTurn({
    clock: { setImmediate: (work) => void this.#later.push(work) },
    turn: { enter: (work) => work() },
    maxEntries: 10,
    propose: (proposals) => {
      const ids = proposals.map(({ proposal: id }) => id)
      this.given.push(ids)
      this.onGiven(ids)
    },
    send: (to) => {
      this.sent.push(to)
      this.onSent(to)
    },
    onSent: () => void this.sent.push('and that is all'),
    onApplied: () => void this.news.push('members'),
    onAppliedOfClients: () => void this.news.push('clients'),
  })

  get isPlanned(): boolean {
    return this.#later.length > 0
  }

  end(): this {
    for (const work of this.#later.splice(0)) work()
    return this
  }
}

describe('the turn of a voter', () => {
  it('gives Raft at its end all that was proposed, and lets its messages leave with that', () => {
    const under = new TurnUnderTest()
    under.onGiven = () => under.turn.send('b', message)
    under.turn.propose(proposal(1))
    under.turn.propose(proposal(2))
    assert.deepEqual([under.given, under.sent], [[], []])
    under.end()
    assert.deepEqual([under.given, under.sent], [[[1, 2]], ['b', 'and that is all']])
    assert.equal(under.isPlanned, false, 'nothing is left to do')
  })

  it('has another one after it for what its end led to', () => {
    const under = new TurnUnderTest()
    under.onGiven = ([first]) => {
      if (first === 1) under.turn.propose(proposal(2))
    }
    under.turn.propose(proposal(1))
    assert.deepEqual(under.end().given, [[1]])
    assert.deepEqual(under.end().given, [[1], [2]])
    assert.equal(under.isPlanned, false)

    under.onSent = (to) => {
      if (to === 'b') under.turn.send('c', message)
    }
    under.turn.send('b', message)
    under.sent.length = 0
    assert.deepEqual(under.end().sent, ['b', 'and that is all'])
    assert.deepEqual(under.end().sent.slice(2), ['c', 'and that is all'], 'and for what its messages led to')
    assert.equal(under.isPlanned, false)
  })

  it('lets what is sent at once leave without a turn of its own, but not before what waits, and not what is proposed', () => {
    const under = new TurnUnderTest()
    under.turn.atOnce(() => under.turn.send('b', message))
    assert.deepEqual([under.sent, under.isPlanned], [['b'], false])

    under.turn.send('c', message)
    under.turn.atOnce(() => under.turn.send('d', message))
    assert.deepEqual(under.sent, ['b'])
    under.end()
    assert.deepEqual(under.sent, ['b', 'c', 'd', 'and that is all'])

    under.turn.atOnce(() => {
      under.turn.send('e', message)
      under.turn.propose(proposal(1))
    })
    assert.deepEqual([under.given, under.sent.slice(4)], [[], []])
    under.end()
    assert.deepEqual([under.given, under.sent.slice(4)], [[[1]], ['e', 'and that is all']])
  })

  it('tells at once that entries of clients were applied, of any other once its end and the next one are over, and once', () => {
    for (const others of [[ofMember], [entry(undefined)], [ofClient, ofMember], [ofMember, ofClient]]) {
      const under = new TurnUnderTest()
      under.turn.applied([ofClient, ofClient])
      assert.deepEqual([under.news, under.isPlanned], [['clients'], false])
      under.turn.applied(others)
      under.turn.applied([ofMember])
      under.turn.applied([ofClient])
      assert.deepEqual(under.end().news, ['clients'])
      assert.deepEqual(under.end().news, ['clients', 'members'])
      assert.equal(under.isPlanned, false)
      under.turn.applied([ofMember])
      assert.deepEqual(under.end().end().news, ['clients', 'members', 'members'])
    }
  })
})
