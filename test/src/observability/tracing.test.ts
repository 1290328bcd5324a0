import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { context, metrics, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { ClusterError } from '../../../src/errors.ts'
import { createNode, type TrellisNode } from '../../../src/index.ts'
import { NodeObserver } from '../../../src/observability/node-observer.ts'
import { instrumentationName, traced } from '../../../src/observability/tracing.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { fakeNode } from '../admin/fake-node.ts'
import { ownIntervals } from '../runtime/fake-clock.ts'
import { AsyncContext } from './async-context.ts'

class Reader extends MetricReader {
  protected override onForceFlush = async (): Promise<void> => {}
  protected override onShutdown = async (): Promise<void> => {}
}

const exporter = new InMemorySpanExporter()
const reader = new Reader()
let bare: string | undefined = 'not called'

before(async () => {
  await traced('before any SDK', {}, async (traceparent) => {
    bare = traceparent
  })
  context.setGlobalContextManager(new AsyncContext())
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }))
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
})
after(() => {
  trace.disable()
  metrics.disable()
  context.disable()
})
afterEach(() => exporter.reset())

const spans = (name: string): ReadableSpan[] => exporter.getFinishedSpans().filter((span) => span.name === name)

function only(name: string): ReadableSpan {
  const [span, ...more] = spans(name)
  assert.ok(span && more.length === 0, `${name}: ${exporter.getFinishedSpans().map((it) => it.name)}`)
  return span
}

describe('a traced piece of work', () => {
  it('runs without a trace while there is no SDK', () => assert.equal(bare, undefined))

  it('is a child of what is active, and parent of what it does', async () => {
    await traced('outer', {}, () => traced('inner', {}, async () => {}))
    assert.equal(only('inner').parentSpanContext?.spanId, only('outer').spanContext().spanId)
    assert.equal(only('outer').parentSpanContext, undefined)
    assert.equal(only('outer').instrumentationScope.name, instrumentationName)
  })

  it('continues the trace of a remote, and starts one of its own when that is no trace', async () => {
    const [traceId, spanId] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331']
    await traced('there', { from: `00-${traceId}-${spanId}-01` }, async () => {})
    assert.equal(only('there').spanContext().traceId, traceId)
    assert.equal(only('there').parentSpanContext?.spanId, spanId)
    for (const from of ['', 'x', `00-${'0'.repeat(32)}-${spanId}-01`, `01-${traceId}-${spanId}-01`]) {
      exporter.reset()
      await traced('own', { from }, async () => {})
      assert.equal(only('own').parentSpanContext, undefined, from)
    }
  })

  it('passes an error on, thrown or rejected, and bears its code', async () => {
    const error = new ClusterError('ERR_NO_ROUTE', 'there is no link to b', { member: 'b' })
    for (const fail of [
      () => Promise.reject(error),
      () => {
        throw error
      },
    ]) {
      exporter.reset()
      await assert.rejects(traced('failing', {}, fail), error)
      assert.deepEqual(only('failing').status, { code: SpanStatusCode.ERROR, message: error.message })
      assert.equal(only('failing').attributes['error.type'], 'ERR_NO_ROUTE')
    }
  })

  it('that is detached is no parent of what it begins', async () => {
    await traced('start', { isDetached: true }, () => traced('life', {}, async () => {}))
    assert.equal(only('life').parentSpanContext, undefined)
  })
})

