// The other end of `startProcesses({ program })`: what the program makes its node of. It is told so as `trellis node`
// is, by TRELLIS_* variables and by a pipe that closes when whoever started it is gone.

import { watchParent } from '../cli/parent.ts'
import { readNodeSettings } from '../cli/settings.ts'
import type { NodeOptions } from '../options.ts'

/**
 * The options with which a program that `startProcesses` runs creates its node, from the `TRELLIS_*` variables of
 * `trellis node`; it logs to stderr. From now on the process ends, with nothing put in order, as soon as the process
 * that started it has ended.
 *
 * Throws `ERR_USAGE` when a file that a variable names cannot be read or holds something else.
 *
 * @example
 * const node = await createNode({ ...memberOptions(), topology: 'hyparview' })
 */
export function memberOptions(): NodeOptions {
  watchParent(process.env)?.addEventListener('abort', () => process.exit(), { once: true })
  const { options, logLevel } = readNodeSettings({}, process)
  return { ...options, logger: logLevel }
}
