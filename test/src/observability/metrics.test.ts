import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { countedFamilies, MAX_REASONS } from '../../../src/observability/counted.ts'
import { Distribution } from '../../../src/observability/distribution.ts'
import { families, type Measures } from '../../../src/observability/families.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { watchLoopDelay } from '../../../src/runtime/loop-delay.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { type FakeNode, fakeNode, memberView } from '../admin/fake-node.ts'
import { type ReadSample, readExposition } from './exposition.ts'

function measures(parts: Partial<Measures> = {}): Measures {
  return {
    counters: () => ({}),
    appliedIndex: () => undefined,
    flushes: () => new Distribution().view(),
    latencies: () => new Map(),
    ...parts,
  }
}

async function scrape(node: FakeNode, measured?: Measures) {
  return readExposition(await createMetrics(node, measured).text())
}

type Read = Awaited<ReturnType<typeof scrape>>

const samplesOf = (read: Read, name: string): readonly ReadSample[] => read.get(name)?.samples ?? []

function readValue(read: Read, name: string, labels: Record<string, string> = {}): number | undefined {
  return samplesOf(read, name).find((sample) =>
    Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )?.value
}

describe('the metrics of a node', () => {
  it('are what its views say at the moment of the scrape', async () => {
    const node = fakeNode()
    const metrics = createMetrics(node)
    node.setMembers([memberView('a'), memberView('b'), memberView('c', { state: 'down' })])
    node.change({ consensus: { term: 7, commitIndex: 40 }, s5: { fencingToken: 39 } })
    const read = readExposition(await metrics.text())
    assert.equal(readValue(read, 'trellis_members', { state: 'alive', condition: 'ok' }), 2)
    assert.equal(readValue(read, 'trellis_members', { state: 'down', condition: 'ok' }), 1)
    assert.equal(readValue(read, 'trellis_raft_term'), 7)
    assert.equal(readValue(read, 'trellis_raft_commit_index'), 40)
    assert.equal(readValue(read, 'trellis_s5_fencing_token'), 39)
    node.change({ consensus: { term: 8 } })
    assert.equal(readValue(readExposition(await metrics.text()), 'trellis_raft_term'), 8)
  })

  it('show a state as exactly one 1 among all states', async () => {
    const node = fakeNode()
    node.change({ consensus: { role: 'pre-candidate' }, s5: { phase: 'activating', fencingToken: null } })
    const read = await scrape(node)
    const current = (name: string) => samplesOf(read, name).filter(({ value }) => value === 1)
    assert.deepEqual(
      ['trellis_raft_role', 'trellis_s5_phase', 'trellis_condition'].map((name) => current(name)[0]?.labels),
      [{ role: 'pre-candidate' }, { phase: 'activating' }, { condition: 'ok' }],
    )
    for (const name of ['trellis_raft_role', 'trellis_s5_phase', 'trellis_condition'])
      assert.equal(current(name).length, 1, name)
  })

  it('leave out what there is not: a token without a host, an applied index without a log', async () => {
    const node = fakeNode()
    node.change({ s5: { fencingToken: null } })
    const read = await scrape(node, measures())
    assert.deepEqual(samplesOf(read, 'trellis_s5_fencing_token'), [])
    assert.deepEqual(samplesOf(read, 'trellis_raft_applied_index'), [])
    assert.equal(readValue(await scrape(node, measures({ appliedIndex: () => 0 })), 'trellis_raft_applied_index'), 0)
  })

  it('sort every counter into the family it is of, and lose none', async () => {
    const counters = {
      'handshake-dialer-ERR_WRONG_SECRET': 2,
      'handshake-acceptor-the socket "closed"\nearly': 1,
      'stranger-not-tls': 3,
      'election-candidate': 4,
      'proposal-committed': 5,
      'leader-change': 6,
      away: 7,
      'swim-no-link': 8,
      'never heard of': 9,
    }
    const read = await scrape(fakeNode(), measures({ counters: () => counters }))
    const refused = 'trellis_handshakes_refused_total'
    assert.equal(readValue(read, refused, { side: 'dialer', reason: 'ERR_WRONG_SECRET' }), 2)
    assert.equal(readValue(read, refused, { side: 'acceptor' }), 1)
    assert.equal(readValue(read, 'trellis_strangers_refused_total', { reason: 'not-tls' }), 3)
    assert.equal(readValue(read, 'trellis_raft_elections_total', { stage: 'candidate' }), 4)
    assert.equal(readValue(read, 'trellis_raft_proposals_total', { outcome: 'committed' }), 5)
    assert.equal(readValue(read, 'trellis_leader_changes_total'), 6)
    assert.equal(readValue(read, 'trellis_absences_total'), 7)
    assert.equal(readValue(read, 'trellis_dropped_total', { reason: 'swim-no-link' }), 8)
    assert.equal(readValue(read, 'trellis_dropped_total', { reason: 'never heard of' }), 9)
  })

  it('have a bounded number of series, whatever the counters are called', async () => {
    const names = Array.from({ length: 1_000 }, (_, i) => [`${i}-${'x'.repeat(500)}`, 1] as const)
    const read = await scrape(fakeNode(), measures({ counters: () => Object.fromEntries(names) }))
    const samples = samplesOf(read, 'trellis_dropped_total')
    assert.equal(samples.length, MAX_REASONS + 1)
    assert.equal(
      samples.reduce((sum, { value }) => sum + value, 0),
      1_000,
    )
    assert.ok(samples.every(({ labels }) => labels.reason!.length <= 64))
  })

  it('do not grow with the size of the cluster', async () => {
    const node = fakeNode()
    const count = async () => (await createMetrics(node).text()).match(/^trellis_/gm)?.length
    const before = await count()
    node.setMembers(Array.from({ length: 300 }, (_, i) => memberView(`member-${i}`)))
    assert.equal(await count(), before)
  })

  it('hold the flushes of the log as a cumulative histogram', async () => {
    const flushes = new Distribution()
    for (const seconds of [0.00005, 0.0002, 0.0002, 5]) flushes.record(seconds)
    const read = await scrape(fakeNode(), measures({ flushes: () => flushes.view() }))
    const family = 'trellis_log_flush_duration_seconds'
    assert.equal(read.get(family)?.type, 'histogram')
    const buckets = samplesOf(read, family).filter(({ name }) => name.endsWith('_bucket'))
    assert.deepEqual(
      buckets.map(({ value }) => value),
      buckets.map(({ value }) => value).sort((a, b) => a - b),
    )
    assert.equal(buckets.find(({ labels }) => labels.le === '0.0001')?.value, 1)
    assert.equal(buckets.find(({ labels }) => labels.le === '0.00025')?.value, 3)
    assert.equal(buckets.at(-1)?.labels.le, '+Inf')
    assert.equal(buckets.at(-1)?.value, 4)
    assert.ok(Math.abs(samplesOf(read, family).find(({ name }) => name.endsWith('_sum'))!.value - 5.00045) < 1e-9)
  })

  it('follow the conventions of names, types and helps', async () => {
    for (const [name, { type, help }] of await scrape(fakeNode(), measures({ counters: () => ({ x: 1 }) }))) {
      assert.match(name, /^(trellis|process|nodejs)_[a-z0-9_]+$/)
      assert.ok(help.length > 5, name)
      if (!name.startsWith('trellis_')) continue
      assert.equal(name.endsWith('_total'), type === 'counter', name)
      if (/duration|time/.test(name)) assert.match(name, /_seconds$/)
    }
  })

  it('bear exactly the labels that their family names', async () => {
    const counters = {
      'handshake-dialer-x': 1,
      'stranger-x': 1,
      'election-x': 1,
      'proposal-x': 1,
      'liveness-x': 1,
      away: 1,
      x: 1,
    }
    const read = await scrape(fakeNode(), measures({ counters: () => counters, appliedIndex: () => 1 }))
    for (const { name, labels } of [...families, ...countedFamilies]) {
      assert.ok(samplesOf(read, name).length > 0, name)
      for (const sample of samplesOf(read, name)) assert.deepEqual(Object.keys(sample.labels), labels, name)
    }
  })

  it('know how late the event loop was at the first scrape, in figures that fit together', async () => {
    const reports: number[] = []
    using _watch = watchLoopDelay((ms) => reports.push(ms))
    await waitUntil(() => reports.length > 0)
    const read = readExposition(await createMetrics(fakeNode()).text())
    const lag = (part: string): number => readValue(read, `nodejs_eventloop_lag_${part}_seconds`)!
    assert.ok(lag('min') >= 0 && lag('min') <= lag('p50') && lag('p50') <= lag('p90') && lag('p90') <= lag('p99'))
    assert.ok(lag('max') > 0 && lag('max') < 60, String(lag('max')))
    assert.ok(lag('mean') > 0 && lag('mean') <= lag('max') * 1.01 && lag('stddev') >= 0)
  })

  it('of several nodes in one process do not clash, and both show the process', async () => {
    const [a, b] = await Promise.all([scrape(fakeNode('a')), scrape(fakeNode('b'))])
    assert.equal(readValue(a!, 'trellis_node_info', { name: 'a' }), 1)
    assert.equal(readValue(b!, 'trellis_node_info', { name: 'b' }), 1)
    for (const read of [a!, b!]) {
      assert.ok(readValue(read, 'process_resident_memory_bytes')! > 1e6)
      assert.ok(read.has('nodejs_eventloop_lag_p99_seconds'))
      assert.equal(read.get('nodejs_gc_duration_seconds')?.type, 'histogram')
      assert.equal(readValue(read, 'trellis_build_info', { node: process.version }), 1)
    }
  })
})
