// One child of `trellis up`: a `trellis node` in a process of its own, with its log in its data directory. It holds the
// reading end of a pipe from here, so that it stops when this process closes its end, and just the same when this
// process is killed. It is in a session of its own, so that a Ctrl-C on the terminal reaches `up` alone, which then
// gives the order.

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CommandContext } from '../context.ts'
import { parentVariable } from '../parent.ts'
import type { NodePlan } from './plan.ts'

export interface NodeExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface NodeProcess {
  readonly plan: NodePlan
  readonly pid: number
  readonly logPath: string
  /** Resolves when it has ended, however. Never rejects. */
  readonly exited: Promise<NodeExit>
  /** Undefined while it runs. */
  readonly exit: NodeExit | undefined
  /** The order to stop. */
  stop(): void
  /** The end at once. */
  kill(): void
}

export interface SpawnOptions {
  /** Further arguments for `trellis node`. */
  readonly flags: readonly string[]
  readonly env: CommandContext['env']
}

/** Variables that concern all nodes alike; the others would contradict what each node is told here. */
const handedDown = new Set([
  'TRELLIS_CLUSTER',
  'TRELLIS_PROFILE',
  'TRELLIS_LOG',
  'TRELLIS_ADMIN_TOKEN',
  'TRELLIS_ADMIN_TOKEN_FILE',
])

/**
 * What makes nodes in processes of their own small, beside what each spares by itself (`sparing.ts`): a variable for
 * them, so that whoever set it has it as set.
 */
export const sparing = {
  /**
   * A node's few threads share one heap of glibc in place of eight for each core: what was freed in one is of no use to
   * the others.
   */
  MALLOC_ARENA_MAX: '1',
  /**
   * That heap keeps its size: what is large stays out of it, for glibc else takes ever larger blocks in, once one was
   * freed, and keeps twice as much of them; and what was freed joins its neighbours at once, in place of waiting in
   * lists by size that keep pages half used.
   */
  GLIBC_TUNABLES: [
    'glibc.malloc.mmap_threshold=131072',
    'glibc.malloc.trim_threshold=524288',
    'glibc.malloc.tcache_count=0',
    'glibc.malloc.mxfast=0',
  ].join(':'),
} as const

/** This program, in whichever form it runs now: as built, or as its sources. */
const program = fileURLToPath(new URL(`../bin${extname(import.meta.url)}`, import.meta.url))

export function spawnNode(plan: NodePlan, { flags, env }: SpawnOptions): NodeProcess {
  const { name, address, admin, dataDir } = plan
  const logPath = join(dataDir, 'log')
  const log = openSync(logPath, 'a', 0o600)
  const own = ['--name', name, '--listen', address, '--admin', admin, '--data-dir', dataDir]
  const child = spawn(process.execPath, [program, 'node', '--json', ...own, ...flags], {
    stdio: ['ignore', 'ignore', log, 'pipe'],
    env: childEnvironment(env),
    detached: true,
  })
  closeSync(log)
  return watch(plan, child, logPath)
}

function watch(plan: NodePlan, child: ChildProcess, logPath: string): NodeProcess {
  const pipe = child.stdio[3]
  // The child's end closes with it.
  pipe?.on('error', () => {})
  let exit: NodeExit | undefined
  const exited = new Promise<NodeExit>((resolve) => {
    const end = (result: NodeExit): void => {
      exit = result
      resolve(result)
    }
    child.once('exit', (code, signal) => end({ code, signal }))
    child.once('error', () => end({ code: 1, signal: null }))
  })
  return {
    plan,
    pid: child.pid ?? 0,
    logPath,
    exited,
    get exit() {
      return exit
    },
    stop: () => void pipe?.destroy(),
    kill: () => void (exit === undefined && child.kill('SIGKILL')),
  }
}

function childEnvironment(env: CommandContext['env']): Record<string, string | undefined> {
  const entries = Object.entries(env).filter(([name]) => !name.startsWith('TRELLIS_') || handedDown.has(name))
  return { ...sparing, ...Object.fromEntries(entries), [parentVariable]: '3' }
}

/** `ended with exit code 1`, `was ended by SIGKILL`. */
export function describeExit({ code, signal }: NodeExit): string {
  return signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`
}

const tailBytes = 8_192

/** The last lines of a log, oldest first; empty when there is none. */
export async function logTail(path: string, lines: number): Promise<string[]> {
  try {
    await using file = await open(path, 'r')
    const { size } = await file.stat()
    const length = Math.min(size, tailBytes)
    const { buffer } = await file.read({ buffer: Buffer.alloc(length), position: size - length })
    return buffer
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '')
      .slice(-lines)
  } catch {
    // Nothing to show is no reason to fail while something else is being explained.
    return []
  }
}
