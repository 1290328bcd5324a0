// Members that work on the cluster's data when they are told to (`data-member.ts`), and how they are told.

import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ClusterProcess } from '../testing/process-member.ts'
import { type ProcessCluster, startProcesses } from '../testing/processes.ts'
import { patience } from './cluster.ts'
import type { DataWork } from './data-work.ts'

const program = fileURLToPath(new URL(`data-member${extname(import.meta.url)}`, import.meta.url))

/** `prefix`: what stands before the command line of each. Three of them vote. */
export function startDataMembers(count: number, prefix: readonly string[] = []): Promise<ProcessCluster> {
  return startProcesses(count, { program, prefix, timeoutMs: 120_000 })
}

/** Resolves to what it answers when it is done. */
export async function tell(cluster: ProcessCluster, node: ClusterProcess, work: DataWork): Promise<unknown> {
  const { pid } = node
  const port = await cluster.until(`${node.name} takes work`, () => portOf(node, pid), patience)
  const answer = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: JSON.stringify(work) })
  if (!answer.ok) throw new Error(`${node.name}: ${await answer.text()}`)
  return answer.json()
}

/** How long each capture of its state took until it was durable, in milliseconds. */
export function capturesOf(node: ClusterProcess): readonly number[] {
  return linesOf(node).flatMap(({ type, ms }) => (type === 'captured' && ms !== undefined ? [ms] : []))
}

/**
 * When the process that `node` is now had its first write accepted, on the machine's monotonic clock; undefined: not
 * yet.
 */
export function wroteAt(node: ClusterProcess): number | undefined {
  return linesOf(node).find((said) => said.type === 'wrote' && said.pid === node.pid)?.at
}

function portOf(node: ClusterProcess, pid: number): number | undefined {
  return linesOf(node).find((said) => said.type === 'control' && said.pid === pid)?.port
}

interface Line {
  readonly type?: string
  readonly pid?: number
  readonly port?: number
  readonly ms?: number
  readonly at?: number
}

function linesOf(node: ClusterProcess): readonly Line[] {
  return node.output.map((line) => JSON.parse(line) as Line)
}
