// The README's one example, cut out of the README, so that what is run is what is read.

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** The text of the only `js` block in README.md. Throws when there is none, or more than one. */
export function readmeExample(): string {
  const readme = readFileSync(resolve(import.meta.dirname, '../README.md'), 'utf8')
  const blocks = [...readme.matchAll(/^```js\n(.*?)^```$/gms)]
  if (blocks.length !== 1) throw new Error(`README.md has ${blocks.length} js blocks, not one`)
  return blocks[0]![1]!
}

/** What is wrong with what the example printed; undefined when nothing is. */
export function exampleProblem(output: string): string | undefined {
  const expected = /leader: \S+\n.*fencing token: [1-9]\d*\n/s
  return expected.test(output) ? undefined : `the README's example printed:\n${output}`
}
