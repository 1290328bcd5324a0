import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ConfigCallOptions, ConfigEvent, StandardSchema, TrellisNode } from '../../../src/index.ts'
import { createNode } from '../../../src/index.ts'
import { turns } from '../../../src/testing/compliance/wait-until.ts'
import { failureOf } from '../local-nodes.ts'

/** Takes positive numbers, and rounds them. */
const positive: StandardSchema<number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof value === 'number' && value > 0
        ? { value: Math.round(value) }
        : { issues: [{ message: 'must be positive', path: ['limit'] }] },
  },
}

async function take(events: AsyncIterable<ConfigEvent>, count: number): Promise<ConfigEvent[]> {
  const taken: ConfigEvent[] = []
  for await (const event of events) if (taken.push(event) === count) break
  return taken
}

describe('config on a voter and on a member without a log', () => {
  let voters: TrellisNode[]
  let guest: TrellisNode
  let all: TrellisNode[]
  before(async () => {
    const local = { listen: '127.0.0.1:0' } as const
    const first = await createNode({ ...local, name: 'a', expect: 3, timeoutMs: 1 })
    const others = ['b', 'c'].map((name) => createNode({ ...local, name, expect: 3, join: [first.address] }))
    voters = [first, ...(await Promise.all(others))]
    guest = await createNode({ ...local, name: 'guest', join: [first.address] })
    all = [...voters, guest]
    await Promise.all(all.map((node) => node.ready()))
    assert.equal(guest.status().consensus.role, 'none')
  })
  after(() => Promise.all(all.map((node) => node.stop())))

  it('what one member sets, every other reads at once', async () => {
    for (const [position, node] of all.entries()) {
      const entry = await node.config.set('read.everywhere', { position })
      for (const other of all) assert.deepEqual(await other.config.get('read.everywhere'), entry)
    }
    for (const node of all) assert.equal(await node.config.get('read.nowhere'), undefined)
  })

  it('compare-and-set takes exactly the revision it names; 0 is for a key that is not there', async () => {
    for (const node of all) {
      const made = await node.config.compareAndSet(`cas.${node.name}`, 0, 1)
      const error = await failureOf(node.config.compareAndSet(made.key, 0, 2))
      assert.deepEqual(
        [error.code, error.details],
        ['ERR_REVISION_MISMATCH', { key: made.key, revision: made.revision }],
      )
      assert.equal((await node.config.compareAndSet(made.key, made.revision, 2)).createRevision, made.revision)
    }
  })

  it('of many that compare at once exactly one sets', async () => {
    const { revision } = await guest.config.set('race', 'begin')
    const attempts = all.flatMap((node) => [1, 2, 3].map((n) => node.config.compareAndSet('race', revision, n)))
    const outcomes = await Promise.allSettled(attempts)
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  })

  it('a deleted key is gone; one that is not there, or has another revision, is refused', async () => {
    for (const node of all) {
      const { key, revision } = await node.config.set(`gone.${node.name}`, null)
      assert.equal((await failureOf(node.config.delete(key, { revision: revision - 1 }))).code, 'ERR_REVISION_MISMATCH')
      assert.ok((await node.config.delete(key, { revision })).revision > revision)
      assert.equal(await guest.config.get(key), undefined)
      assert.equal((await failureOf(node.config.delete(key))).code, 'ERR_KEY_NOT_FOUND')
    }
  })

  it('a transaction is done whole in one revision, or its other branch is', async () => {
    for (const node of all) {
      const [a, b] = [`tx.${node.name}.a`, `tx.${node.name}.b`]
      const transaction = {
        if: [{ key: a, exists: false }],
        do: [
          { set: a, value: 1 },
          { set: b, value: 2 },
        ],
        else: [{ delete: a }],
      }
      const first = await node.config.transaction(transaction)
      assert.equal(first.succeeded, true)
      assert.deepEqual(
        first.results,
        [a, b].map((key) => ({ key, revision: first.revision, existed: false })),
      )
      const second = await node.config.transaction(transaction)
      assert.deepEqual([second.succeeded, second.results], [false, [{ key: a, revision: 0, existed: true }]])
      assert.deepEqual(
        (await node.config.list(`tx.${node.name}.`)).entries.map(({ key }) => key),
        [b],
      )
    }
  })

  it('a list of more keys than fit a page is whole and in order', async () => {
    const value = 'x'.repeat(60_000)
    for (let n = 0; n < 12; n++) await guest.config.set(`page.${String(n).padStart(2, '0')}`, value)
    for (const node of [voters[0]!, guest]) {
      const { entries, revision } = await node.config.list('page.')
      assert.deepEqual(
        entries.map(({ key }) => key.slice(5)),
        Array.from({ length: 12 }, (_, n) => String(n).padStart(2, '0')),
      )
      assert.equal(entries.at(-1)?.revision, revision)
    }
  })

  it('a watch tells each change once and in order, from now on or from any revision', async () => {
    for (const node of all) {
      const prefix = `watch.${node.name}.`
      const { revision } = await guest.config.set(`${prefix}a`, 1)
      const watch = node.config.watch(prefix, { from: revision })
      const later = node.config.watch(prefix)
      const from = await later.from
      assert.ok(from > 0)
      await guest.config.set(`${prefix}b`, 2)
      await guest.config.set('another', 2)
      await guest.config.transaction({ do: [{ delete: `${prefix}a` }, { set: `${prefix}b`, value: 3 }] })
      const told = (await take(watch, 4)).map(({ type, key, more }) => [type, key.slice(prefix.length), more === true])
      assert.deepEqual(told, [
        ['set', 'a', false],
        ['set', 'b', false],
        ['delete', 'a', true],
        ['set', 'b', false],
      ])
      assert.equal((await take(later, 3)).at(-1)?.type, 'set')
    }
  })

  it('a watch ends with its signal', async () => {
    for (const node of all) {
      const abort = new AbortController()
      const watch = node.config.watch('nothing.', { signal: abort.signal })
      const ended = take(watch, 1)
      await watch.from
      abort.abort()
      assert.deepEqual(await ended, [])
    }
  })

  it('a watch tells no more once its signal has aborted, whatever has come by then', async () => {
    const { revision } = await guest.config.set('enough.0', 0)
    for (let n = 1; n < 5; n++) await guest.config.set(`enough.${n}`, n)
    for (const node of all) {
      const abort = new AbortController()
      const keys: string[] = []
      for await (const { key } of node.config.watch('enough.', { from: revision, signal: abort.signal })) {
        keys.push(key)
        if (keys.length === 2) abort.abort()
      }
      assert.deepEqual(keys, ['enough.0', 'enough.1'])
    }
  })

  it('history and rollback bring back what was', async () => {
    for (const node of all) {
      const key = `history.${node.name}`
      const before = (await node.config.set(key, 'zero')).revision
      const { revision } = await node.config.set(key, 'one')
      await node.config.set(key, 'two')
      const events = await node.config.history(key)
      assert.deepEqual(
        events.map((event) => event.type === 'set' && event.value),
        ['zero', 'one', 'two'],
      )
      assert.equal((await node.config.rollback(key, revision))?.value, 'one')
      assert.equal(await node.config.rollback(key, before - 1), undefined)
      assert.equal(await node.config.get(key), undefined)
      assert.equal((await failureOf(node.config.rollback(key, before - 1))).code, 'ERR_KEY_NOT_FOUND')
    }
  })

  it('a stale read needs nobody and says how old it may be', async () => {
    const entry = await voters[0]!.config.set('stale', 1)
    for (const node of all) {
      // Every copy gets it in the end.
      let copied = await node.config.get('stale', { consistency: 'stale' })
      for (; copied === undefined; await turns(1)) copied = await node.config.get('stale', { consistency: 'stale' })
      const { ageMs, ...stale } = copied
      assert.deepEqual([stale, Number.isInteger(ageMs)], [entry, true])
    }
  })

  it('a value passes the schemas of its key and of the call, or is refused with what is wrong', async () => {
    using _registered = guest.config.schema('limits.', positive)
    assert.equal((await guest.config.set('limits.rate', 1.6)).value, 2)
    assert.equal((await guest.config.set('other', 1.6)).value, 1.6)
    const error = await failureOf(guest.config.set('limits.rate', -1))
    assert.deepEqual(
      [error.code, error.details],
      ['ERR_INVALID_VALUE', { key: 'limits.rate', issues: ['limit: must be positive'] }],
    )
    assert.equal(
      (await failureOf(guest.config.transaction({ do: [{ set: 'limits.x', value: 0 }] }))).code,
      'ERR_INVALID_VALUE',
    )
    assert.equal(
      (await failureOf(voters[0]!.config.set('limits.rate', -1, { schema: positive }))).code,
      'ERR_INVALID_VALUE',
    )
  })

  it('a schema that fails, or gives no answer, lets nothing pass', async () => {
    const boom = new Error('boom')
    const throwing = (): never => {
      throw boom
    }
    const broken: [() => unknown, unknown][] = [
      [throwing, boom],
      [() => Promise.reject(boom), boom],
      [() => undefined, undefined],
      [() => ({ issues: 5 }), undefined],
    ]
    for (const [validate, cause] of broken) {
      const schema = { '~standard': { version: 1, vendor: 'test', validate } } as StandardSchema
      using _registered = guest.config.schema('broken.', schema)
      const calls = [
        guest.config.set('elsewhere', 1, { schema }),
        guest.config.set('broken.a', 1),
        guest.config.compareAndSet('broken.a', 0, 1),
        guest.config.transaction({ do: [{ set: 'broken.a', value: 1 }] }),
      ]
      for (const call of calls) {
        const error = await failureOf(call)
        assert.deepEqual([error.code, error.mayHaveHappened], ['ERR_INVALID_VALUE', false])
        assert.match(error.message, /its schema failed/)
        if (cause) assert.equal(error.cause, cause)
      }
    }
    assert.equal(await guest.config.get('broken.a'), undefined)
  })

  it('a schema that does not answer holds its call up no longer than the call may last', async () => {
    const schema = {
      '~standard': { version: 1, vendor: 'test', validate: () => new Promise(() => {}) },
    } as unknown as StandardSchema
    const { revision } = await guest.config.set('silent.old', 1)
    await guest.config.set('silent.old', 2)
    using _registered = guest.config.schema('silent.', schema)
    const calls: ((options: ConfigCallOptions) => Promise<unknown>)[] = [
      (options) => guest.config.set('elsewhere', 1, { schema, ...options }),
      (options) => guest.config.compareAndSet('silent.a', 0, 1, options),
      (options) => guest.config.transaction({ do: [{ set: 'silent.a', value: 1 }] }, options),
      (options) => guest.config.rollback('silent.old', revision, options),
    ]
    for (const call of calls) {
      const late = await failureOf(call({ timeoutMs: 50 }))
      assert.deepEqual([late.code, late.mayHaveHappened], ['ERR_TIMEOUT', false])
      const abort = new AbortController()
      const aborted = failureOf(call({ signal: abort.signal }))
      abort.abort()
      assert.deepEqual([(await aborted).code, (await aborted).mayHaveHappened], ['ERR_ABORTED', false])
    }
    assert.equal((await guest.config.get('silent.old'))?.value, 2)
  })

  it('a schema looks at what a rollback brings back, however much was written since', async () => {
    const { revision } = await guest.config.set('limits.old', 'text')
    for (let n = 1; n < 8; n++) await guest.config.set('limits.old', 'x'.repeat(60_000))
    for (const node of all) {
      using _registered = node.config.schema('limits.', positive)
      const error = await failureOf(node.config.rollback('limits.old', revision))
      assert.deepEqual([error.code, error.mayHaveHappened], ['ERR_INVALID_VALUE', false])
    }
    assert.equal((await guest.config.rollback('limits.old', revision))?.value, 'text')
  })

  it('what is too large or no JSON is refused before it leaves', async () => {
    const { config } = guest
    const many = Array.from({ length: 3 }, (_, n) => ({ set: `k${n}`, value: 'x'.repeat(40_000) }))
    const steps = (count: number) => Array.from({ length: count }, (_, n) => ({ set: `step${n}`, value: n }))
    const refusals: [() => Promise<unknown>, string][] = [
      [() => config.set('', 1), 'ERR_BAD_OPTIONS'],
      [() => config.set('..', 1), 'ERR_BAD_OPTIONS'],
      [() => config.compareAndSet('.', 0, 1), 'ERR_BAD_OPTIONS'],
      [() => config.transaction({ do: [{ set: '..', value: 1 }] }), 'ERR_BAD_OPTIONS'],
      [async () => config.offline('.', 'counter'), 'ERR_BAD_OPTIONS'],
      [() => config.set('x'.repeat(513), 1), 'ERR_PAYLOAD_TOO_LARGE'],
      [() => config.set('k', 'x'.repeat(65_536)), 'ERR_PAYLOAD_TOO_LARGE'],
      [() => config.transaction({ do: many }), 'ERR_PAYLOAD_TOO_LARGE'],
      [() => config.transaction({ do: [{ set: 'a', value: 1 }, { delete: 'a' }] }), 'ERR_BAD_OPTIONS'],
      [() => config.transaction({ do: steps(129) }), 'ERR_BAD_OPTIONS'],
      [() => config.transaction({ do: [], else: steps(129) }), 'ERR_BAD_OPTIONS'],
      [() => config.transaction({ do: [{ delete: 'k', revision: 1 } as never] }), 'ERR_BAD_OPTIONS'],
      [() => config.transaction({ do: [{ set: 'k', value: 1, delete: 'a' } as never] }), 'ERR_BAD_OPTIONS'],
      [() => config.transaction({ if: [{ key: 'k', revision: 0, exists: true }], do: [] }), 'ERR_BAD_OPTIONS'],
      [() => config.transaction({ do: new Array(1) }), 'ERR_BAD_OPTIONS'],
      [() => config.set('k', undefined), 'ERR_BAD_OPTIONS'],
      [() => config.set('k', 1n), 'ERR_BAD_OPTIONS'],
      [() => config.compareAndSet('k', -1, 1), 'ERR_BAD_OPTIONS'],
      [() => config.get('k', { consistency: 'fresh' as 'stale' }), 'ERR_BAD_OPTIONS'],
    ]
    for (const [call, code] of refusals) {
      const error = await failureOf(call())
      assert.deepEqual([error.code, error.mayHaveHappened], [code, false])
    }
    assert.match((await failureOf(config.set('..', 1))).message, /^a key cannot be '\.\.': no URL can name it$/)
    assert.equal((await config.set('...', 1)).key, '...')
    // One that an earlier release has set is there like any other.
    assert.equal(await config.get('..'), undefined)
    assert.deepEqual([...(await config.history('..'))], [])
    assert.equal((await failureOf(config.delete('..'))).code, 'ERR_KEY_NOT_FOUND')
    assert.equal((await config.set('k', 'x'.repeat(65_534))).key, 'k')
    assert.match(
      (await failureOf(config.transaction({ do: steps(129) }))).message,
      /^a transaction has at most 128 checks, and as many steps/,
    )
    assert.equal((await config.transaction({ do: steps(128) })).results.length, 128)
  })

  it('survives the loss of its leader: calls go on, and a watch misses nothing and repeats nothing', async () => {
    const watch = guest.config.watch('survive.')
    await watch.from
    const told = take(watch, 20)
    const leader = voters.find(({ name }) => name === guest.status().consensus.leader)!
    const written: number[] = []
    let stopped: Promise<void> | undefined
    for (let n = 0; n < 20; n++) {
      if (n === 10) stopped = leader.stop()
      written.push((await guest.config.set('survive.n', n)).revision)
    }
    await stopped
    voters.splice(voters.indexOf(leader), 1)
    assert.deepEqual(
      (await told).map(({ revision }) => revision),
      written,
    )
  })

  it('a minority refuses reads and writes soon with ERR_NO_QUORUM, and still answers stale reads', async () => {
    const [second, last] = voters as [TrellisNode, TrellisNode]
    await second.stop()
    for (const node of [last, guest]) {
      assert.equal((await failureOf(node.config.get('stale'))).code, 'ERR_NO_QUORUM')
      assert.equal((await failureOf(node.config.set('stale', 2))).code, 'ERR_NO_QUORUM')
      assert.equal((await node.config.get('stale', { consistency: 'stale' }))?.value, 1)
    }
  })
})
