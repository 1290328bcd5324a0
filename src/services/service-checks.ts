// What each option of calls, queries and recipients may be. Clients check theirs by it, too, in browsers.

import { aboveZero, anything, type OptionChecks, oneOf, text, trueOrFalse, waitChecks } from '../call-options.ts'
import type { Recipient } from '../channels/channel.ts'
import type { BalanceStrategy, ServiceCallOptions, ServiceQuery } from './service-interface.ts'

export const queryChecks: OptionChecks<ServiceQuery> = {
  name: text,
  namespace: text,
  capabilities: (value) =>
    Array.isArray(value) && value.every((each) => typeof each === 'string') ? undefined : 'must be a list of texts',
  // Whether it is a range is looked at by the node.
  version: anything,
  zone: text,
  health: oneOf('passing', 'degraded', 'critical'),
  cluster: text,
}

const strategies: readonly BalanceStrategy[] = [
  'local-first',
  'round-robin',
  'weighted',
  'least-loaded',
  'consistent-hash',
]

const { name: _, ...whichChecks } = queryChecks

export const callChecks: OptionChecks<ServiceCallOptions> = {
  ...whichChecks,
  // It travels: as JSON, which knows no infinity.
  deadlineMs: (value) => (value === Number.POSITIVE_INFINITY ? '(Infinity) must be finite' : aboveZero(value)),
  timeoutMs: aboveZero,
  signal: waitChecks.signal,
  strategy: oneOf(...strategies),
  key: text,
  idempotent: trueOrFalse,
  hedgeMs: (value) => (typeof value === 'number' && value >= 1 ? undefined : `(${String(value)}) must be at least 1`),
}

export const targetChecks: OptionChecks<Exclude<Recipient, string>> = {
  service: text,
  key: text,
  namespace: text,
  version: anything,
}
