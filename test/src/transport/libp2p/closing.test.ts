import assert from 'node:assert/strict'
import { afterEach, describe, it, mock } from 'node:test'
import { createIdentity } from '../../../../src/transport/identity.ts'
import { Libp2pTransport } from '../../../../src/transport/libp2p/libp2p-transport.ts'

afterEach(() => mock.restoreAll())

/** What is not over in so many milliseconds keeps a process that has nothing else to do. */
const LONG_MS = 100

/**
 * The long timers that are set from now on and have neither run nor been cleared; those that keep no process do not
 * count.
 */
function longTimers(): () => number[] {
  const pending = new Map<unknown, { readonly ms: number; readonly timer: NodeJS.Timeout }>()
  const { setTimeout: set, clearTimeout: clear } = globalThis
  mock.method(globalThis, 'setTimeout', (run: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) => {
    const timer = set(() => {
      pending.delete(timer)
      run(...given)
    }, ms)
    pending.set(timer, { ms, timer })
    timer[Symbol.dispose] = () => globalThis.clearTimeout(timer)
    return timer
  })
  mock.method(globalThis, 'clearTimeout', (timer: NodeJS.Timeout | undefined) => {
    pending.delete(timer)
    clear(timer)
  })
  return () => [...pending.values()].filter(({ ms, timer }) => ms >= LONG_MS && timer.hasRef()).map(({ ms }) => ms)
}

describe('a transport over libp2p that is closed', () => {
  const topics = [{ topic: 'open', channel: 'events', format: 'json' }] as const
  for (const [title, gossip] of [
    ['leaves no timer', undefined],
    ['leaves no heartbeat of gossipsub', { topics, sign: true, maxGuests: 4 }],
  ] as const)
    it(title, async () => {
      const left = longTimers()
      const [near, far] = [0, 0].map(() => new Libp2pTransport({ identity: createIdentity(), gossip }))
      const address = await far!.listen('127.0.0.1:0', (connection) => {
        connection.admit()
        connection.start({ data: () => {}, drain: () => {}, close: () => {} })
      })
      const dialed = await near!.dial(address, AbortSignal.timeout(30_000))
      dialed.start({ data: () => {}, drain: () => {}, close: () => {} })
      await Promise.all([near!.close(), far!.close()])
      assert.deepEqual(left(), [])
    })
})
