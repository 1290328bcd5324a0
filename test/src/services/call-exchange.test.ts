import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memberDown } from '../../../src/channels/failures.ts'
import type { ClusterError } from '../../../src/errors.ts'
import { CallExchange, type OutgoingCall } from '../../../src/services/call-exchange.ts'
import { FakeClock } from '../runtime/fake-clock.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function begin() {
  const clock = new FakeClock()
  const posted: string[] = []
  const ended: [string, boolean][] = []
  let isDown = false
  const exchange = new CallExchange({
    clock,
    carrier: {
      post: (_, payload) => {
        if (isDown) throw memberDown('b', false)
        posted.push(Buffer.from(payload).toString())
      },
      broadcast: () => assert.fail('nothing is for everybody'),
      handle: () => ({ [Symbol.dispose]: () => undefined }),
    },
    server: () => assert.fail('nothing comes'),
    count: () => undefined,
  })
  const call = async (method: string): Promise<void> => {
    const listener = {
      answered: () => assert.fail('nobody answers'),
      ended: (_: string, { mayHaveHappened }: ClusterError) => void ended.push([method, mayHaveHappened]),
    }
    const deadline = clock.now() + 5_000
    const asked = { id: 0, to: 'b', number: 1, method, argument: 'null', isStream: false, trace: undefined, retries: 0 }
    const outgoing: OutgoingCall = { ...asked, ...listener, deadline, failsFast: false }
    exchange.call(outgoing, clock.now())
    await turn()
  }
  const goDown = (): void => {
    isDown = true
    exchange.lost('b', () => memberDown('b', true))
  }
  return { exchange, call, goDown, posted, ended }
}

describe('calls whose member goes down', () => {
  it('may have happened when they have left, and have not when they were held back', async () => {
    const { exchange, call, goDown, posted, ended } = begin()
    for (const method of ['first', 'second', 'held']) await call(method)
    assert.equal(posted.length, 2)
    goDown()
    assert.deepEqual(Object.fromEntries(ended), { first: true, second: true, held: false })
    exchange[Symbol.dispose]()
  })
})
