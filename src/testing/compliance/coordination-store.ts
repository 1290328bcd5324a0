// The contract of whatever keeps what a cluster agrees on, as cases: what `coordination/config-interface.ts` and
// `coordination/lease-interface.ts` promise, seen from two nodes. Run over the members' own log and over etcd. What a
// store cannot do it has to refuse, with `ERR_UNSUPPORTED`.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ConfigEvent, ConfigWatch } from '../../coordination/config-interface.ts'
import type { StandardSchema } from '../../coordination/standard-schema.ts'
import { isClusterError } from '../../errors.ts'
import type { TrellisNode } from '../../node-interface.ts'
import { claimCases } from './coordination-claims.ts'

/** What is agreed on, as one node shows it. */
export type AgreedData = Pick<
  TrellisNode,
  'config' | 'locks' | 'semaphores' | 'elections' | 'barriers' | 'counters' | 'singletons'
>

/** Two nodes of one cluster with nothing in it yet. */
export interface CoordinationSubject {
  readonly a: AgreedData
  readonly b: AgreedData
  /** Makes the store drop all history up to now. */
  compact(): Promise<void>
  close(): Promise<void>
}

export interface CoordinationSuite {
  open(): Promise<CoordinationSubject>
  /** Why the whole suite cannot run; printed. */
  readonly skipAll?: string | false
  /** Which cases this store cannot pass, and why: it has to refuse what they ask with `ERR_UNSUPPORTED`. */
  readonly refuses?: Readonly<Record<string, string>>
}

const onlyNumbers: StandardSchema<number> = {
  '~standard': {
    version: 1,
    vendor: 'trellis',
    validate: (value) => (typeof value === 'number' ? { value } : { issues: [{ message: 'must be a number' }] }),
  },
}

/** Registers the cases with `node:test`, under the name of the store. */
export function testCoordinationStore(name: string, suite: CoordinationSuite): void {
  describe(`coordination store: ${name}`, { skip: suite.skipAll ?? false }, () => {
    let subject: CoordinationSubject
    const used = new Set<string>()
    before(async () => {
      subject = await suite.open()
    })
    after(async () => {
      const unknown = Object.keys(suite.refuses ?? {}).filter((fact) => !used.has(fact))
      assert.deepEqual(unknown, [], 'what is refused is no case')
      await subject?.close()
    })
    const fact = (text: string, check: (subject: CoordinationSubject) => Promise<void>): void => {
      used.add(text)
      const why = suite.refuses?.[text]
      if (why === undefined) it(text, () => check(subject))
      else
        it(`refuses what this asks: ${text} (${why})`, () =>
          assert.rejects(check(subject), refusedWith('ERR_UNSUPPORTED')))
    }
    for (const cases of [writeCases, transactionCases, historyCases, watchCases, claimCases]) cases(fact)
  })
}

export type Fact = (text: string, check: (subject: CoordinationSubject) => Promise<void>) => void

const refusedWith =
  (code: Parameters<typeof isClusterError>[1]) =>
  (error: unknown): boolean =>
    isClusterError(error, code)

