import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { ClusterCommand, ClusterReply } from '../../../consensus/index.ts'
import { Requests } from '../../../src/channels/requests.ts'
import type { Ending } from '../../../src/coordination/call-limit.ts'
import type { Coordination } from '../../../src/coordination/coordination.ts'
import { ClusterError } from '../../../src/errors.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { MemoryDirectory } from '../../../src/storage/memory-directory.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { LocalVsm } from '../../../src/vsm/local-vsm.ts'
import type { S5, S5Command, Subsystem } from '../../../src/vsm/subsystem.ts'

/** What all nodes know: who hosts S5, with which token, and whether the lease holds. */
let host: string | undefined
let token: number
let holds: boolean
let linked: boolean
let propose: (command: ClusterCommand, signal: Ending) => Promise<ClusterReply>
let decision: { index: number; payload: Uint8Array } | undefined
const proposed: ClusterCommand[] = []
const nodes = new Map<string, Node>()

class Node {
  readonly id: string
  readonly storage = MemoryDirectory.open({ cluster: 'trellis', identify: () => this.id })
  readonly requests: Requests
  readonly vsm: Promise<LocalVsm>
  readonly failures: unknown[] = []
  checks = 0

  constructor(id: string) {
    this.id = id
    this.requests = new Requests({
      clock: systemClock,
      self: id,
      generation: 1,
      nameOf: (other) => `name-${other}`,
      count: () => {},
      send: (envelope) => {
        if (!linked) return false
        setImmediate(() => nodes.get(envelope.destination)?.requests.receive(id, envelope))
        return true
      },
    })
    const coordination: Partial<Coordination> = {
      holds: (asked) => holds && host === id && asked === token,
      knowledge: () =>
        ({ s5: { host, phase: 'active', token: host === undefined ? undefined : token } }) as ReturnType<
          Coordination['knowledge']
        >,
      propose: (command, signal) => {
        proposed.push(command)
        return propose(command, signal)
      },
    }
    Object.defineProperty(coordination, 'decision', { get: () => decision })
    this.vsm = LocalVsm.open({
      clock: systemClock,
      coordination: () => coordination as Coordination,
      checkClocks: () => {
        this.checks += 1
      },
      requests: this.requests,
      singletons: () => assert.fail('no unit is hosted here'),
      storage: this.storage,
      logger: silentLogger,
      nameOf: (other) => `name-${other}`,
      route: (member) => {
        const known = member.replace('name-', '')
        if (nodes.has(known)) return known
        throw new ClusterError('ERR_UNKNOWN_MEMBER', `no member is called ${member}`, { member })
      },
      onDiskFailure: (error) => this.failures.push(error),
    })
    nodes.set(id, this)
  }
}

let a: LocalVsm
let b: LocalVsm

beforeEach(async () => {
  host = undefined
  token = 0
  holds = true
  linked = true
  decision = undefined
  proposed.length = 0
  propose = async () => ({ type: 'ok', index: 77 })
  a = await new Node('a').vsm
  b = await new Node('b').vsm
})

afterEach(async () => {
  await a.close()
  await b.close()
  for (const { requests } of nodes.values()) requests.close()
  nodes.clear()
})

/** `a` hosts S5, made by `make`. */
function hostAt(newToken: number, make: (s5: S5) => Subsystem | undefined = () => undefined): S5 {
  let handle: S5 | undefined
  a.host('s5', (s5) => {
    handle = s5
    return make(s5)
  })
  host = 'a'
  token = newToken
  a.obey({ type: 'start', token: newToken })
  assert.ok(handle)
  return handle
}

