// All children of `trellis up` together: started at once, waited for until they are a cluster, stopped together.
// Whatever fails on the way, nothing is left running.

import { setTimeout as delay } from 'node:timers/promises'
import { ClusterError } from '../../errors.ts'
import type { NodeStatus } from '../../node-interface.ts'
import { askAdmin } from '../admin-client.ts'
import { type Failure, RemoteError } from '../failure.ts'
import { describeExit, logTail, type NodeExit, type NodeProcess } from './node-process.ts'
import { type NodeReport, type Readiness, readiness } from './readiness.ts'

export interface WaitOptions {
  /** How many nodes first formed the cluster; 0: none of them votes. */
  readonly founders: number
  readonly adminToken: string | undefined
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Called after each look, for a line on the terminal. */
  readonly onProgress: (missing: readonly string[]) => void
}

const pollIntervalMs = 50
/** A stopped node says goodbye and closes its files; one that takes longer is ended. */
const stopGraceMs = 8_000
const shownLogLines = 5

/**
 * Resolves once the nodes are a ready cluster; undefined when `signal` ended the wait. Rejects when one of them ended
 * (with the error it gave) or with `ERR_TIMEOUT` and what is missing.
 */
export async function waitUntilReady(
  nodes: readonly NodeProcess[],
  options: WaitOptions,
): Promise<Extract<Readiness, { ready: true }> | undefined> {
  const { founders, adminToken, timeoutMs, signal, onProgress } = options
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const reports = await Promise.all(nodes.map((node) => report(node, adminToken, signal)))
    if (signal.aborted) return undefined
    const ended = nodes.find((node) => node.exit !== undefined)
    if (ended?.exit) throw await startFailure(ended, ended.exit)
    const result = readiness(reports, founders)
    if (result.ready) return result
    onProgress(result.missing)
    if (performance.now() > deadline) throw await timeoutError(nodes, result.missing, timeoutMs)
    await delay(pollIntervalMs, undefined, { signal }).catch(() => undefined)
  }
}

/** Stops all, and ends what does not stop in time or once `force` aborts. Resolves when none is left. */
export async function stopNodes(nodes: readonly NodeProcess[], force: AbortSignal): Promise<void> {
  const killAll = (): void => {
    for (const node of nodes) node.kill()
  }
  for (const node of nodes) node.stop()
  const impatience = setTimeout(killAll, stopGraceMs)
  force.addEventListener('abort', killAll, { once: true })
  if (force.aborted) killAll()
  await Promise.all(nodes.map((node) => node.exited))
  clearTimeout(impatience)
  force.removeEventListener('abort', killAll)
}

async function report(node: NodeProcess, token: string | undefined, signal: AbortSignal): Promise<NodeReport> {
  const { name, admin } = node.plan
  try {
    const status = await askAdmin('/v1/status', { url: `http://${admin}`, token, signal, timeoutMs: 2_000 })
    return { name, status: status as NodeStatus }
  } catch (error) {
    // A refusal, say of the token, will not go away by waiting.
    if (error instanceof RemoteError) throw error
    return { name, status: undefined }
  }
}

/** The node's last word is its error as JSON, if it came to that. */
async function startFailure({ plan, pid, logPath }: NodeProcess, exit: NodeExit): Promise<Error> {
  const lines = await logTail(logPath, shownLogLines)
  const said = parseFailure(lines.at(-1))
  if (said !== undefined) return new RemoteError({ ...said, message: `${plan.name}: ${said.message}` })
  const tail = lines.length === 0 ? '' : `; its log ends: ${lines.join(' | ')}`
  const text = `${plan.name} (pid ${pid}) ${describeExit(exit)} before the cluster was ready${tail}`
  return new ClusterError('ERR_MEMBER_DOWN', text, { member: plan.name })
}

async function timeoutError(
  nodes: readonly NodeProcess[],
  missing: readonly string[],
  timeoutMs: number,
): Promise<Error> {
  // One log is enough to begin with: that of the first node that something is said about.
  const node = nodes.find(({ plan }) => missing[0]?.startsWith(`${plan.name} `)) ?? nodes[0]!
  const lines = await logTail(node.logPath, shownLogLines)
  const tail = lines.length === 0 ? '' : `; the log of ${node.plan.name} ends: ${lines.join(' | ')}`
  const text = `not ready after ${timeoutMs} ms: ${missing.join(', ')}${tail}`
  return new ClusterError('ERR_TIMEOUT', text, { operation: 'up', timeoutMs })
}

function parseFailure(line: string | undefined): Failure | undefined {
  try {
    const value = JSON.parse(line ?? '')
    return typeof value.code === 'string' && typeof value.message === 'string' ? value : undefined
  } catch {
    return undefined
  }
}
