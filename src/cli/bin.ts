#!/usr/bin/env node
// The file behind the command `trellis`. Only this one must run on a Node that is too old for the rest: it looks for a
// newer one that came with the package, hands everything over to it, and otherwise says what is missing. So: no syntax
// and no module that Node 12 does not have, and nothing of ours is loaded before the version is known.
//
// The newer Node gets the reading end of a pipe (see `parent.ts`): whatever ends this process ends that one.

// biome-ignore-start lint/style/useNodejsImportProtocol: the node: prefix is younger than versions that end up here.
import { spawn } from 'child_process'
import { existsSync, realpathSync } from 'fs'
import { constants } from 'os'
import { dirname, join } from 'path'
import { fileURLToPath } from 'url'

// biome-ignore-end lint/style/useNodejsImportProtocol: see above.

/** 22.2 and newer: zlib.crc32, which guards every record on disk, came with it. */
const requiredMajor = 22
const requiredMinor = 2
const self = fileURLToPath(import.meta.url)

if (isNewEnough()) start()
else handOver()

/** A process that is to be a node spares memory from its first modules on, unless it was given flags of its own. */
function start(): void {
  const isSparing = process.argv[2] === 'node' && process.execArgv.length === 0
  const begun = isSparing ? import('./sparing.ts').then((sparing) => sparing.spareUntilBusy()) : Promise.resolve()
  begun.then(() => import('./main.ts')).then((command) => command.main(), fail)
}

function isNewEnough(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > requiredMajor || (major === requiredMajor && minor >= requiredMinor)
}

/** Finds the newer Node, or says why there is none. */
function handOver(): void {
  const newer = findNode()
  if (newer === undefined) explain('none came with this package')
  else if (realpathSync(newer) === realpathSync(process.execPath))
    explain('this is the one that came with this package')
  else runWith(newer)
}

/** Runs the same command line with the newer Node, as if it were this process. */
function runWith(newer: string): void {
  const child = spawn(newer, [self].concat(process.argv.slice(2)), {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: Object.assign({}, process.env, { TRELLIS_PARENT_FD: '3' }),
  })
  child.on('error', (error) => explain(`${newer} does not start (${error.message})`))
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    process.exit(signal === null ? (code === null ? 1 : code) : 128 + constants.signals[signal])
  })
}

/** The development dependency `node`, looked for from this file upward. */
function findNode(): string | undefined {
  let folder = dirname(self)
  for (;;) {
    const candidate = join(folder, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    if (existsSync(candidate)) return candidate
    const above = dirname(folder)
    if (above === folder) return undefined
    folder = above
  }
}

function explain(reason: string): void {
  const have = `Node.js ${requiredMajor}.${requiredMinor} or newer is missing: this is ${process.versions.node}, and ${reason}.`
  const get = 'Get it from https://nodejs.org/en/download, or: npm install --save-dev node@24'
  process.stderr.write(`trellis: ${have} ${get}\n`)
  process.exit(1)
}

function fail(error: unknown): void {
  process.stderr.write(`trellis: ERR_INTERNAL: the installation is incomplete: ${String(error).split('\n')[0]}\n`)
  process.exit(1)
}
