// What is wrong with the settings of `trellis node`, all of it at once: what the command finds itself, and what the
// node would refuse next. Loaded only where something is wrong.

import { ClusterError, isClusterError } from '../errors.ts'
import { type NodeOptions, resolveOptions } from '../options.ts'
import { storedIn } from './doctor/diagnose.ts'
import { engineOf } from './engine.ts'

/** `problems` and those of `options`. */
export async function refusalOf(problems: readonly string[], options: NodeOptions): Promise<ClusterError> {
  const all = [...problems, ...(await optionProblems(options))]
  return new ClusterError('ERR_BAD_OPTIONS', all.join('; '), { problems: all })
}

async function optionProblems({ coordination, ...options }: NodeOptions): Promise<readonly string[]> {
  const found: string[] = []
  if (coordination !== undefined) await engineOf(coordination).catch((error: Error) => found.push(error.message))
  // A directory that cannot be read is told when nothing else is wrong.
  const stored = options.dataDir === undefined ? {} : await storedIn(options.dataDir).catch(() => ({}))
  try {
    resolveOptions(options, stored)
  } catch (error) {
    found.push(...(isClusterError(error, 'ERR_BAD_OPTIONS') ? error.details.problems : [(error as Error).message]))
  }
  return found
}
