// Spans by the OpenTelemetry API, without an SDK: whoever has one sees where time goes, across members too, for the
// context travels in the envelope as W3C `traceparent`. Without one a span is a call that does nothing, and the work runs
// as if there were none. Nothing here may fail: telemetry never changes what a call does.

import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  type SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { ClusterError } from '../errors.ts'
import { packageVersion } from './version.ts'

/** The name under which tracer and meter register. */
export const instrumentationName = '@viable-systems/trellis'

// A proxy: it finds an SDK that is registered later, too.
const tracer = trace.getTracer(instrumentationName, packageVersion())

export interface SpanOptions {
  /** Default: internal. */
  readonly kind?: SpanKind
  readonly attributes?: Attributes
  /** `traceparent` of the caller on another member. Undefined: the span that is active here is the parent. */
  readonly from?: string | undefined
  /** What the work begins outlives the span: it starts traces of its own. */
  readonly isDetached?: boolean
}

/**
 * Runs `work` in a span that ends with it and bears its error. `work` is given the `traceparent` to send along; undefined when
 * nobody traces.
 */
export function traced<Result>(
  name: string,
  options: SpanOptions,
  work: (traceparent: string | undefined) => Promise<Result>,
): Promise<Result> {
  const parent = options.from === undefined ? context.active() : remoteContext(options.from)
  const span = tracer.startSpan(name, options, parent)
  const own = span.spanContext()
  if (!isSpanContextValid(own)) return work(undefined)
  const { traceId, spanId, traceFlags } = own
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
  const inside = options.isDetached ? ROOT_CONTEXT : trace.setSpan(parent, span)
  return context.with(inside, () => ended(span, () => work(traceparent)))
}

/** A span of its own, for what has no call around it; the caller ends it. */
export function startSpan(name: string, attributes: Attributes): Span {
  return tracer.startSpan(name, { attributes, root: true })
}

/** Ends the span with the work and passes on what it settles to. */
async function ended<Result>(span: Span, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ClusterError) span.setAttribute('error.type', error.code)
    span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) })
    throw error
  } finally {
    span.end()
  }
}

/** What is no `traceparent` came from a remote and starts a trace of its own. */
function remoteContext(traceparent: string): Context {
  const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent)
  if (!match) return ROOT_CONTEXT
  const traceFlags = Number.parseInt(match[3]!, 16) & TraceFlags.SAMPLED
  const remote = { traceId: match[1]!, spanId: match[2]!, traceFlags, isRemote: true }
  return isSpanContextValid(remote) ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT
}
