// What `npm run bench` runs: the build, then `trellis bench` as it is installed, for stripping types from sources would
// cost every process that is measured a third of a second. Arguments are handed on, as in
// `npm run bench -- crash --runs 20`.

import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')

function run(...argv: string[]): void {
  const { status } = spawnSync(process.execPath, argv, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

run(resolve(root, 'node_modules/typescript/bin/tsc'), '--build')
run(resolve(root, 'scripts/build-bundle.ts'))
run(resolve(root, 'dist/bundle/src/cli/bin.js'), 'bench', ...process.argv.slice(2))
