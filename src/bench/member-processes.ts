// Processes with several members each, `members.ts`, and what they say.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parentVariable } from '../cli/parent.ts'
import { systemClock } from '../runtime/clock.ts'
import { waitFor } from '../wait.ts'
import { patience } from './cluster.ts'
import type { MembersLine, MembersSettings } from './members.ts'

const program = fileURLToPath(new URL(`members${extname(import.meta.url)}`, import.meta.url))

type LineOf<Type extends MembersLine['type']> = Extract<MembersLine, { type: Type }>

/** What a process has said: the first line of each type, and the last one of how far it is. */
interface Lines {
  readonly first: Map<MembersLine['type'], MembersLine>
  progress: LineOf<'progress'> | undefined
}

export class MemberProcesses implements AsyncDisposable {
  readonly #children: readonly ChildProcess[]
  readonly #ended: readonly Promise<void>[]
  readonly #lines: readonly Lines[]

  /** Starts a process for each of `settings`. */
  constructor(settings: readonly MembersSettings[]) {
    this.#children = settings.map((each) => {
      const env = {
        ...cleanEnv(),
        TRELLIS_BENCH_MEMBERS: JSON.stringify(each),
        TRELLIS_SECRET: 'the secret of a benchmark',
        [parentVariable]: '3',
      }
      return spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit', 'pipe'], env })
    })
    this.#ended = this.#children.map(endOf)
    this.#lines = this.#children.map(linesOf)
  }

  /** The first line of `type` that each prints. Rejects when one ends before, and with `ERR_TIMEOUT`. */
  async first<Type extends MembersLine['type']>(
    type: Type,
    timeoutMs: number = patience.timeoutMs,
  ): Promise<LineOf<Type>[]> {
    const gaveUp = Promise.race(this.#ended).then(() => Promise.reject(new Error('a process of members ended early')))
    const haveSaidSo = (): boolean => this.#lines.every(({ first }) => first.has(type))
    await Promise.race([gaveUp, waitFor(`members that have ${type}`, haveSaidSo, { clock: systemClock, timeoutMs })])
    return this.#lines.map(({ first }) => first.get(type) as LineOf<Type>)
  }

  /** How far each was when it last said so; of those that did. */
  progress(): LineOf<'progress'>[] {
    return this.#lines.flatMap(({ progress }) => (progress ? [progress] : []))
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

function linesOf({ stdout }: ChildProcess): Lines {
  const lines: Lines = { first: new Map(), progress: undefined }
  createInterface({ input: stdout! }).on('line', (text) => {
    const line: MembersLine = JSON.parse(text)
    if (line.type === 'progress') lines.progress = line
    if (!lines.first.has(line.type)) lines.first.set(line.type, line)
  })
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
