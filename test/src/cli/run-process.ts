// The command line as a process of its own, for exit codes, signals and what is left behind: as it is packed where
// `npm test` has just built it, otherwise from the sources, which are never older than the test. Whatever is still
// running when a test ends is ended here.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from './wait-until.ts'

const built = process.env.TRELLIS_TEST_BUILT === '1'
/** The file of the command. */
export const bin = fileURLToPath(
  new URL(`../../../${built ? 'dist/bundle/src/cli/bin.js' : 'src/cli/bin.ts'}`, import.meta.url),
)

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Running extends Disposable {
  readonly child: ChildProcess
  readonly pid: number
  readonly out: string
  readonly err: string
  readonly exited: Promise<Exit>
  /** The text of stdout once it has that many lines. */
  lines(count: number): Promise<string>
}

/** `trellis ...argv`, run with these flags of Node. */
export function trellis(
  argv: readonly string[],
  options: SpawnOptions = {},
  nodeFlags: readonly string[] = [],
): Running {
  return start(process.execPath, [...nodeFlags, bin, ...argv], options)
}

export function start(program: string, argv: readonly string[], options: SpawnOptions = {}): Running {
  const child = spawn(program, argv, { ...options, env: cleanEnv(options.env), stdio: options.stdio ?? 'pipe' })
  let out = ''
  let err = ''
  child.stdout?.on('data', (bytes) => {
    out += bytes
  })
  child.stderr?.on('data', (bytes) => {
    err += bytes
  })
  const exited = new Promise<Exit>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal }))
  })
  return {
    child,
    pid: child.pid ?? 0,
    get out() {
      return out
    },
    get err() {
      return err
    },
    exited,
    async lines(count) {
      let over: Exit | undefined
      void exited.then((exit) => {
        over = exit
      })
      await until(
        () => out.split('\n').length > count || over !== undefined,
        () => `stdout: ${out}\nstderr: ${err}`,
      )
      if (out.split('\n').length > count) return out
      throw new Error(`it ended (${JSON.stringify(over)}) before it said so much\nstdout: ${out}\nstderr: ${err}`)
    },
    [Symbol.dispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    },
  }
}

/** Nothing of the machine's own settings reaches a test. */
function cleanEnv(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(TRELLIS_|NODE_TEST_CONTEXT|NODE_OPTIONS)/.test(name))
  return { ...Object.fromEntries(own), ...extra }
}

/** False once the process has ended, even where nobody has collected its exit code. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch (error) {
    // It went away between the two, or there is no /proc here and it runs.
    return (error as NodeJS.ErrnoException).code === 'ENOENT' && !existsSync('/proc/self/stat')
  }
}

export function temporaryDirectory(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'trellis-test-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}
