// Clusters for the benchmarks: real processes on loopback with the defaults, each the program `member.ts`.

import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ProcessCluster, startProcesses } from '../testing/processes.ts'

const program = fileURLToPath(new URL(`member${extname(import.meta.url)}`, import.meta.url))
/** Slow machines may be slow here; the figures say how slow. */
const timeoutMs = 120_000

/** What is waited for in a benchmark may take this long before the benchmark is given up. */
export const patience = { timeoutMs: 60_000 }

/** Members that also watch their role, every millisecond: for figures about elections, not for large clusters. */
export function startElectorate(count: number): Promise<ProcessCluster> {
  return startProcesses(count, { program, timeoutMs, env: { TRELLIS_BENCH_ROLES: '1' } })
}

/** With plain SWIM in place of the membership that nodes have. */
export function startPlainMembers(count: number): Promise<ProcessCluster> {
  return startProcesses(count, { program, timeoutMs, env: { TRELLIS_BENCH_PLAIN: '1' } })
}

export function startMembers(count: number, options: { readonly untilReady?: boolean } = {}): Promise<ProcessCluster> {
  return startProcesses(count, { program, timeoutMs, ...options })
}
