// What several steps say to one peer leaves as few messages as carry it, and a follower ends up with the same log.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Outgoing, type RaftMessage } from '../../consensus/index.ts'

type Message = RaftMessage<string>
type Append = Extract<Message, { type: 'append' }>

function append(previousIndex: number, commands: string, change: Partial<Append> = {}): Append {
  const entries = [...commands].map((command, at) => ({ index: previousIndex + 1 + at, term: 2, command }))
  return { type: 'append', term: 2, round: 1, previousIndex, previousTerm: 2, commitIndex: 0, entries, ...change }
}

function reply(matchIndex: number, round: number, accepted = true): Message {
  return { type: 'append-reply', term: 2, round, accepted, matchIndex, hintIndex: 0, hintTerm: 0 }
}

/** As words: `b 5+xy`. */
function taken(outgoing: Outgoing<string>): string[] {
  return outgoing.take().map(({ to, message }) => {
    if (message.type === 'append') {
      return `${to} ${message.previousIndex}+${message.entries.map(({ command }) => command).join('')}`
    }
    return message.type === 'append-reply' ? `${to} =${message.matchIndex}` : `${to} ${message.type}`
  })
}

function sending(maxEntries: number, ...messages: readonly Message[]): Outgoing<string> {
  const outgoing = new Outgoing<string>(maxEntries)
  for (const message of messages) outgoing.add('b', message)
  return outgoing
}

describe('messages that leave together', () => {
  it('append in one what one follows the other, with the latest round and commit index', () => {
    const outgoing = sending(
      64,
      append(5, 'x', { round: 3 }),
      append(6, '', { commitIndex: 6 }),
      append(6, 'yz', { round: 4, commitIndex: 6 }),
    )
    const [{ message } = { message: undefined }] = outgoing.take()
    assert.deepEqual(message, append(5, 'xyz', { round: 4, commitIndex: 6 }))
    assert.deepEqual(taken(outgoing), [])
  })

  it('keep apart what does not follow, is of another term, or is too much for one', () => {
    assert.deepEqual(taken(sending(64, append(5, 'x'), append(5, 'x'))), ['b 5+x', 'b 5+x'])
    assert.deepEqual(taken(sending(64, append(5, 'x'), append(7, 'z'))), ['b 5+x', 'b 7+z'])
    assert.deepEqual(taken(sending(64, append(5, 'x'), append(6, 'y', { term: 3 }))), ['b 5+x', 'b 6+y'])
    assert.deepEqual(taken(sending(2, append(5, 'xy'), append(7, 'z'))), ['b 5+xy', 'b 7+z'])
  })

  it('answer once, with the answer that says most; a refusal is never dropped', () => {
    assert.deepEqual(taken(sending(64, reply(5, 1), reply(6, 1), reply(6, 2))), ['b =6'])
    assert.deepEqual(taken(sending(64, reply(6, 2), reply(5, 1))), ['b =6', 'b =5'])
    assert.deepEqual(taken(sending(64, reply(6, 1, false), reply(6, 2))), ['b =6', 'b =6'])
  })

  it('keep their order, and what is for others between them', () => {
    const outgoing = new Outgoing<string>(64)
    outgoing.add('b', append(5, 'x'))
    outgoing.add('c', append(5, 'x'))
    outgoing.add('b', { type: 'timeout-now', term: 2, round: 1 })
    outgoing.add('b', append(6, 'y'))
    outgoing.add('c', append(6, 'y'))
    assert.deepEqual(taken(outgoing), ['b 5+x', 'c 5+xy', 'b timeout-now', 'b 6+y'])
  })
})
