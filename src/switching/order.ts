// An order for a switch and its report, as they travel between the member that was asked and the leader: JSON.

import type { JsonValue, Payload } from '../channels/payload.ts'
import type { SwitchReport } from './report.ts'
import type { SwitchOrder } from './switch-desk.ts'

export const ORDER_SUBJECT = 'trellis.topology.switch'

export function encodeOrder({ request, name, expectFrom, timeoutMs, dryRun }: SwitchOrder): Payload {
  return { request, name, timeoutMs, dryRun, ...(expectFrom === undefined ? {} : { expectFrom }) }
}

/** Throws a `TypeError` on anything else. */
export function parseOrder(payload: Payload): SwitchOrder {
  const order = payload as Record<string, unknown> | null
  const { request, name, expectFrom, timeoutMs, dryRun } = order ?? {}
  const isOrder = typeof request === 'string' && typeof name === 'string' && typeof dryRun === 'boolean'
  if (!isOrder || !Number.isSafeInteger(timeoutMs) || (timeoutMs as number) < 1) throw new TypeError('not an order')
  if (expectFrom !== undefined && typeof expectFrom !== 'string') throw new TypeError('not an order')
  return { request, name, expectFrom, timeoutMs: timeoutMs as number, dryRun }
}

export function encodeReport(report: SwitchReport): Payload {
  return report as unknown as { readonly [key: string]: JsonValue }
}

/** Throws a `TypeError` on anything else. It is the leader's word: only its outline is checked. */
export function parseReport(payload: Payload): SwitchReport {
  const report = payload as Partial<SwitchReport> | null
  const isReport = Number.isSafeInteger(report?.epoch) && typeof report?.outcome === 'string'
  if (!isReport || !Array.isArray(report?.nodes)) throw new TypeError('not a report of a switch')
  return report as SwitchReport
}
