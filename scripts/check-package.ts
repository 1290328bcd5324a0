// Checks what a user gets: packs the package, installs it in empty folders beside Node 22 and Node 24, and there
// imports every export, compiles against the types, runs the README's example and `trellis up`. Everything that is
// started is ended; the folders are temporary. Fails with the first thing that is not as it should be.
//
//   npm run build && node scripts/check-package.ts

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { exampleProblem, readmeExample } from './readme-example.ts'

const root = resolve(import.meta.dirname, '..')
const nodeVersions = ['22', '24']
const nodesUp = 3
const commandTimeoutMs = 180_000
const readyTimeoutMs = 60_000
const stopTimeoutMs = 20_000

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, unknown>>
  readonly peerDependencies: Readonly<Record<string, string>>
}
interface Ready {
  readonly ready: boolean
  readonly ms: number
  readonly leader: string
  readonly s5: string
  readonly nodes: readonly { readonly name: string; readonly pid: number; readonly admin: string }[]
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest

function fail(text: string): never {
  throw new Error(text)
}

/** Runs a command to its end and returns what it wrote to stdout. */
function output(folder: string, command: string, ...args: string[]): string {
  const done = spawnSync(command, args, {
    cwd: folder,
    env: environment(folder),
    encoding: 'utf8',
    timeout: commandTimeoutMs,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (done.error !== undefined || done.status !== 0) {
    const end = done.error?.message ?? `exit code ${done.status}, signal ${done.signal}`
    fail(`${command} ${args.join(' ')}: ${end}\n${done.stdout}${done.stderr}`)
  }
  return done.stdout
}

/** The folder's own commands first, so that `node` is the one installed there; nothing of npm's or Trellis's own. */
function environment(folder: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('npm_') && !/^TRELLIS_(?!CI_)/.test(name),
  )
  const path = join(folder, 'node_modules/.bin') + delimiter + (process.env.PATH ?? '')
  return { ...Object.fromEntries(inherited), PATH: path }
}

function pack(into: string): string {
  const [packed] = JSON.parse(
    output(root, 'npm', 'pack', '--silent', '--json', '--ignore-scripts', '--pack-destination', into),
  ) as {
    filename: string
    size: number
    files: { path: string }[]
  }[]
  if (packed === undefined) fail('npm pack reported nothing')
  const paths = packed.files.map(({ path }) => path)
  const foreign = paths.filter(
    (path) => !/^(deploy|dist|docs)\/|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(path),
  )
  if (foreign.length > 0) fail(`packed, but not meant to be: ${foreign.join(', ')}`)
  for (const wanted of [
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    'docs/guarantees.md',
    'dist/src/admin/dashboard/assets/main.js',
  ]) {
    if (!paths.includes(wanted)) fail(`not in the package: ${wanted}`)
  }
  console.log(`packed ${paths.length} files, ${Math.round(packed.size / 1024)} KiB`)
  return join(into, packed.filename)
}

/** An empty project with the packed Trellis and one version of Node. */
function install(folder: string, tarball: string, nodeVersion: string): void {
  mkdirSync(folder)
  const project = {
    private: true,
    type: 'module',
    allowScripts: { node: true },
    dependencies: { [manifest.name]: `file:${tarball}` },
    devDependencies: { node: nodeVersion },
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(project))
  output(folder, 'npm', 'install', '--silent', '--no-audit', '--no-fund')
  const version = output(folder, 'node', '--version').trim()
  if (!version.startsWith(`v${nodeVersion}.`)) fail(`node@${nodeVersion} did not install itself: node is ${version}`)
}

const specifiers = Object.keys(manifest.exports).map((entry) => manifest.name + entry.slice(1))

/**
 * An entry point either exports something, or names in one line the packages that it needs and that are not installed.
 */
function missingPeers(folder: string): string[] {
  const lines = specifiers.map((specifier) => {
    const json = specifier.endsWith('.json')
    const attributes = json ? ", { with: { type: 'json' } }" : ''
    return `await look('${specifier}', import('${specifier}'${attributes}))`
  })
  const check = `const missing = []
async function look(name, loading) {
  const module = await loading.catch((error) => {
    const wanted = /: npm install (.+)$/.exec(error.message)
    if (!wanted) throw error
    missing.push(...wanted[1].split(' '))
  })
  if (module && Object.keys(module).length === 0) throw new Error(name + ' exports nothing')
}
${lines.join('\n')}
console.log(JSON.stringify(missing))\n`
  writeFileSync(join(folder, 'imports.mjs'), check)
  return JSON.parse(output(folder, 'node', 'imports.mjs')) as string[]
}

/** Optional packages that no entry point asks for when it is imported, but only when what needs them is used. */
const onDemand = ['@libp2p/gossipsub', '@libp2p/tls']

/** Without the optional packages first, as most users have it, then with them. */
function checkImports(folder: string): void {
  const missing = missingPeers(folder).sort()
  const optional = Object.keys(manifest.peerDependencies).sort()
  const isExpected = (name: string): boolean => missing.includes(name) || onDemand.includes(name)
  if (missing.some((name) => !optional.includes(name)) || !optional.every(isExpected))
    fail(`entry points ask for ${missing.join()}, optional are ${optional.join()}`)
  const wanted = optional.map((name) => `${name}@${manifest.peerDependencies[name]}`)
  output(folder, 'npm', 'install', '--silent', '--no-audit', '--no-fund', ...wanted)
  const left = missingPeers(folder)
  if (left.length > 0) fail(`${left.join()} is installed and not found`)
}

/**
 * Its packages declare what only browsers have, so whoever imports it has the browser's types, or skips those of
 * packages.
 */
const wantsBrowserTypes = `${manifest.name}/libp2p`

/** The types as a strict user sees them: declarations are checked too. */
function checkTypes(folder: string): void {
  const modules = specifiers.filter((specifier) => !specifier.endsWith('.json'))
  checkTypesOf(
    folder,
    modules.filter((specifier) => specifier !== wantsBrowserTypes),
    [],
  )
  checkTypesOf(folder, [wantsBrowserTypes], ['DOM', 'DOM.Iterable'])
}

function checkTypesOf(folder: string, modules: readonly string[], furtherLib: readonly string[]): void {
  writeFileSync(join(folder, 'types.ts'), modules.map((specifier) => `import '${specifier}'\n`).join(''))
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: 'ES2023',
    lib: ['ES2024', 'ESNext.Disposable', ...furtherLib],
    module: 'NodeNext',
    skipLibCheck: false,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['types.ts'] }))
  output(folder, process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '--project', folder)
}

