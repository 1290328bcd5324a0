import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MAX_TERM_LEAP, Voices } from '../../../src/coordination/voices.ts'
import type { ClusterRecord } from '../../../src/wire/record.ts'

const recordAt = (index: number) => ({ index }) as ClusterRecord

function voices(holders: readonly string[], isCredulous = false, isLed = () => false): Voices {
  const voters = holders.map((id) => ({ id, storeId: id }))
  return new Voices({
    configuration: () => undefined,
    said: () => ({ voters, learners: [] }),
    term: () => 7,
    isLed,
    isCredulous: () => isCredulous,
  })
}

describe('messages of Raft', () => {
  it('are heard from those that hold the log, whoever they are while nobody is known, and never from far beyond', () => {
    const known = voices(['a', 'b'])
    assert.deepEqual(
      ['a', 'b', 'x'].map((from) => known.mayTakePart(from, 8)),
      [true, true, false],
    )
    assert.equal(voices([]).mayTakePart('x', 8), true)
    assert.equal(known.mayTakePart('a', 7 + MAX_TERM_LEAP), true)
    assert.equal(known.mayTakePart('a', 8 + MAX_TERM_LEAP), false)
  })
})

describe('who holds the log', () => {
  it('is known from the own log and from the record, and anew when either changes', () => {
    const node = (id: string) => ({ id, storeId: id })
    let configuration = { voters: [node('a')], outgoing: [node('b')], learners: [node('c')] }
    let said = { voters: [node('d')], learners: [node('e')] }
    const both = new Voices({
      configuration: () => configuration,
      said: () => said,
      term: () => 0,
      isLed: () => false,
      isCredulous: () => false,
    })
    const heard = (): string => [...'abcdef'].filter((id) => both.mayTakePart(id, 1)).join('')
    assert.equal(heard(), 'abcde')
    configuration = { ...configuration, outgoing: [] }
    assert.equal(heard(), 'acde')
    said = { ...said, voters: [node('f')] }
    assert.equal(heard(), 'acef')
    said = { ...said, learners: [] }
    assert.equal(heard(), 'acf')
  })
})

describe('a cluster record', () => {
  it('is believed from a voter; from others once two say that there is a newer one, each for itself', () => {
    const heard = voices(['a'])
    assert.equal(heard.believes(recordAt(9), 'a', 5), true)
    assert.equal(heard.believes(recordAt(2 ** 53 - 1), 'x', 5), false)
    assert.equal(heard.believes(recordAt(2 ** 53 - 1), 'x', 5), false)
    assert.equal(heard.believes(recordAt(5), 'y', 5), false, 'no newer one')
    assert.equal(heard.believes(recordAt(6), 'y', 5), true)
  })

  it('is believed from anybody by whom nobody has told yet who votes, and where news comes over one neighbor', () => {
    assert.equal(voices([]).believes(recordAt(1), 'x', 0), true)
    assert.equal(voices(['a'], true).believes(recordAt(1), 'x', 0), true)
  })

  it('is believed from a voter alone while there is a leader, however many others tell of one', () => {
    let hasLeader = true
    const heard = voices(['a'], false, () => hasLeader)
    for (const teller of ['x', 'y', 'z']) assert.equal(heard.believes(recordAt(9), teller, 5), false)
    assert.equal(heard.believes(recordAt(9), 'a', 5), true)
    hasLeader = false
    assert.equal(heard.believes(recordAt(9), 'x', 5), true, 'who told of it before counts')
  })

  it('that was not believed is forgotten when many others tell theirs', () => {
    const heard = voices(['a'])
    for (let n = 0; n < 1_000; n++) heard.believes(recordAt(1), `x${n}`, 5)
    assert.equal(heard.believes(recordAt(6), 'y', 5), false)
    assert.equal(heard.believes(recordAt(6), 'z', 5), true)
  })
})