function writeCases(fact: Fact): void {
  fact('shows every node what any node has written, at once', async ({ a, b }) => {
    const written = await a.config.set('write/one', { deep: [1, 'é', null] })
    assert.deepEqual(await b.config.get('write/one'), written)
    assert.equal(written.revision, written.createRevision)
    assert.equal(await b.config.get('write/none'), undefined)
  })

  fact('gives later writes larger revisions, whatever keys they touch', async ({ a, b }) => {
    const first = await a.config.set('write/x', 1)
    const other = await b.config.set('write/y', 1)
    const again = await a.config.set('write/x', 2)
    assert.ok(first.revision < other.revision && other.revision < again.revision)
    assert.equal(again.createRevision, first.createRevision)
    await b.config.delete('write/x')
    const anew = await a.config.set('write/x', 3)
    assert.equal(anew.createRevision, anew.revision)
  })

  fact('sets only what has the revision that was named', async ({ a, b }) => {
    const made = await a.config.compareAndSet('write/cas', 0, 'made')
    await assert.rejects(b.config.compareAndSet('write/cas', 0, 'again'), (error) => {
      assert.ok(isClusterError(error, 'ERR_REVISION_MISMATCH'))
      assert.deepEqual(error.details, { key: 'write/cas', revision: made.revision })
      return !error.mayHaveHappened
    })
    const changed = await b.config.compareAndSet('write/cas', made.revision, 'changed')
    await assert.rejects(
      a.config.compareAndSet('write/cas', made.revision, 'late'),
      refusedWith('ERR_REVISION_MISMATCH'),
    )
    assert.deepEqual(await a.config.get('write/cas'), changed)
  })

  fact('loses none of many concurrent compare-and-sets', async ({ a, b }) => {
    await a.config.set('write/sum', 0)
    const add = async (node: AgreedData): Promise<void> => {
      for (let done = 0; done < 5; ) {
        const { value, revision } = (await node.config.get('write/sum'))!
        const next = (value as number) + 1
        const result = await node.config.compareAndSet('write/sum', revision, next).catch((error: unknown) => error)
        if (!(result instanceof Error)) done += 1
        else assert.ok(isClusterError(result, 'ERR_REVISION_MISMATCH'))
      }
    }
    await Promise.all([add(a), add(b), add(a), add(b)])
    assert.equal((await a.config.get('write/sum'))?.value, 20)
  })

  fact('deletes what is there, and says so when nothing is', async ({ a, b }) => {
    const { revision } = await a.config.set('write/gone', 1)
    await assert.rejects(
      b.config.delete('write/gone', { revision: revision - 1 }),
      refusedWith('ERR_REVISION_MISMATCH'),
    )
    const gone = await b.config.delete('write/gone', { revision })
    assert.ok(gone.revision > revision)
    assert.equal(await a.config.get('write/gone'), undefined)
    await assert.rejects(a.config.delete('write/gone'), refusedWith('ERR_KEY_NOT_FOUND'))
  })

  fact('lists keys by prefix, in their order, as of one revision', async ({ a, b }) => {
    for (const key of ['list/b', 'list/a/2', 'list/a/10', 'lisu']) await a.config.set(key, key)
    const { entries, revision } = await b.config.list('list/')
    assert.deepEqual(
      entries.map(({ key, value }) => [key, value]),
      [
        ['list/a/10', 'list/a/10'],
        ['list/a/2', 'list/a/2'],
        ['list/b', 'list/b'],
      ],
    )
    assert.ok(revision >= Math.max(...entries.map((entry) => entry.revision)))
  })

  fact('says of a stale read how old it may be', async ({ a, b }) => {
    await a.config.set('write/stale', 1)
    const entry = await b.config.get('write/stale', { consistency: 'stale' })
    assert.ok(entry === undefined || (Number.isInteger(entry.ageMs) && entry.ageMs! >= 0))
    assert.ok(Number.isInteger((await b.config.list('write/', { consistency: 'stale' })).ageMs))
  })

  fact('refuses keys and values out of bounds', async ({ a }) => {
    await assert.rejects(a.config.set('', 1), refusedWith('ERR_BAD_OPTIONS'))
    await assert.rejects(a.config.set('k'.repeat(513), 1), refusedWith('ERR_PAYLOAD_TOO_LARGE'))
    await assert.rejects(a.config.set('write/large', 'x'.repeat(65_536)), refusedWith('ERR_PAYLOAD_TOO_LARGE'))
    assert.equal((await a.config.set('write/large', 'x'.repeat(60_000))).key, 'write/large')
  })

  fact('merges offline keys', async ({ a, b }) => {
    const counter = a.config.offline('write/offline', 'counter')
    counter.add(2)
    await counter.merged()
    assert.equal(await b.config.offline('write/offline', 'counter').get(), 2)
  })
}

