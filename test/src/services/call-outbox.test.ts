import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Timer } from '../../../src/runtime/clock.ts'
import { CallOutbox } from '../../../src/services/call-outbox.ts'
import { FakeClock } from '../runtime/fake-clock.ts'

/** Its timers go off when the test says so. */
class HandClock extends FakeClock {
  readonly due: (() => void)[] = []
  override readonly setTimeout = (work: () => void): Timer => {
    this.due.push(work)
    return { unref: () => undefined, [Symbol.dispose]: () => void this.due.splice(this.due.indexOf(work), 1) }
  }

  goOff(): void {
    for (const work of this.due.splice(0)) work()
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('what is said about calls', () => {
  let clock: HandClock
  let outbox: CallOutbox
  let sent: { readonly to: string; readonly text: string; readonly settled: () => void }[]
  const texts = (to = 'b'): string[] => sent.filter((message) => message.to === to).map(({ text }) => text)
  const say = async (...ids: number[]): Promise<void> => {
    for (const id of ids) outbox.say('b', 'cancels', String(id), 0)
    await turn()
  }
  beforeEach(() => {
    sent = []
    clock = new HandClock()
    outbox = new CallOutbox({
      clock,
      beforeSending: () => {},
      send: (to, batch, settled) => void sent.push({ to, text: Buffer.from(batch.encode()).toString(), settled }),
    })
  })

  it('in one turn, and in what follows from it, is one message to each member', async () => {
    outbox.say('b', 'cancels', '1', 0)
    outbox.say('c', 'cancels', '2', 0)
    await Promise.resolve()
    await say(3)
    assert.deepEqual([texts('b'), texts('c')], [['{"cancels":[1,3]}'], ['{"cancels":[2]}']])
  })

  it('waits for one of two messages on the way to be settled, and is one message then', async () => {
    for (const id of [1, 2, 3, 4]) await say(id)
    assert.deepEqual(texts(), ['{"cancels":[1]}', '{"cancels":[2]}'])
    sent[0]!.settled()
    await turn()
    assert.deepEqual(texts().slice(2), ['{"cancels":[3,4]}'])
    await say(5)
    assert.equal(sent.length, 3, 'two are on the way again')
    sent[1]!.settled()
    sent[2]!.settled()
    await turn()
    assert.deepEqual(texts().slice(3), ['{"cancels":[5]}'])
  })

  it('waits for a millisecond at most, counted from the first that was held', async () => {
    for (const id of [1, 2, 3]) await say(id)
    clock.pass(0.5)
    await say(4)
    clock.goOff()
    assert.equal(sent.length, 2, 'a timer that is early finds nothing to do')
    clock.pass(0.5)
    clock.goOff()
    assert.deepEqual(texts().slice(2), ['{"cancels":[3,4]}'])
    assert.deepEqual(clock.due, [])
  })

  it('is not lost when a message that cannot be sent is said again to another member, for which some is held', async () => {
    outbox = new CallOutbox({
      clock,
      beforeSending: () => {},
      send: (to, batch, settled) => {
        if (to === 'a') outbox.say('b', 'cancels', '4', 0)
        sent.push({ to, text: Buffer.from(batch.encode()).toString(), settled })
      },
    })
    for (const id of [1, 2]) await say(id)
    outbox.say('a', 'cancels', '4', 0)
    await say(3)
    sent[0]!.settled()
    await turn()
    assert.deepEqual(texts().slice(2), ['{"cancels":[3,4]}'])
  })

  it('waits for nothing when it fills a message', async () => {
    for (const id of [1, 2]) await say(id)
    await say(...Array.from({ length: 33 }, (_, at) => at + 10))
    assert.equal(sent.length, 3)
    assert.equal(JSON.parse(texts()[2]!).cancels.length, 32)
  })

  it('when a full message cannot be sent is neither sent twice nor lost', async () => {
    const count = 32
    let isFirst = true
    outbox = new CallOutbox({
      clock,
      beforeSending: () => {},
      send: (to, batch, settled) => {
        sent.push({ to, text: Buffer.from(batch.encode()).toString(), settled })
        if (isFirst) outbox.say('b', 'cancels', '100', 0)
        isFirst = false
      },
    })
    await say(...Array.from({ length: count + 1 }, (_, at) => at + 1))
    const ids = texts().flatMap((text) => JSON.parse(text).cancels)
    assert.deepEqual(ids, [...Array.from({ length: count }, (_, at) => at + 1), 100, count + 1])
  })

  it('to one member does not wait for another', async () => {
    for (const id of [1, 2, 3]) await say(id)
    outbox.say('c', 'cancels', '4', 0)
    await turn()
    assert.deepEqual(texts('c'), ['{"cancels":[4]}'])
  })

  it('and is held when the node stops is sent, and nothing after it', async () => {
    for (const id of [1, 2, 3]) await say(id)
    outbox[Symbol.dispose]()
    assert.deepEqual(texts().slice(2), ['{"cancels":[3]}'])
    await say(4)
    assert.equal(sent.length, 3)
    assert.deepEqual(clock.due, [])
  })
})
