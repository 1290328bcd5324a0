// Bundles the dashboard's program and style into `dist/`, where every node serves them from. Part of `npm run build` and
// of `npm test`; types are checked by `tsc --build` before. Fails when the bundle has become too large.

import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'

const root = resolve(import.meta.dirname, '..')
const outdir = join(root, 'dist/src/admin/dashboard/assets')
const maxBytes = 100_000

await build({
  entryPoints: ['main.tsx', 'main.css'].map((name) => join(root, 'src/admin/dashboard/browser', name)),
  outdir,
  bundle: true,
  minify: true,
  charset: 'utf8',
  format: 'iife',
  target: ['es2022'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  logLevel: 'warning',
})
const sizes = ['main.js', 'main.css'].map((name) => [name, statSync(join(outdir, name)).size] as const)
const total = sizes.reduce((sum, [, bytes]) => sum + bytes, 0)
const kilobytes = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} kB`
console.log(
  `dashboard: ${sizes.map(([name, bytes]) => `${name} ${kilobytes(bytes)}`).join(', ')}, ${kilobytes(total)} of ${kilobytes(maxBytes)}`,
)
if (total > maxBytes) {
  console.error('the dashboard is larger than it may be')
  process.exitCode = 1
}
