import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type IncomingRequest, Requests } from '../../../src/channels/requests.ts'
import { ClusterError, type ErrorCode } from '../../../src/errors.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { turns, waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import type { Envelope } from '../../../src/wire/envelope.ts'
import { MAX_PAYLOAD_BYTES } from '../../../src/wire/limits.ts'

const counts: string[] = []
/** What was sent, in order; held back while `isCut`. */
let sent: Envelope[]
let isCut: boolean
let a: Requests
let b: Requests

function requests(self: string, generation: number, other: () => Requests): Requests {
  return new Requests({
    clock: systemClock,
    self,
    generation,
    nameOf: (id) => `name of ${id}`,
    count: (reason) => counts.push(reason),
    send: (envelope) => {
      if (envelope.destination !== 'a' && envelope.destination !== 'b') return false
      sent.push(envelope)
      if (!isCut) setImmediate(() => other().receive(self, envelope))
      return true
    },
  })
}

beforeEach(() => {
  counts.length = 0
  sent = []
  isCut = false
  // What one test has left on its way comes to its own pair.
  const near: Requests = requests('a', 3, () => far)
  const far: Requests = requests('b', 7, () => near)
  a = near
  b = far
})

afterEach(() => {
  a.close()
  b.close()
})

async function failure(promise: Promise<unknown>): Promise<ClusterError> {
  const error = await promise.then(
    (value) => assert.fail(`resolved to ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof ClusterError, String(error))
  return error
}

const codeOf = async (promise: Promise<unknown>): Promise<ErrorCode> => (await failure(promise)).code

describe('a request', () => {
  it('is answered with what the handler returns, and says who asks', async () => {
    const seen: IncomingRequest[] = []
    b.handle('greet', (request) => {
      seen.push(request)
      return { hello: request.payload as string }
    })
    assert.deepEqual(await a.request('b', 'greet', 'a'), { hello: 'a' })
    assert.deepEqual(seen, [{ from: 'a', subject: 'greet', payload: 'a' }])
  })

  it('carries bytes as bytes, both ways', async () => {
    b.handle('echo', async ({ payload }) => payload)
    assert.deepEqual(await a.request('b', 'echo', Uint8Array.of(1, 2)), Uint8Array.of(1, 2))
  })

  it('is answered with null by a handler that returns nothing', async () => {
    b.handle('note', (() => {}) as unknown as () => null)
    assert.equal(await a.request('b', 'note', 1), null)
    assert.equal(await b.request('b', 'note', 1), null)
  })

  it('keeps answers apart when they come in another order', async () => {
    const waiting = new Map<unknown, () => void>()
    b.handle('slow', ({ payload }) => new Promise((resolve) => waiting.set(payload, () => resolve(payload))))
    const answers = Promise.all([1, 2, 3].map((number) => a.request('b', 'slow', number)))
    await waitUntil(() => waiting.size === 3)
    for (const number of [3, 1, 2]) waiting.get(number)?.()
    assert.deepEqual(await answers, [1, 2, 3])
  })

  it('without a handler fails with ERR_NO_HANDLER, and has not happened', async () => {
    const error = await failure(a.request('b', 'nothing', null))
    assert.deepEqual(error.details, { member: 'name of b', subject: 'nothing' })
    assert.deepEqual([error.code, error.mayHaveHappened], ['ERR_NO_HANDLER', false])
  })

  it('fails with the error of the handler, by its code', async () => {
    b.handle('stale', () => {
      throw new ClusterError('ERR_STALE_TOKEN', 'stale', { token: 1, current: 2 })
    })
    b.handle('mad', async () => {
      throw new RangeError('too hot')
    })
    const stale = await failure(a.request('b', 'stale', null))
    assert.deepEqual([stale.code, stale.details], ['ERR_STALE_TOKEN', { token: 1, current: 2 }])
    const mad = await failure(a.request('b', 'mad', null))
    assert.equal(mad.code, 'ERR_HANDLER_FAILED')
    assert.deepEqual(mad.details, { member: 'name of b', subject: 'mad', reason: 'too hot' })
  })

  it('that nobody answers ends with ERR_TIMEOUT and may have happened', async () => {
    b.handle('never', () => new Promise(() => {}))
    const error = await failure(a.request('b', 'never', null, { timeoutMs: 20 }))
    assert.deepEqual([error.code, error.mayHaveHappened], ['ERR_TIMEOUT', true])
    assert.deepEqual(error.details, { operation: 'never', timeoutMs: 20 })
  })

  it('waits for ever when it is told to', async () => {
    b.handle('soon', async () => {
      const asked = performance.now()
      await waitUntil(() => performance.now() - asked > 20)
      return 'an answer'
    })
    assert.equal(await a.request('b', 'soon', null, { timeoutMs: Number.POSITIVE_INFINITY }), 'an answer')
  })

  it('that is aborted says whether it had left', async () => {
    b.handle('never', () => new Promise(() => {}))
    const before = await failure(a.request('b', 'never', null, { signal: AbortSignal.abort() }))
    assert.deepEqual([before.code, before.mayHaveHappened, sent.length], ['ERR_ABORTED', false, 0])
    const abort = new AbortController()
    const running = failure(a.request('b', 'never', null, { signal: abort.signal }))
    await waitUntil(() => sent.length === 1)
    abort.abort()
    const after = await running
    assert.deepEqual([after.code, after.mayHaveHappened], ['ERR_ABORTED', true])
  })

  it('without a link fails with ERR_NO_ROUTE and has not happened', async () => {
    const error = await failure(a.request('c', 'greet', null))
    assert.deepEqual(
      [error.code, error.mayHaveHappened, error.details],
      ['ERR_NO_ROUTE', false, { member: 'name of c' }],
    )
  })

  it('whose link is lost ends with ERR_MEMBER_DOWN and may have happened; those to others go on', async () => {
    isCut = true
    const lost = failure(a.request('b', 'x', null))
    const other = failure(a.request('a', 'never', null, { timeoutMs: 30 }))
    a.handle('never', () => new Promise(() => {}))
    a.lost('b')
    const error = await lost
    assert.deepEqual([error.code, error.mayHaveHappened], ['ERR_MEMBER_DOWN', true])
    assert.notEqual((await other).code, 'ERR_MEMBER_DOWN')
  })

  it('that is too large is refused before it leaves, and an answer that is too large before it is sent', async () => {
    const large = new Uint8Array(MAX_PAYLOAD_BYTES + 1)
    assert.equal(await codeOf(a.request('b', 'echo', large)), 'ERR_PAYLOAD_TOO_LARGE')
    assert.equal(sent.length, 0)
    b.handle('large', () => large)
    const late = await failure(a.request('b', 'large', null))
    assert.deepEqual([late.code, late.mayHaveHappened], ['ERR_HANDLER_FAILED', true])
  })

  it('is answered even when the handler fails with an error too large to send', async () => {
    b.handle('loud', () => {
      throw new ClusterError('ERR_BAD_REQUEST', 'x'.repeat(2 * MAX_PAYLOAD_BYTES), { problem: 'loud' })
    })
    assert.equal(await codeOf(a.request('b', 'loud', null, { timeoutMs: 1_000 })), 'ERR_BAD_REQUEST')
  })

  it('whose answer cannot be read waits on for its deadline', async () => {
    isCut = true
    const answer = codeOf(a.request('b', 'x', null, { timeoutMs: 50 }))
    const [request] = sent
    assert.ok(request)
    const reply = { ...request, kind: 'reply', source: 'b', destination: 'a', encoding: 'json' } as const
    a.receive('b', { ...reply, payload: Uint8Array.of(0xff) })
    a.receive('b', { ...reply, kind: 'error', payload: new TextEncoder().encode('{"code":3}') })
    assert.deepEqual(counts, ['reply-malformed', 'reply-malformed'])
    assert.equal(await answer, 'ERR_TIMEOUT')
  })

  it('takes no answer from anybody but whom it asked, and none twice', async () => {
    isCut = true
    const answer = a.request('b', 'x', null)
    const [request] = sent
    assert.ok(request)
    const payload = new TextEncoder().encode('"forged"')
    const reply = { ...request, kind: 'reply', destination: 'a', encoding: 'json', payload } as const
    a.receive('c', { ...reply, source: 'c' })
    a.receive('b', { ...reply, source: 'b', payload: new TextEncoder().encode('"true"') })
    a.receive('b', { ...reply, source: 'b' })
    assert.equal(await answer, 'true')
    assert.deepEqual(counts, ['reply-unexpected', 'reply-unexpected'])
  })

  it('fails with ERR_SHUTTING_DOWN once the node stops: what was out may have happened, what comes after has not', async () => {
    isCut = true
    const out = failure(a.request('b', 'x', null))
    await turns(1)
    a.close()
    assert.deepEqual([(await out).code, (await out).mayHaveHappened], ['ERR_SHUTTING_DOWN', true])
    const later = await failure(a.request('b', 'x', null))
    assert.deepEqual([later.code, later.mayHaveHappened], ['ERR_SHUTTING_DOWN', false])
  })
})

describe('a request to oneself', () => {
  it('is answered as by any other member, but sends nothing', async () => {
    a.handle('echo', ({ from, payload }) => [from, payload as string])
    assert.deepEqual(await a.request('a', 'echo', 'x'), ['a', 'x'])
    assert.equal(sent.length, 0)
    assert.equal(await codeOf(a.request('a', 'nothing', null)), 'ERR_NO_HANDLER')
  })

  it('hands over a copy', async () => {
    let kept: unknown
    a.handle('keep', ({ payload }) => {
      kept = payload
      return null
    })
    const payload = { list: [1] }
    await a.request('a', 'keep', payload)
    payload.list.push(2)
    assert.deepEqual(kept, { list: [1] })
  })

  it("hands over a copy of a Node.js buffer, whose 'slice' makes none", async () => {
    let kept: unknown
    a.handle('keep', ({ payload }) => {
      kept = payload
      return null
    })
    const payload = Buffer.from([1, 2])
    await a.request('a', 'keep', payload)
    payload.fill(9)
    assert.deepEqual(new Uint8Array(kept as Uint8Array), new Uint8Array([1, 2]))
  })

  it('fails like one to another member: handler, size, time, signal', async () => {
    a.handle('mad', () => {
      throw new RangeError('too hot')
    })
    a.handle('never', () => new Promise(() => {}))
    assert.equal(await codeOf(a.request('a', 'mad', null)), 'ERR_HANDLER_FAILED')
    assert.equal(await codeOf(a.request('a', 'mad', new Uint8Array(MAX_PAYLOAD_BYTES + 1))), 'ERR_PAYLOAD_TOO_LARGE')
    assert.equal(await codeOf(a.request('a', 'never', null, { timeoutMs: 20 })), 'ERR_TIMEOUT')
    const abort = new AbortController()
    const running = codeOf(a.request('a', 'never', null, { signal: abort.signal }))
    abort.abort()
    assert.equal(await running, 'ERR_ABORTED')
  })
})

describe('a handler', () => {
  it('is replaced by a newer one of its subject, and an older one disposed does not remove it', async () => {
    const first = b.handle('who', () => 'first')
    const second = b.handle('who', () => 'second')
    first[Symbol.dispose]()
    assert.equal(await a.request('b', 'who', null), 'second')
    second[Symbol.dispose]()
    assert.equal(await codeOf(a.request('b', 'who', null)), 'ERR_NO_HANDLER')
  })

  it('is refused work past the bound, at once, and takes some again afterwards', async () => {
    const open: (() => void)[] = []
    b.handle('slow', () => new Promise((resolve) => open.push(() => resolve('done'))))
    const running = Array.from({ length: 1_024 }, () => a.request('b', 'slow', null))
    await waitUntil(() => open.length === 1_024)
    const error = await failure(a.request('b', 'slow', null))
    assert.deepEqual(
      [error.code, error.details, error.retryable],
      ['ERR_BUFFER_FULL', { queue: 'handlers', limit: 1_024 }, true],
    )
    for (const finish of open) finish()
    await Promise.all(running)
    const again = a.request('b', 'slow', null)
    await waitUntil(() => open.length === 1_025)
    open.at(-1)?.()
    assert.equal(await again, 'done')
  })
})

describe('an envelope', () => {
  async function take(changes: Partial<Envelope>): Promise<void> {
    b.handle('x', () => {
      counts.push('handled')
      return null
    })
    isCut = true
    void a.request('b', 'x', null).catch(() => {})
    const [request] = sent
    assert.ok(request)
    b.receive('a', { ...request, ...changes })
    await turns(2)
  }

  it('that is not from the end of its link is dropped and counted', async () => {
    await take({ source: 'c' })
    assert.deepEqual(counts, ['envelope-misrouted'])
  })

  it('that is for somebody else is dropped and counted', async () => {
    await take({ destination: 'c' })
    assert.deepEqual(counts, ['envelope-misrouted'])
  })

  it('that was meant for an earlier life is dropped and counted', async () => {
    await take({ destinationGeneration: 6 })
    assert.deepEqual(counts, ['envelope-earlier-life'])
  })

  it('that is for this life, or for any, is taken', async () => {
    await take({ destinationGeneration: 7 })
    assert.deepEqual(counts, ['handled'])
  })

  it('that is no request is dropped and counted: channels come later', async () => {
    await take({ kind: 'message' })
    assert.deepEqual(counts, ['envelope-no-handler'])
  })
})