async function failure(promise: Promise<unknown>): Promise<ClusterError> {
  const error = await promise.then(
    (value) => assert.fail(`resolved to ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof ClusterError, String(error))
  return error
}

const codeOf = async (promise: Promise<unknown>) => (await failure(promise)).code

describe('a command of S5', () => {
  it('reaches a member by name or id, itself included, with the token and the name of the host', async () => {
    const seen: S5Command[] = []
    for (const vsm of [a, b]) {
      vsm.onCommand((command) => {
        seen.push(command)
        return 'done'
      })
    }
    const s5 = hostAt(12)
    for (const member of ['b', 'name-b', 'a']) assert.equal(await s5.command(member, { do: member }), 'done')
    assert.deepEqual(
      seen,
      ['b', 'name-b', 'a'].map((member) => ({ from: 'name-a', token: 12, payload: { do: member } })),
    )
  })

  it('with a token smaller than the member has seen is refused there, and never handled', async () => {
    let handled = 0
    b.onCommand(() => {
      handled += 1
      return null
    })
    const s5 = hostAt(12)
    await s5.command('b', null)
    // A later host has told `b`; this one has not noticed yet.
    token = 20
    b.observe()
    token = 12
    const error = await failure(s5.command('b', null))
    assert.deepEqual([error.code, error.details, handled], ['ERR_STALE_TOKEN', { token: 12, current: 20 }, 1])
  })

  it('fails with ERR_NO_HANDLER where nobody takes commands, and with what the handler throws', async () => {
    const s5 = hostAt(12)
    assert.equal(await codeOf(s5.command('b', null)), 'ERR_NO_HANDLER')
    const registered = b.onCommand(() => {
      throw new Error('will not')
    })
    assert.equal(await codeOf(s5.command('b', null)), 'ERR_HANDLER_FAILED')
    registered[Symbol.dispose]()
    assert.equal(await codeOf(s5.command('b', null)), 'ERR_NO_HANDLER')
  })

  it('fails when the member is unknown, has no link, or does not answer in time', async () => {
    const s5 = hostAt(12)
    assert.equal(await codeOf(s5.command('nobody', null)), 'ERR_UNKNOWN_MEMBER')
    b.onCommand(() => new Promise(() => {}))
    assert.equal(await codeOf(s5.command('b', null, { timeoutMs: 20 })), 'ERR_TIMEOUT')
    for (const options of [{ timeoutMs: 0 }, { timoutMs: 20 }, { signal: 5 as never }])
      assert.equal(await codeOf(s5.command('b', null, options as object)), 'ERR_BAD_OPTIONS')
    linked = false
    assert.equal(await codeOf(s5.command('b', null)), 'ERR_NO_ROUTE')
  })

  it('whose token cannot be made durable is not handled, and ends the member', async () => {
    const node = nodes.get('b')
    assert.ok(node)
    let handled = 0
    b.onCommand(() => {
      handled += 1
      return null
    })
    node.storage.raiseFencing = () => Promise.reject(new ClusterError('ERR_DISK', 'no space left', { path: 'x' }))
    assert.equal(await codeOf(hostAt(12).command('b', null)), 'ERR_DISK')
    assert.deepEqual([handled, node.failures.length], [0, 1])
  })

  it('does not leave once the lease is over, which is looked at with the clocks at that moment', async () => {
    let handled = 0
    b.onCommand(() => {
      handled += 1
      return null
    })
    const s5 = hostAt(12)
    const before = nodes.get('a')?.checks ?? 0
    holds = false
    assert.equal(await codeOf(s5.command('b', null)), 'ERR_LEASE_LOST')
    assert.equal(await codeOf(s5.decide(null)), 'ERR_LEASE_LOST')
    assert.ok((nodes.get('a')?.checks ?? 0) >= before + 2)
    assert.deepEqual([handled, proposed], [0, []])
  })
})

describe('a decision', () => {
  it('goes into the log with the token, and resolves to its index', async () => {
    const s5 = hostAt(12)
    assert.equal(await s5.decide({ price: 3 }), 77)
    const [command] = proposed
    assert.ok(command?.type === 'decide')
    assert.deepEqual([command.singleton, command.token], ['s5', 12])
    decision = { index: 77, payload: command.payload }
    assert.deepEqual(b.decision, { index: 77, payload: { price: 3 } })
  })

  it('is undefined before there was one', () => {
    assert.equal(b.decision, undefined)
  })

  it('of a stale token, or of a host that is not active any more, fails as such', async () => {
    const s5 = hostAt(12)
    propose = async () => ({ type: 'stale-token', token: 12, current: 20 })
    assert.equal(await codeOf(s5.decide(null)), 'ERR_STALE_TOKEN')
    propose = async () => ({ type: 'not-activated' })
    assert.equal(await codeOf(s5.decide(null)), 'ERR_LEASE_LOST')
    propose = () => Promise.reject(new ClusterError('ERR_NOT_LEADER', 'deposed', { leader: undefined }))
    assert.equal(await codeOf(s5.decide(null)), 'ERR_NOT_LEADER')
  })

  it('that is too large does not reach the log', async () => {
    const s5 = hostAt(12)
    assert.equal(await codeOf(s5.decide('x'.repeat(64 * 1024 + 1))), 'ERR_PAYLOAD_TOO_LARGE')
    assert.equal(await s5.decide(new Uint8Array(64 * 1024 - 64)), 77)
    assert.equal(proposed.length, 1)
  })

  it('that takes too long, or is aborted, may have happened', async () => {
    const s5 = hostAt(12)
    propose = (_command, signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    const late = await failure(s5.decide(null, { timeoutMs: 20 }))
    assert.deepEqual([late.code, late.mayHaveHappened], ['ERR_TIMEOUT', true])
    const abort = new AbortController()
    const running = failure(s5.decide(null, { signal: abort.signal, timeoutMs: Number.POSITIVE_INFINITY }))
    await waitUntil(() => proposed.length === 2)
    abort.abort()
    const aborted = await running
    assert.deepEqual([aborted.code, aborted.mayHaveHappened], ['ERR_ABORTED', true])
  })
})

describe('a call of S5', () => {
  it('is answered wherever it runs, and says who asks', async () => {
    hostAt(12, () => ({ onRequest: (payload, from) => [payload as string, from] }))
    assert.deepEqual(await b.call('s5', 'x'), ['x', 'name-b'])
    assert.deepEqual(await a.call('s5', 'x'), ['x', 'name-a'])
  })

  it('waits for a host while there is none', async () => {
    const answer = b.call('s5', 'x')
    await new Promise((resolve) => setImmediate(resolve))
    hostAt(12, () => ({ onRequest: () => 'here' }))
    assert.equal(await answer, 'here')
  })

  it('is sent again when the host it was sent to had just stopped', async () => {
    let asked = 0
    hostAt(12, () => ({
      onRequest: () => {
        asked += 1
        return 'here'
      },
    }))
    holds = false
    const answer = b.call('s5', 'x')
    const began = performance.now()
    await waitUntil(() => performance.now() - began > 60)
    assert.equal(asked, 0)
    holds = true
    assert.equal(await answer, 'here')
    assert.equal(asked, 1)
  })

  it('that has reached a handler is never sent again, whatever the handler fails with', async () => {
    let asked = 0
    hostAt(12, () => ({
      onRequest: () => {
        asked += 1
        throw new ClusterError('ERR_NO_ROUTE', 'no link to c', { member: 'c' })
      },
    }))
    for (const vsm of [a, b]) {
      asked = 0
      const error = await failure(vsm.call('s5', 'x', { timeoutMs: 500 }))
      assert.deepEqual([error.code, error.mayHaveHappened, asked], ['ERR_NO_ROUTE', true, 1])
    }
  })

  it('ends without a host with ERR_TIMEOUT, and has not happened', async () => {
    const error = await failure(b.call('s5', 'x', { timeoutMs: 60 }))
    assert.deepEqual([error.code, error.mayHaveHappened], ['ERR_TIMEOUT', false])
  })

  it('ends when it is aborted, with a host or without', async () => {
    const abort = new AbortController()
    const without = codeOf(b.call('s5', 'x', { signal: abort.signal }))
    abort.abort()
    assert.equal(await without, 'ERR_ABORTED')
    hostAt(12, () => ({ onRequest: () => new Promise(() => {}) }))
    for (const vsm of [a, b]) {
      const later = new AbortController()
      const running = codeOf(vsm.call('s5', 'x', { signal: later.signal }))
      setImmediate(() => later.abort())
      assert.equal(await running, 'ERR_ABORTED')
    }
  })

  it('fails with ERR_NO_HANDLER when the host answers no requests', async () => {
    hostAt(12)
    assert.equal(await codeOf(b.call('s5', 'x')), 'ERR_NO_HANDLER')
  })

  it('of a handler that never answers ends in time, on the host itself, too', async () => {
    hostAt(12, () => ({ onRequest: () => new Promise(() => {}) }))
    for (const vsm of [a, b]) assert.equal(await codeOf(vsm.call('s5', 'x', { timeoutMs: 30 })), 'ERR_TIMEOUT')
  })
})

describe('the host of S5', () => {
  it('is the only subsystem of this release', () => {
    assert.throws(() => a.host('s4' as 's5', () => undefined), { code: 'ERR_BAD_OPTIONS' })
  })

  it('is stopped when its node closes, and cleaned up by then', async () => {
    let isClean = false
    const s5 = hostAt(12, () => ({
      [Symbol.asyncDispose]: async () => {
        isClean = true
      },
    }))
    await a.close()
    assert.deepEqual([s5.signal.aborted, isClean], [true, true])
  })
})

describe('a token that is learned of', () => {
  it('is made durable, once', async () => {
    const storage = nodes.get('b')?.storage
    assert.ok(storage)
    const raised: number[] = []
    const { raiseFencing } = storage
    storage.raiseFencing = (singleton, to) => {
      raised.push(to)
      return raiseFencing.call(storage, singleton, to)
    }
    host = 'a'
    for (const known of [5, 5, 3, 8]) {
      token = known
      b.observe()
    }
    assert.deepEqual(raised, [5, 8])
    await waitUntil(() => raised.length === 2)
    assert.equal((await storage.readFencing()).get('s5'), 8)
  })
})
