// The command line in this process: what it prints where, and its exit code. For everything that needs no process.

import type { CommandContext } from '../../../src/cli/context.ts'
import { run } from '../../../src/cli/main.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export async function runInProcess(argv: readonly string[], env: CommandContext['env'] = {}): Promise<Ran> {
  let out = ''
  let err = ''
  const code = await run(argv, {
    env,
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    isTerminal: false,
    parentGone: undefined,
    outputGone: undefined,
  })
  return { code, out, err }
}
