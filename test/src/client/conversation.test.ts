import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Conversation, type Line } from '../../../src/client/conversation.ts'

/** Two ends and what is on its way between them. */
class Talk {
  readonly heard: [unknown[], unknown[]] = [[], []]
  readonly ends: readonly [Conversation, Conversation]
  #wires: [string[], string[]] | undefined

  constructor() {
    const end = (at: 0 | 1) =>
      new Conversation({
        maxItems: 1_000,
        maxBytes: 1_000_000,
        take: (item) => {
          this.heard[at].push(item)
          return undefined
        },
      })
    this.ends = [end(0), end(1)]
  }

  connect(): void {
    const wires: [string[], string[]] = [[], []]
    this.#wires = wires
    const line = (at: 0 | 1): Line => ({ hasRoom: true, write: (text) => void wires[at].push(text) })
    const received = this.ends.map((end) => end.received) as [number, number]
    assert.ok(this.ends[0].resume(line(0), received[1]))
    assert.ok(this.ends[1].resume(line(1), received[0]))
  }

  /** What is on its way is gone. */
  cut(): void {
    this.#wires = undefined
    for (const end of this.ends) end.suspend()
  }

  flush(): void {
    for (const end of this.ends) end.flush()
  }

  /** One frame arrives. */
  deliver(from: 0 | 1): void {
    const text = this.#wires?.[from].shift()
    if (text !== undefined) this.ends[1 - from]!.receive(text)
  }

  settle(): void {
    for (let count = 0; count < 50; count++) {
      this.flush()
      this.deliver(0)
      this.deliver(1)
    }
  }
}

describe('a conversation', () => {
  it('brings every item exactly once and in order, wherever its lines are cut', () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant('put' as const), at: fc.constantFrom(0 as const, 1 as const) }),
      fc.record({ type: fc.constant('deliver' as const), at: fc.constantFrom(0 as const, 1 as const) }),
      fc.record({ type: fc.constantFrom('flush' as const, 'cut' as const), at: fc.constant(0 as const) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const talk = new Talk()
        const put: [number[], number[]] = [[], []]
        talk.connect()
        for (const { type, at } of steps) {
          if (type === 'put') {
            put[at].push(put[at].length)
            talk.ends[at].put(String(put[at].length - 1))
          } else if (type === 'deliver') talk.deliver(at)
          else if (type === 'flush') talk.flush()
          else {
            talk.cut()
            talk.connect()
          }
        }
        talk.settle()
        assert.deepEqual(talk.heard, [put[1], put[0]])
        talk.cut()
      }),
      { numRuns: 300 },
    )
  })

  it('puts items of one turn into one frame', () => {
    const frames: string[] = []
    const one = new Conversation({ maxItems: 10, maxBytes: 1_000, take: () => undefined })
    one.resume({ hasRoom: true, write: (text) => void frames.push(text) }, 0)
    for (const item of ['1', '"a"', '{"b":2}']) one.put(item)
    one.flush()
    assert.deepEqual(
      frames.map((text) => JSON.parse(text)),
      [{ n: 1, m: [1, 'a', { b: 2 }], a: 0 }],
    )
    one.suspend()
  })

  it('is full with what the other end is not done with, and has room when it is', async () => {
    const one = new Conversation({ maxItems: 2, maxBytes: 1_000, take: () => undefined })
    one.resume({ hasRoom: true, write: () => undefined }, 0)
    one.put('1')
    one.put('2')
    one.flush()
    assert.ok(one.isFull)
    const room = one.room()
    one.receive('{"a":1}')
    await room
    assert.ok(!one.isFull)
    one.put('3')
    const never = one.room()
    one.end(new Error('over'))
    await assert.rejects(never, { message: 'over' })
  })

  it('takes one back only while that was written on no line', () => {
    const talk = new Talk()
    const [one] = talk.ends
    talk.connect()
    const said = one.put('"said"')
    talk.flush()
    talk.cut()
    const unsaid = one.put('"unsaid"')
    one.put('"last"')
    assert.deepEqual([one.replace(said, '0'), one.replace(unsaid, '0')], [false, true])
    talk.connect()
    talk.settle()
    assert.deepEqual(talk.heard[1], ['said', 0, 'last'])
    assert.equal(one.replace(unsaid, '1'), false)
  })

  it('says that an item is done when its taker is', async () => {
    const frames: string[] = []
    const work = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const one = new Conversation({ maxItems: 9, maxBytes: 99, take: (item) => work[item as number]!.promise })
    one.resume({ hasRoom: true, write: (text) => void frames.push(text) }, 0)
    one.receive('{"n":1,"m":[0,1],"a":0}')
    work[1]!.resolve()
    await work[1]!.promise
    one.flush()
    assert.deepEqual(
      frames.map((text) => JSON.parse(text).a),
      [0],
    )
    work[0]!.reject(new Error('counts as done'))
    await work[0]!.promise.catch(() => undefined)
    await Promise.resolve()
    one.flush()
    assert.equal(JSON.parse(frames.at(-1)!).a, 2)
    one.suspend()
  })

  it('refuses what no honest end says', () => {
    for (const text of [
      '',
      'null',
      '[]',
      '{}',
      '{"a":-1}',
      '{"a":1}',
      '{"a":0,"m":[1]}',
      '{"a":0,"n":0,"m":[1]}',
      '{"a":0,"n":2,"m":[1]}',
    ]) {
      const one = new Conversation({ maxItems: 9, maxBytes: 99, take: () => undefined })
      assert.throws(() => one.receive(text), text)
    }
    const one = new Conversation({ maxItems: 9, maxBytes: 99, take: () => undefined })
    one.resume({ hasRoom: true, write: () => undefined }, 0)
    one.put('"not written yet"')
    assert.throws(() => one.receive('{"a":1}'))
    one.suspend()
    for (const received of [-1, 2, 0.5, Number.NaN])
      assert.equal(one.resume({ hasRoom: true, write: () => undefined }, received), false)
  })
})
