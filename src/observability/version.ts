// Which release this is, as its package says, found beside the sources and beside what is built from them.

import { readFileSync } from 'node:fs'

const packageName = '@viable-systems/trellis'
let known: string | undefined

/** The version of this package; `unknown` when it was bundled away from its `package.json`. */
export function packageVersion(): string {
  known ??= read()
  return known
}

function read(): string {
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
      if (name === packageName) return version
    } catch {
      // Not here: one of the two places, or none in a bundle.
    }
  }
  return 'unknown'
}
