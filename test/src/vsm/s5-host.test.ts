import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { ClusterError } from '../../../src/errors.ts'
import { type Logger, silentLogger } from '../../../src/observability/logger.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { S5Host } from '../../../src/vsm/s5-host.ts'
import type { S5, Subsystem } from '../../../src/vsm/subsystem.ts'

let holds: boolean
let log: string[]
let handles: S5[]
let host: S5Host

beforeEach(() => {
  holds = true
  log = []
  handles = []
  const logger: Logger = { ...silentLogger, error: (message) => log.push(`error: ${message}`) }
  host = new S5Host({
    clock: systemClock,
    holds: () => holds,
    command: async (token, member) => `command ${token} to ${member}`,
    decide: async (token) => token * 10,
    logger,
  })
})

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await undefined
}

/** Hosts what `make` makes, and remembers its handle. */
function register(make: () => Subsystem | undefined | Promise<Subsystem | undefined> = () => undefined): Disposable {
  return host.register((s5) => {
    handles.push(s5)
    log.push(`made with ${s5.token}`)
    return make()
  })
}

const leaseLost = (error: unknown) => error instanceof ClusterError && error.code === 'ERR_LEASE_LOST'
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => value,
    (error: unknown) => (error instanceof ClusterError ? error.code : error),
  )

describe('a factory', () => {
  it('runs when the host starts, each time with the new token', () => {
    register()
    assert.deepEqual([log, host.token], [[], undefined])
    host.start(4)
    host.stop('lease-lapsed')
    host.start(9)
    assert.deepEqual([log, host.token], [['made with 4', 'made with 9'], 9])
  })

  it('that comes late runs at once, with the token of its host', () => {
    host.start(4)
    register()
    assert.deepEqual(log, ['made with 4'])
  })

  it('is one at a time', () => {
    const first = register()
    assert.throws(() => register(), { code: 'ERR_BAD_OPTIONS' })
    first[Symbol.dispose]()
    register()
    first[Symbol.dispose]()
    host.start(1)
    assert.deepEqual(log, ['made with 1'])
  })

  it('that throws stops nothing: it is logged once, and S5 goes on without it', async () => {
    for (const fail of [() => Promise.reject(new Error('no')), () => assert.fail('no')]) {
      log = []
      const registered = register(fail)
      host.start(4)
      await settled()
      assert.deepEqual([host.token, await codeOf(host.request(null, 'a'))], [4, 'ERR_NO_HANDLER'])
      host.stop('lease-lapsed')
      await settled()
      assert.deepEqual(log, ['made with 4', 'error: the factory of s5 failed'])
      registered[Symbol.dispose]()
    }
  })

  it('that is disposed ends its subsystem; the node hosts on, and another factory gets the same token', async () => {
    const registered = register(() => ({ [Symbol.asyncDispose]: async () => void log.push('disposed') }))
    host.start(4)
    registered[Symbol.dispose]()
    await settled()
    assert.deepEqual([log.at(-1), host.token, handles[0]?.signal.aborted], ['disposed', 4, true])
    register()
    assert.equal(log.at(-1), 'made with 4')
  })
})

describe('a handle', () => {
  it('has its token, commands and decides while its lease holds', async () => {
    register()
    host.start(4)
    const [s5] = handles
    assert.ok(s5)
    assert.equal(s5.token, 4)
    assert.equal(await s5.command('b', null), 'command 4 to b')
    assert.equal(await s5.decide(null), 40)
  })

  it('does nothing any more at the moment its lease does not hold, even before anybody has noticed', async () => {
    register()
    host.start(4)
    const [s5] = handles
    holds = false
    assert.throws(() => s5?.token, leaseLost)
    await assert.rejects(async () => s5?.command('b', null), leaseLost)
    await assert.rejects(async () => s5?.decide(null), leaseLost)
  })

  it('of an earlier host is over for good, whoever hosts now', () => {
    register()
    host.start(4)
    host.stop('leadership-lost')
    host.start(9)
    assert.throws(() => handles[0]?.token, leaseLost)
    assert.equal(handles[1]?.token, 9)
  })

  it('says by its signal that it is over, and why, before anything else', async () => {
    register(() => ({ [Symbol.asyncDispose]: async () => void log.push('disposed') }))
    host.start(4)
    handles[0]?.signal.addEventListener('abort', () => log.push('aborted'))
    host.stop('away')
    assert.equal(log.at(-1), 'aborted')
    assert.ok(leaseLost(handles[0]?.signal.reason))
    await host.stopped(1_000)
    assert.equal(log.at(-1), 'disposed')
  })
})

describe('a subsystem', () => {
  it('answers requests, and is told who asks', async () => {
    register(() => ({ onRequest: (payload, from) => [payload as string, from] }))
    host.start(4)
    assert.deepEqual(await host.request('x', 'name-a'), ['x', 'name-a'])
  })

  it('answers none where it does not run', async () => {
    register(() => ({ onRequest: () => 'answer' }))
    assert.equal(await codeOf(host.request(null, 'a')), 'ERR_NOT_LEADER')
    host.start(4)
    holds = false
    assert.equal(await codeOf(host.request(null, 'a')), 'ERR_NOT_LEADER')
  })

  it('answers none without a handler', async () => {
    host.start(4)
    assert.equal(await codeOf(host.request(null, 'a')), 'ERR_NO_HANDLER')
    register(() => ({}))
    assert.equal(await codeOf(host.request(null, 'a')), 'ERR_NO_HANDLER')
  })

  it('that is still being made answers when it is there, but not when its lease is over by then', async () => {
    const lapse = () => {
      holds = false
    }
    for (const end of [() => {}, () => host.stop('lease-lapsed'), lapse]) {
      holds = true
      let finish = (_made: Subsystem) => {}
      const registered = register(() => new Promise((resolve) => (finish = resolve)))
      host.start(4)
      const answer = codeOf(host.request(null, 'a'))
      end()
      const isOver = host.token === undefined || !holds
      finish({ onRequest: () => 'answer' })
      assert.equal(await answer, isOver ? 'ERR_NOT_LEADER' : 'answer')
      registered[Symbol.dispose]()
      host.stop('end')
    }
  })

  it('whose handler fails may have done its work, whatever it failed with', async () => {
    const failure = new ClusterError('ERR_NO_ROUTE', 'no link to b', { member: 'b' })
    register(() => ({ onRequest: () => Promise.reject(failure) }))
    host.start(4)
    await assert.rejects(host.request(null, 'a'), { code: 'ERR_NO_ROUTE', mayHaveHappened: true })
  })

  it('made after its host has stopped is cleaned up at once', async () => {
    let finish = (_made: Subsystem) => {}
    register(() => new Promise((resolve) => (finish = resolve)))
    host.start(4)
    host.stop('lease-lapsed')
    finish({ [Symbol.asyncDispose]: async () => void log.push('disposed') })
    await host.stopped(1_000)
    assert.equal(log.at(-1), 'disposed')
  })

  it('that fails while it is cleaned up is logged', async () => {
    register(() => ({ [Symbol.asyncDispose]: () => Promise.reject(new Error('no')) }))
    host.start(4)
    host.stop('lease-lapsed')
    await host.stopped(1_000)
    assert.equal(log.at(-1), 'error: s5 failed while stopping')
  })

  it('that never ends its clean-up holds up nobody for longer than allowed', async () => {
    register(() => ({ [Symbol.asyncDispose]: () => new Promise<void>(() => {}) }))
    host.start(4)
    host.stop('lease-lapsed')
    await host.stopped(20)
    assert.equal(log.at(-1), 'error: s5 has not stopped in time')
  })
})