describe('a cluster of two', () => {
  let nodes: TrellisNode[]
  const start = async (): Promise<void> => {
    const first = await createNode({ name: 'a', listen: '127.0.0.1:0' })
    const second = await createNode({ name: 'b', listen: '127.0.0.1:0', join: [first.address] })
    nodes = [first, second]
    await waitUntil(() => first.members().length === 2 && first.status().s5.phase === 'active')
    await waitUntil(() => second.status().s5.host === 'a')
  }
  afterEach(async () => {
    await Promise.all(nodes.map((node) => node.stop()))
  })

  it('shows its start, its elections and the activation of S5', async () => {
    await start()
    assert.equal(spans('trellis.create_node').length, 2)
    const election = spans('trellis.election').find((span) => span.attributes['trellis.node'] === 'a')
    assert.equal(election?.attributes['trellis.leader'], 'a')
    assert.equal(election?.events[0]?.name, 'leader')
    const activation = spans('trellis.s5.activation').find((span) => span.attributes['trellis.node'] === 'a')
    assert.equal(activation?.attributes['trellis.s5.fencing_token'], nodes[0]?.status().s5.fencingToken)
  })

  it('shows a call of S5 over both members as one trace, each part under its cause', async () => {
    await start()
    const [a, b] = nodes as [TrellisNode, TrellisNode]
    a.vsm.host('s5', (s5) => ({ onRequest: async () => s5.command('b', 'do it') }))
    b.vsm.onCommand(() => 'done')
    exporter.reset()
    assert.equal(await b.vsm.call('s5', 'please'), 'done')
    const idOf = (span: ReadableSpan | undefined): string | undefined => span?.spanContext().spanId
    const call = only('trellis.s5.call')
    const command = only('trellis.s5.command')
    const part = (name: string, subject: string): ReadableSpan | undefined =>
      spans(name).find((span) => span.attributes['trellis.subject'] === subject)
    const chain = [
      call,
      part('trellis.request', 'trellis.s5.request'),
      part('trellis.handle', 'trellis.s5.request'),
      command,
      part('trellis.request', 'trellis.s5.command'),
      part('trellis.handle', 'trellis.s5.command'),
    ]
    assert.equal(call.parentSpanContext, undefined)
    for (const [i, span] of chain.entries()) {
      assert.equal(span?.spanContext().traceId, call.spanContext().traceId)
      if (i > 0) assert.equal(span?.parentSpanContext?.spanId, idOf(chain[i - 1]), span?.name)
    }
    assert.deepEqual([chain[1]?.kind, chain[2]?.kind], [SpanKind.CLIENT, SpanKind.SERVER])
  })

  it('answers a meter with the members, term and links of each node', async () => {
    await start()
    const read = async () => {
      const { resourceMetrics } = await reader.collect()
      const all = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)
      const points = (name: string) => all.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? []
      return (name: string, attributes: Record<string, string>) =>
        points(name).find((point) =>
          Object.entries(attributes).every(([key, value]) => point.attributes[key] === value),
        )?.value
    }
    const value = await read()
    assert.equal(value('trellis.members', { 'trellis.node': 'a', 'trellis.member.state': 'alive' }), 2)
    assert.equal(value('trellis.members', { 'trellis.node': 'b', 'trellis.member.state': 'down' }), 0)
    assert.equal(value('trellis.raft.term', { 'trellis.node': 'a' }), nodes[0]?.status().consensus.term)
    assert.equal(value('trellis.links', { 'trellis.node': 'b' }), 1)
  })
})

describe('an observer of a node', () => {
  const event = (leader: string | null, term: number) => ({ type: 'leader', at: 0, leader, term }) as const

  it('asks the node when the meter asks, and never after its end', async () => {
    let asked = 0
    const members = () => {
      asked += 1
      return []
    }
    const observer = new NodeObserver({ ...fakeNode(), name: 'observed', members }, systemClock, () => {})
    assert.equal(asked, 0)
    await reader.collect()
    assert.equal(asked, 1)
    observer[Symbol.dispose]()
    await reader.collect()
    assert.equal(asked, 1)
  })

  it('answers an SDK that was registered after it', async (test) => {
    metrics.disable()
    test.mock.timers.enable({ apis: ['setInterval'] })
    let asked = 0
    const members = () => {
      asked += 1
      return []
    }
    const late = new Reader()
    const observer = new NodeObserver({ ...fakeNode(), name: 'observed', members }, ownIntervals, () => {})
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [late] }))
    test.mock.timers.tick(1_000)
    await late.collect()
    assert.equal(asked, 1)
    observer[Symbol.dispose]()
    await late.collect()
    assert.equal(asked, 1)
  })

  it('counts a leader once, however often it is told, and shows the time without one', () => {
    const counts: string[] = []
    const node = { ...fakeNode(), name: 'observed' }
    const observer = new NodeObserver(node, systemClock, (name) => counts.push(name))
    for (const [leader, term] of [
      ['a', 1],
      ['a', 1],
      [null, 1],
      ['b', 2],
    ] as const)
      node.emit(event(leader, term))
    assert.deepEqual(counts, ['leader-change', 'leader-change'])
    assert.equal(spans('trellis.election').at(-1)?.attributes['trellis.leader'], 'b')
    observer[Symbol.dispose]()
    assert.equal(node.listeners, 0)
  })
})
