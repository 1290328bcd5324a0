// What the calls of the OpenTelemetry API cost a request while no SDK is there: the spans that a request has, around
// nothing, beside a whole request between two members without a wire. A real one has a wire and TLS on top.

import { SpanKind } from '@opentelemetry/api'
import { Requests } from '../../channels/requests.ts'
import { traced } from '../../observability/tracing.ts'
import { systemClock } from '../../runtime/clock.ts'
import { type Bench, repeat } from '../figure.ts'

const requestsPerRun = 5_000
const subject = 'bench'

/** Figures in microseconds per request. */
export const telemetry: Bench = {
  name: 'telemetry',
  description: 'cost of spans and of nothing else, with no OpenTelemetry SDK installed',
  async run(context) {
    const spans: number[] = []
    const requests: number[] = []
    const [asker, answerer] = pair()
    const request = () => asker.request('answerer', subject, 1)
    try {
      answerer.handle(subject, ({ payload }) => payload)
      // Both ways are warm before either is measured.
      await microseconds(request)
      await microseconds(spansOnly)
      await repeat(context, 'rounds of requests', async () => {
        requests.push(await microseconds(request))
        const bare = await microseconds(nothing)
        spans.push(Math.max(0, (await microseconds(spansOnly)) - bare))
      })
    } finally {
      asker.close()
      answerer.close()
    }
    const baseline = 'a request in memory, its spans included'
    return [
      { name: 'both spans of a request, no SDK', unit: 'us', samples: spans, goal: '<= 0.1 x', baseline },
      { name: baseline, unit: 'us', samples: requests },
    ]
  },
}

/** Exactly what `Requests` does for one request, around work that does nothing. */
function spansOnly(): Promise<void> {
  const asking = {
    kind: SpanKind.CLIENT,
    attributes: { 'trellis.destination': 'answerer', 'trellis.subject': subject },
  }
  const answering = { 'trellis.source': 'asker', 'trellis.subject': subject }
  return traced('trellis.request', asking, () =>
    traced('trellis.handle', { kind: SpanKind.SERVER, attributes: answering, from: '' }, nothing),
  )
}

async function nothing(): Promise<void> {}

async function microseconds(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now()
  for (let i = 0; i < requestsPerRun; i++) await work()
  return ((performance.now() - from) * 1_000) / requestsPerRun
}

/** Two ends without a wire: what one sends, the other receives a microtask later. */
function pair(): [Requests, Requests] {
  const end = (self: string, other: () => Requests): Requests =>
    new Requests({
      clock: systemClock,
      self,
      generation: 1,
      nameOf: (id) => id,
      count: () => {},
      send: (envelope) => {
        queueMicrotask(() => other().receive(self, envelope))
        return true
      },
    })
  const asker: Requests = end('asker', () => answerer)
  const answerer: Requests = end('answerer', () => asker)
  return [asker, answerer]
}