function checkExample(folder: string): void {
  writeFileSync(join(folder, 'example.mjs'), readmeExample())
  const problem = exampleProblem(output(folder, 'node', 'example.mjs'))
  if (problem !== undefined) fail(problem)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolved) => {
    server.once('error', () => resolved(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolved(true)))
  })
}

/** A base above which `up` finds the ports of its nodes free; below the range that the kernel hands out. */
async function freeBase(): Promise<number> {
  for (let base = 20_000; base < 32_000; base += 100) {
    const ports = Array.from({ length: nodesUp }, (_, i) => [base + i + 1, base + 50 + i + 1]).flat()
    const free = await Promise.all(ports.map(isFree))
    if (free.every(Boolean)) return base
  }
  return fail('no free ports between 20000 and 32000')
}

/** Resolves with the exit code; rejects, after a SIGKILL, when the process is not gone in time. */
async function exitOf(child: ChildProcess, timeoutMs: number): Promise<number | null> {
  return new Promise((resolved, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`trellis up was not gone within ${timeoutMs} ms`))
    }, timeoutMs)
    child.once('exit', (code) => {
      clearTimeout(timer)
      resolved(code)
    })
    if (child.exitCode !== null) child.emit('exit', child.exitCode)
  })
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  const lines = createInterface({ input: child.stdout! })
  const signal = AbortSignal.timeout(readyTimeoutMs)
  return new Promise((resolved, reject) => {
    lines.once('line', resolved)
    lines.once('close', () => reject(new Error('trellis up ended without a ready line')))
    signal.addEventListener('abort', () => reject(new Error(`trellis up was not ready within ${readyTimeoutMs} ms`)))
  })
}

/** `up` says that it is ready, `status` agrees with it, SIGTERM stops it with 0, and no node is left. */
async function checkUp(folder: string): Promise<number> {
  const base = await freeBase()
  const ports = ['--port', String(base), '--admin-port', String(base + 50)]
  const up = spawn('trellis', ['up', '--nodes', String(nodesUp), '--json', ...ports], {
    cwd: folder,
    env: environment(folder),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const ready = JSON.parse(await firstLine(up)) as Ready
    if (!ready.ready || ready.nodes.length !== nodesUp) fail(`trellis up says ${JSON.stringify(ready)}`)
    const status = JSON.parse(output(folder, 'trellis', 'status', '--json', '--admin', ready.nodes[0]!.admin)) as {
      consensus: { leader: string }
      s5: { host: string }
    }
    if (status.consensus.leader !== ready.leader || status.s5.host !== ready.s5) {
      fail(`trellis up says ${JSON.stringify(ready)}, trellis status ${JSON.stringify(status)}`)
    }
    // What the bundle loads only when it is asked for.
    for (const path of [
      '/',
      '/metrics',
      '/v1/openapi.json',
      '/v1/channels',
      '/v1/config',
      '/v1/services',
      '/v1/topology/advice',
    ]) {
      const { status: answered } = await fetch(ready.nodes[0]!.admin + path)
      if (answered !== 200) fail(`GET ${path} answers ${answered}`)
    }
    up.kill('SIGTERM')
    const code = await exitOf(up, stopTimeoutMs)
    if (code !== 0) fail(`trellis up ended with ${code} on SIGTERM`)
    const left = ready.nodes.filter(({ pid }) => isAlive(pid))
    if (left.length > 0) fail(`trellis up left nodes behind: ${JSON.stringify(left)}`)
    return ready.ms
  } finally {
    if (up.exitCode === null) up.kill('SIGKILL')
  }
}

const folder = mkdtempSync(join(tmpdir(), 'trellis-package-'))
try {
  const tarball = pack(folder)
  for (const version of nodeVersions) {
    const project = join(folder, `node-${version}`)
    install(project, tarball, version)
    checkImports(project)
    checkTypes(project)
    checkExample(project)
    const ms = await checkUp(project)
    console.log(`Node ${version}: exports, types, README example; trellis up ready in ${Math.round(ms)} ms, stopped`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
