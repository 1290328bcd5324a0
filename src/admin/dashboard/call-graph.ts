// Who calls whom, as a drawing: services in columns, callers to the left of what they call, and what crosses between
// two of them as one line. Pure, so that tests need no browser; the table beneath the drawing has every edge of every
// member.

import type { CallEdge } from '../../services/call-edges.ts'
import type { ServiceHealth, ServiceInstance } from '../../services/service-interface.ts'

/** Lines that are drawn: the busiest. */
export const maxLines = 40
/** What stands for the members' own programs, which are no service. */
export const programs = ''

export interface GraphService {
  /** {@link programs}, or the name of a service. */
  readonly name: string
  readonly instances: number
  /** Of the worst instance; undefined: none is known. */
  readonly health: ServiceHealth | undefined
  readonly column: number
  readonly row: number
}

export interface GraphLine {
  readonly from: string
  readonly to: string
  /** Calls a second, of all members together. */
  readonly rate: number
  readonly latencyMs: number
  readonly errorShare: number
}

export interface CallDrawing {
  readonly services: readonly GraphService[]
  readonly lines: readonly GraphLine[]
  readonly columns: number
  readonly rows: number
}

export function callDrawing(edges: readonly CallEdge[], instances: readonly ServiceInstance[]): CallDrawing {
  const lines = linesOf(edges).slice(0, maxLines)
  const names = [...new Set(lines.flatMap(({ from, to }) => [from, to]))].sort()
  const columnOf = columnsOf(names, lines)
  const rows = new Map<number, number>()
  const services = names.map((name): GraphService => {
    const column = columnOf.get(name) ?? 0
    const row = rows.get(column) ?? 0
    rows.set(column, row + 1)
    const own = instances.filter((instance) => instance.name === name)
    return { name, instances: own.length, health: worstOf(own), column, row }
  })
  const columns = Math.max(0, ...columnOf.values()) + (names.length > 0 ? 1 : 0)
  return { services, lines, columns, rows: Math.max(0, ...rows.values()) }
}

/** All members together, the busiest first; means are weighted by rate. */
function linesOf(edges: readonly CallEdge[]): GraphLine[] {
  const lines = new Map<
    string,
    { from: string; to: string; rate: number; latency: number; failing: number; weight: number }
  >()
  for (const { from, to, rate, latencyMs, errorShare } of edges) {
    const key = `${from}\n${to}`
    const line = lines.get(key) ?? { from, to, rate: 0, latency: 0, failing: 0, weight: 0 }
    // One that is quiet now still says how it was.
    const weight = Math.max(rate, 1e-6)
    line.rate += rate
    line.weight += weight
    line.latency += latencyMs * weight
    line.failing += errorShare * weight
    lines.set(key, line)
  }
  return [...lines.values()]
    .map(({ from, to, rate, latency, failing, weight }) => ({
      from,
      to,
      rate,
      latencyMs: latency / weight,
      errorShare: failing / weight,
    }))
    .sort((one, other) => other.rate - one.rate)
}

/** One further to the right than the furthest caller; a circle is cut where it closes. */
function columnsOf(names: readonly string[], lines: readonly GraphLine[]): ReadonlyMap<string, number> {
  const columns = new Map<string, number>()
  const visiting = new Set<string>()
  const visit = (name: string): number => {
    const known = columns.get(name)
    if (known !== undefined) return known
    visiting.add(name)
    const callers = lines
      .filter(({ from, to }) => to === name && !visiting.has(from))
      .map(({ from }) => visit(from) + 1)
    visiting.delete(name)
    const column = Math.max(0, ...callers)
    columns.set(name, column)
    return column
  }
  for (const name of names) visit(name)
  return columns
}

function worstOf(instances: readonly ServiceInstance[]): ServiceHealth | undefined {
  return (['critical', 'degraded', 'passing'] as const).find((health) =>
    instances.some((instance) => instance.health === health),
  )
}
