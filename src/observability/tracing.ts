// Spans by the OpenTelemetry API, without an SDK: whoever has one sees where time goes, across members too, for the
// context travels in the envelope as W3C `traceparent`. Without one a span is a call that does nothing, and the work
// runs as if there were none. Nothing here may fail: telemetry never changes what a call does.

import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  ProxyTracerProvider,
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

/** Somebody collects spans. When not, a caller in a hot path need not even ask for one. */
export function isTracing(): boolean {
  const provider = trace.getTracerProvider()
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(instrumentationName) !== undefined
}

/**
 * The `traceparent` of the message that is being handled, where nobody collects spans here: it is passed on all the
 * same.
 */
const handled = new AsyncLocalStorage<string>()
let hasHandledTraced = false

/** Runs `work` as the handling of a message with that `traceparent`: what is sent from it belongs to the same trace. */
export function passingOn<Result>(traceparent: string | undefined, work: () => Result): Result {
  if (traceparent === undefined) return work()
  hasHandledTraced = true
  return handled.run(traceparent, work)
}

/** What to send along where nobody collects spans. */
export function passedOn(): string | undefined {
  return hasHandledTraced ? handled.getStore() : undefined
}

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
 * Runs `work` in a span that ends with it and bears its error. `work` is given the `traceparent` to send along;
 * undefined when nobody traces.
 */
export function traced<Result>(
  name: string,
  options: SpanOptions,
  work: (traceparent: string | undefined) => Promise<Result>,
): Promise<Result> {
  const parent = options.from === undefined ? context.active() : remoteContext(options.from)
  const span = tracer.startSpan(name, options, parent)
  const traceparent = traceparentOf(span)
  if (traceparent === undefined) return work(undefined)
  const inside = options.isDetached ? ROOT_CONTEXT : trace.setSpan(parent, span)
  return context.with(inside, () => ended(span, () => work(traceparent)))
}

/** A relay passes a message on: a span that ends at once, under the one that sent it. Gives what to send along. */
export function passingOnSpan({ trace: from, source, destination }: RelayedMessage): string | undefined {
  if (from === undefined || !isTracing()) return from
  const attributes = { 'trellis.source': source, 'trellis.destination': destination }
  const span = tracer.startSpan('trellis.relay', { attributes }, remoteContext(from))
  span.end()
  return traceparentOf(span) ?? from
}

interface RelayedMessage {
  readonly trace: string | undefined
  readonly source: string
  readonly destination: string
}

function traceparentOf(span: Span): string | undefined {
  const own = span.spanContext()
  if (!isSpanContextValid(own)) return undefined
  return `00-${own.traceId}-${own.spanId}-${own.traceFlags.toString(16).padStart(2, '0')}`
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
