// What is sent while a message is handled belongs to the trace of that message: with an SDK as spans, without one as
// the same context passed on.

import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { context, SpanKind, trace } from '@opentelemetry/api'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { passedOn, passingOn } from '../../../src/observability/tracing.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { form } from '../local-nodes.ts'
import { AsyncContext } from '../observability/async-context.ts'

describe('the trace of a message', () => {
  const exporter = new InMemorySpanExporter()
  before(() => {
    context.setGlobalContextManager(new AsyncContext())
    trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }))
  })
  after(() => {
    trace.disable()
    context.disable()
  })
  afterEach(() => exporter.reset())

  it('is one over three nodes: sent, handled, asked on, published on', async () => {
    const [a, b, c] = await form(['a', 'b', 'c'])
    const traces: (string | undefined)[] = []
    b!.channel('data').onMessage(async (message) => {
      traces.push(message.trace)
      await b!.channel('events').request('c', 'go on')
    })
    c!.channel('events').onRequest(async () => {
      await c!.channel('gossip').publish('done', 1, { ack: true })
      return null
    })
    a!.channel('gossip').subscribe('done', (message) => void traces.push(message.trace))
    exporter.reset()
    await a!.channel('data').send('b', 1, { ack: true })
    await waitUntil(() => traces.length === 2)
    const spans = exporter.getFinishedSpans()
    const chain = [
      ['trellis.send', SpanKind.PRODUCER],
      ['trellis.handle', SpanKind.CONSUMER],
      ['trellis.request', SpanKind.CLIENT],
      ['trellis.handle', SpanKind.SERVER],
      ['trellis.publish', SpanKind.PRODUCER],
      ['trellis.handle', SpanKind.CONSUMER],
    ] as const
    let parent: string | undefined
    for (const [name, kind] of chain) {
      const span = spans.find(
        (it) =>
          it.name === name &&
          it.kind === kind &&
          it.parentSpanContext?.spanId === parent &&
          'trellis.channel' in it.attributes,
      )
      assert.ok(span, `${name} under ${parent}`)
      assert.equal(span.spanContext().traceId, traces[0]?.split('-')[1])
      parent = span.spanContext().spanId
    }
    assert.equal(traces[1]?.split('-')[1], traces[0]?.split('-')[1])
  })
})

describe('a trace that nobody collects here', () => {
  it('is passed on over what a handler waits for, and to nobody else', async () => {
    const given = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const seen = await passingOn(given, async () => {
      await new Promise((resolve) => setImmediate(resolve))
      return passedOn()
    })
    assert.equal(seen, given)
    assert.equal(passedOn(), undefined)
    assert.equal(passingOn(undefined, passedOn), undefined)
  })
})