function transactionCases(fact: Fact): void {
  fact('does all of a transaction in one revision, or its other branch', async ({ a, b }) => {
    const { revision } = await a.config.set('txn/a', 1)
    const done = await b.config.transaction({
      if: [
        { key: 'txn/a', revision },
        { key: 'txn/b', exists: false },
      ],
      do: [{ delete: 'txn/a' }, { set: 'txn/b', value: 2 }, { delete: 'txn/never' }],
      else: [{ set: 'txn/else', value: true }],
    })
    assert.equal(done.succeeded, true)
    assert.deepEqual(done.results, [
      { key: 'txn/a', revision: 0, existed: true },
      { key: 'txn/b', revision: done.revision, existed: false },
      { key: 'txn/never', revision: 0, existed: false },
    ])
    const other = await a.config.transaction({
      if: [{ key: 'txn/b', exists: false }],
      do: [{ set: 'txn/b', value: 3 }],
      else: [{ set: 'txn/else', value: true }],
    })
    assert.equal(other.succeeded, false)
    assert.equal((await b.config.get('txn/else'))?.revision, other.revision)
    assert.equal((await b.config.get('txn/b'))?.value, 2)
  })

  fact('refuses a transaction whose check fails and that has no other branch', async ({ a }) => {
    const { revision } = await a.config.set('txn/check', 1)
    const transaction = { if: [{ key: 'txn/check', revision: revision + 1 }], do: [{ set: 'txn/check', value: 2 }] }
    const done = await a.config.transaction(transaction)
    assert.equal(done.succeeded, false)
    assert.deepEqual(done.results, [])
    assert.equal((await a.config.get('txn/check'))?.value, 1)
  })

  fact('refuses a transaction that names a key twice, or has too many steps', async ({ a }) => {
    await assert.rejects(
      a.config.transaction({ do: [{ set: 'txn/twice', value: 1 }, { delete: 'txn/twice' }] }),
      refusedWith('ERR_BAD_OPTIONS'),
    )
    const many = Array.from({ length: 129 }, (_, i) => ({ set: `txn/${i}`, value: i }))
    await assert.rejects(a.config.transaction({ do: many }), refusedWith('ERR_BAD_OPTIONS'))
    assert.equal((await a.config.transaction({ do: many.slice(1) })).results.length, 128)
  })
}

function historyCases(fact: Fact): void {
  fact('keeps the history of a key, deletions too, and rolls back to any of it', async ({ a, b }) => {
    const first = await a.config.set('history/key', 'first')
    const second = await b.config.set('history/key', 'second')
    const gone = await a.config.delete('history/key')
    const events = await b.config.history('history/key')
    assert.deepEqual(
      events.map(({ type, revision }) => [type, revision]),
      [
        ['set', first.revision],
        ['set', second.revision],
        ['delete', gone.revision],
      ],
    )
    const back = await b.config.rollback('history/key', second.revision)
    assert.equal(back?.value, 'second')
    assert.equal((await a.config.history('history/key')).length, 4)
    assert.equal(await a.config.rollback('history/key', gone.revision), undefined)
    assert.equal(await b.config.get('history/key'), undefined)
    await assert.rejects(a.config.rollback('history/key', gone.revision + 1_000_000), refusedWith('ERR_BAD_OPTIONS'))
  })

  fact('brings back no value that a schema of the node refuses', async ({ a, b }) => {
    const refused = await a.config.set('checked/key', 'text')
    const taken = await a.config.set('checked/key', 5)
    const last = await a.config.set('checked/key', 6)
    using _schema = b.config.schema('checked/', onlyNumbers)
    await assert.rejects(b.config.rollback('checked/key', refused.revision), refusedWith('ERR_INVALID_VALUE'))
    for (const branch of ['do', 'else'] as const) {
      const step = { rollback: 'checked/key', revision: refused.revision }
      const transaction = { if: [{ key: 'checked/key', exists: true }], do: [], [branch]: [step] }
      await assert.rejects(b.config.transaction(transaction), refusedWith('ERR_INVALID_VALUE'))
    }
    assert.deepEqual(await a.config.get('checked/key'), last)
    await assert.rejects(b.config.rollback('checked/key', last.revision + 1_000_000), refusedWith('ERR_BAD_OPTIONS'))
    assert.equal((await b.config.rollback('checked/key', taken.revision))?.value, 5)
    assert.equal(await b.config.rollback('checked/key', refused.revision - 1), undefined)
    assert.equal((await a.config.rollback('checked/key', refused.revision))?.value, 'text')
  })
}

