// Joins what `tsc` made of the sources, and the packages they need, into few files in `dist/bundle/`: a node that loads
// 400 modules one by one starts 0.1 s later and holds 15 MB more. Part of `npm run build`; types are checked by
// `tsc --build` before. Tests run on the sources; the processes that they start, and `scripts/check-package.ts`, on the
// bundle.
//
// A module that looks for a file beside itself finds what stands beside it in `dist/src`, but for the programs named
// below.

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { build, type Metafile, type Plugin } from 'esbuild'

const root = resolve(import.meta.dirname, '..')
const dist = join(root, 'dist')
const outdir = join(dist, 'bundle')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Programs of processes and threads of their own. `src/cli/bin.ts` must run on any Node, so it is copied as it is. */
const programs = [
  'src/cli/main.js',
  'src/cli/sparing.js',
  'src/bench/data-member.js',
  'src/bench/link-weight.js',
  'src/bench/member.js',
  'src/bench/members.js',
  'src/bench/traffic-member.js',
  'src/liveness/liveness-worker.js',
]
/** Modules that start one of these: they find it in the bundle. */
const starters = [
  'src/cli/up/node-process.js',
  'src/bench/cluster.js',
  'src/bench/data-members.js',
  'src/bench/benches/start.js',
  'src/bench/benches/transports.js',
  'src/bench/traffic.js',
  'src/bench/member-processes.js',
  'src/liveness/liveness.js',
  'src/testing/processes.js',
]

const exported = Object.values(manifest.exports as Record<string, string | { default: string }>).flatMap((entry) =>
  typeof entry === 'string' ? [] : [relative('dist/bundle', entry.default)],
)

/** What web pages load: it stands alone, and anything of Node in it fails the build. */
const forBrowsers = 'src/client/client.js'

/** `import.meta.url` of each module as it is outside the bundle. */
const places: Plugin = {
  name: 'places',
  setup: ({ onLoad }) => {
    onLoad({ namespace: 'file', filter: /[\\/]dist[\\/](src|topology|consensus)[\\/].*\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8')
      if (!text.includes('import.meta.url')) return undefined
      const inDist = relative(dist, path)
      const place = starters.includes(inDist) ? inDist : join('..', inDist)
      // Chunks lie in the bundle's root, programs in folders: the root is found by its name.
      const url = `new URL(${JSON.stringify(place)}, import.meta.url.replace(/\\/dist\\/bundle\\/.*$/, '/dist/bundle/')).href`
      return { contents: text.replaceAll('import.meta.url', url), loader: 'js' }
    })
  },
}

/**
 * Node's own modules, taken from the process. An `import` of one reads each of its exports, also what is made only when
 * it is first read: the streams of `node:fs`, the root certificates of `node:tls`, all of Web Crypto. A process would
 * hold 1 MB more.
 */
const builtins: Plugin = {
  name: 'builtins',
  setup: ({ onResolve, onLoad }) => {
    // Each importer gets one of its own: what several shared would be a file more.
    onResolve({ filter: /^node:/ }, ({ path, kind, importer }) =>
      kind === 'import-statement'
        ? { path: `${path} of ${importer}`, namespace: 'builtin', pluginData: path }
        : undefined,
    )
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ pluginData: name }) => {
      // `require` is the banner's, for Node 22.2.
      const all = `const all = (process.getBuiltinModule ?? require)(${JSON.stringify(name)})`
      const names = Object.keys(process.getBuiltinModule(name) as object).filter((each) => each !== 'default')
      // What the importer does not name is left out, as a call whose answer nobody wants.
      const exports = names.map((each) => `export const ${each} = /* @__PURE__ */ (() => all.${each})()`)
      return { contents: [all, 'export default all', ...exports].join('\n'), loader: 'js' }
    })
  },
}

rmSync(outdir, { recursive: true, force: true })
// Each file into which one is parted for the sake of another costs the start of a process most of a millisecond, and
// none of these shares a module with the others.
const apart = [
  exported.filter((path) => path !== forBrowsers),
  ...Map.groupBy(programs, (path) => path.split('/')[1]).values(),
]
const made = await Promise.all(apart.map(bundle))
await build({
  entryPoints: [join(dist, forBrowsers)],
  outfile: join(outdir, forBrowsers),
  bundle: true,
  platform: 'browser',
  format: 'esm',
  target: ['es2023'],
  keepNames: true,
  legalComments: 'none',
  logLevel: 'warning',
})
mkdirSync(join(outdir, 'src/cli'), { recursive: true })
copyFileSync(join(dist, 'src/cli/bin.js'), join(outdir, 'src/cli/bin.js'))
writeFileSync(join(outdir, 'licenses.txt'), licenses(made.flatMap(({ inputs }) => Object.keys(inputs))))

/** Joins what these modules need, parted where one of them alone needs it. */
async function bundle(paths: readonly string[]): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: paths.map((path) => join(dist, path)),
    outbase: dist,
    outdir,
    bundle: true,
    splitting: true,
    chunkNames: '[name]-[hash]',
    metafile: true,
    absWorkingDir: root,
    external: Object.keys(manifest.peerDependencies ?? {}).flatMap((name) => [name, `${name}/*`]),
    platform: 'node',
    format: 'esm',
    target: ['node22'],
    // No `keepNames`: naming each function anew costs a start a tenth of its processor time, and nothing here is
    // renamed but what would collide.
    legalComments: 'none',
    // A process keeps the text of its modules in memory. Names stay, and lines, for traces of errors.
    minifyWhitespace: true,
    lineLimit: 120,
    // Packages that are CommonJS ask for Node's own modules by `require`.
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
    plugins: [places, builtins],
    logLevel: 'warning',
  })
  return metafile
}

/** What is bundled is passed on with the package, so its licences are, too. */
function licenses(inputs: readonly string[]): string {
  const packages = new Set(inputs.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []))
  return [...packages].sort().map(licenseOf).join('\n---\n\n')
}

function licenseOf(name: string): string {
  const folder = join(root, 'node_modules', name)
  for (const file of ['LICENSE', 'LICENSE.md', 'LICENCE', 'license', 'LICENSE.txt', 'License']) {
    try {
      return `${name}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`
    } catch {
      // The next name it may have.
    }
  }
  const { license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return `${name}\n\n${license ?? 'no licence stated'}\n`
}

const files = made.flatMap(({ outputs }) => Object.keys(outputs))
console.log(`bundle: ${files.length} files in ${relative(root, outdir)}`)
