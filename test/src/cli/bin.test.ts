import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isRunning, start, temporaryDirectory } from './run-process.ts'
import { until } from './wait-until.ts'

const source = (path: string): string => fileURLToPath(new URL(`../../../src/cli/${path}`, import.meta.url))

/** Makes a process believe that it is an older Node; what it starts does not inherit it. */
const asOldNode = [
  '--import',
  `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'18.20.0'}})`,
]

/**
 * What the newer Node runs in these tests: it says that it is there, and behaves as the real command towards its
 * parent.
 */
const command = (parent: string): string => `
import { watchParent } from ${JSON.stringify(parent)}
export async function main() {
  const argv = process.argv.slice(2)
  const gone = watchParent(process.env)
  process.on('SIGTERM', () => { console.log('asked to stop'); process.exit(7) })
  console.log(JSON.stringify({ argv, pid: process.pid, node: process.versions.node }))
  if (argv[0] === 'exit') process.exit(Number(argv[1]))
  const stay = setInterval(() => {}, 1000)
  gone.addEventListener('abort', () => clearInterval(stay))
}
`

/** An installed package in which only `bin.ts` is the real one. */
function installation(withNode: boolean) {
  const directory = temporaryDirectory()
  const folder = join(directory.path, 'package', 'src', 'cli')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(directory.path, 'package', 'package.json'), '{"type":"module"}')
  copyFileSync(source('bin.ts'), join(folder, 'bin.ts'))
  writeFileSync(join(folder, 'main.ts'), command(source('parent.ts')))
  if (withNode) {
    const bin = join(directory.path, 'node_modules', 'node', 'bin')
    mkdirSync(bin, { recursive: true })
    writeFileSync(join(bin, 'node'), `#!/bin/sh\nexec "${process.execPath}" "$@"\n`)
    chmodSync(join(bin, 'node'), 0o755)
  }
  const run = (...argv: string[]) => start(process.execPath, [...asOldNode, join(folder, 'bin.ts'), ...argv])
  return { run, [Symbol.dispose]: () => directory[Symbol.dispose]() }
}

describe('the command on a Node that is too old', () => {
  it('hands its arguments to the Node that came with the package, and takes over its exit code', async () => {
    using installed = installation(true)
    using old = installed.run('exit', '3', '--flag', 'two words')
    assert.deepEqual(await old.exited, { code: 3, signal: null })
    const { argv, node } = JSON.parse(old.out)
    assert.deepEqual([argv, node], [['exit', '3', '--flag', 'two words'], process.versions.node])
  })

  it('passes signals on', async () => {
    using installed = installation(true)
    using old = installed.run('stay')
    await old.lines(1)
    old.child.kill('SIGTERM')
    assert.deepEqual(await old.exited, { code: 7, signal: null })
    assert.match(old.out, /asked to stop/)
  })

  it('leaves nothing behind when it is killed', async () => {
    using installed = installation(true)
    using old = installed.run('stay')
    const { pid } = JSON.parse(await old.lines(1))
    assert.notEqual(pid, old.pid)
    old.child.kill('SIGKILL')
    await until(() => !isRunning(pid))
  })

  it('says first what is missing and how to get it, when none came with the package', async () => {
    using installed = installation(false)
    using old = installed.run('status')
    assert.deepEqual(await old.exited, { code: 1, signal: null })
    assert.equal(old.out, '')
    assert.match(
      old.err.split('\n')[0]!,
      /^trellis: Node\.js 22\.2 or newer is missing: this is 18\.20\.0.*npm install --save-dev node@24$/,
    )
  })
})