function watchCases(fact: Fact): void {
  fact('tells a watch of every change, once, in its order', async ({ a, b }) => {
    const { watch, stop } = begin(b, 'watch/')
    const from = await watch.from
    const first = await a.config.set('watch/a', 1)
    await a.config.set('elsewhere', 1)
    const both = await a.config.transaction({
      do: [
        { set: 'watch/a', value: 2 },
        { set: 'watch/b', value: 2 },
      ],
    })
    const gone = await b.config.delete('watch/a')
    assert.ok(from <= first.revision)
    assert.deepEqual(await take(watch, 4), [
      { type: 'set', key: 'watch/a', value: 1, revision: first.revision, createRevision: first.revision },
      { type: 'set', key: 'watch/a', value: 2, revision: both.revision, createRevision: first.revision, more: true },
      { type: 'set', key: 'watch/b', value: 2, revision: both.revision, createRevision: both.revision },
      { type: 'delete', key: 'watch/a', revision: gone.revision, createRevision: first.revision },
    ])
    stop()
  })

  fact('resumes a watch from any revision that is kept, without gap or repeat', async ({ a, b }) => {
    const revisions: number[] = []
    for (let i = 0; i < 40; i++) revisions.push((await a.config.set(`resume/${i % 3}`, i)).revision)
    for (const start of [0, 7, 39]) {
      const { watch, stop } = begin(b, 'resume/', revisions[start])
      const told = await take(watch, 40 - start)
      assert.deepEqual(
        told.map(({ revision }) => revision),
        revisions.slice(start),
      )
      stop()
    }
  })

  fact('tells a watch from before everything of everything', async ({ a, b }) => {
    await a.config.set('whole/a', 1)
    const { watch, stop } = begin(b, 'whole/', 0)
    assert.deepEqual(
      (await take(watch, 1)).map(({ key }) => key),
      ['whole/a'],
    )
    stop()
  })

  fact('goes on telling a watch while writes come in', async ({ a, b }) => {
    const { watch, stop } = begin(b, 'stream/')
    await watch.from
    const writing = Promise.all(Array.from({ length: 100 }, (_, i) => a.config.set(`stream/${i}`, i)))
    const told = await take(watch, 100)
    const written = (await writing).map(({ revision }) => revision).sort((x, y) => x - y)
    assert.deepEqual(
      told.map(({ revision }) => revision),
      written,
    )
    stop()
  })

  fact('refuses a watch of what is no longer kept, and says from where it is', async ({ a, b, compact }) => {
    const { revision } = await a.config.set('compact/a', 1)
    await compact()
    const { watch, stop } = begin(b, 'compact/', revision)
    await assert.rejects(watch.from, (error) => {
      assert.ok(isClusterError(error, 'ERR_COMPACTED'))
      return error.details.compacted >= revision
    })
    await assert.rejects(take(watch, 1), refusedWith('ERR_COMPACTED'))
    stop()
    const { entries, revision: now } = await b.config.list('compact/a')
    assert.equal(entries.length, 1)
    const next = begin(b, 'compact/', now + 1)
    const written = await a.config.set('compact/a', 2)
    assert.deepEqual(
      (await take(next.watch, 1)).map((event) => event.revision),
      [written.revision],
    )
    next.stop()
    await assert.rejects(a.config.rollback('compact/b', 1), refusedWith('ERR_COMPACTED'))
  })
}

function begin({ config }: AgreedData, prefix: string, from?: number): { watch: ConfigWatch; stop: () => void } {
  const abort = new AbortController()
  const watch = config.watch(prefix, { signal: abort.signal, ...(from === undefined ? {} : { from }) })
  return { watch, stop: () => abort.abort() }
}

async function take(watch: ConfigWatch, count: number): Promise<ConfigEvent[]> {
  const events: ConfigEvent[] = []
  for await (const event of watch) if (events.push(event) === count) break
  return events
}
