// Bundles the dashboard's program and style into `dist/`, where every node serves them from. Part of `npm run build`
// and of `npm test`; types are checked by `tsc --build` before. Fails when the bundle has become too large.

import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'

const root = resolve(import.meta.dirname, '..')
const outdir = join(root, 'dist/src/admin/dashboard/assets')
const maxBytes = 100_000

const { metafile } = await build({
  entryPoints: ['main.tsx', 'main.css'].map((name) => join(root, 'src/admin/dashboard/browser', name)),
  outdir,
  bundle: true,
  metafile: true,
  absWorkingDir: root,
  minify: true,
  charset: 'utf8',
  format: 'iife',
  target: ['es2022'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  logLevel: 'warning',
})
// What is bundled is passed on with the package, so its licences are, too.
const packages = new Set(
  Object.keys(metafile.inputs).flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []),
)
const licenses = [...packages].sort().map((name) => {
  const license = readFileSync(join(root, 'node_modules', name, 'LICENSE'), 'utf8')
  return `${name}\n\n${license.trim()}\n`
})
writeFileSync(join(outdir, 'licenses.txt'), licenses.join('\n---\n\n'))

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
