// Processes with several members each, `members.ts`, and what they say.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parentVariable } from '../cli/parent.ts'
import { patience } from './cluster.ts'
import type { MembersSettings } from './members.ts'

const program = fileURLToPath(new URL(`members${extname(import.meta.url)}`, import.meta.url))

export class MemberProcesses implements AsyncDisposable {
  readonly #children: readonly ChildProcess[]
  readonly #ended: readonly Promise<void>[]
  readonly #lines: readonly string[][]

  /** Starts a process for each of `settings`. */
  constructor(settings: readonly MembersSettings[]) {
    this.#children = settings.map((each) => {
      const env = {
        ...cleanEnv(),
        TRELLIS_BENCH_MEMBERS: JSON.stringify(each),
        TRELLIS_SECRET: 'the secret of a benchmark',
        [parentVariable]: '3',
      }
      return spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'ignore', 'pipe'], env })
    })
    this.#ended = this.#children.map(endOf)
    this.#lines = this.#children.map(linesOf)
  }

  /** The next line that each prints. Rejects when one ends before, or does not within `timeoutMs`. */
  async next(timeoutMs: number = patience.timeoutMs): Promise<readonly unknown[]> {
    const gaveUp = Promise.race(this.#ended).then(() => Promise.reject(new Error('a process of members ended early')))
    const late = AbortSignal.timeout(timeoutMs)
    const tooLate = once(late, 'abort').then(() => Promise.reject(new Error(`not all members were there in time`)))
    const lines = this.#children.map(async ({ stdout }, index) => {
      const said = this.#lines[index]!
      while (said.length === 0) await once(stdout!, 'data', { signal: late })
      return JSON.parse(said.shift()!) as unknown
    })
    return Promise.race([Promise.all(lines), gaveUp, tooLate])
  }

  signal(signal: NodeJS.Signals): void {
    for (const child of this.#children) child.kill(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal('SIGTERM')
    const isOver = Promise.all(this.#ended)
    await Promise.race([isOver, once(AbortSignal.timeout(patience.timeoutMs), 'abort')])
    this.signal('SIGKILL')
    await isOver
  }
}

/** Kept as they come. */
function linesOf({ stdout }: ChildProcess): string[] {
  const lines: string[] = []
  createInterface({ input: stdout! }).on('line', (line) => lines.push(line))
  return lines
}

export function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => resolve())
  })
}

/** Settings of this machine would change what is measured. */
export function cleanEnv(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(TRELLIS_|NODE_TEST_CONTEXT|NODE_OPTIONS)/.test(name))
  return Object.fromEntries(own)
}
