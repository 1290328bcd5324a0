// Small test files share processes: one that loads the sources anew costs up to half a second of processor time, more
// than most files take for all that they test. Neighbors make a group, a module that imports each of them into a suite
// of its own; hooks at a file's top stay within it, but for those of a module that several files share: it is loaded
// once, so its hooks are for the whole group. Alone remain files that are long, so that all processes end at about the
// same time, and those that change their whole process or measure it.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const filesInGroup = 12
const shared = /^test\/(consensus|topology|src)\//
const alone = [
  /^test\/src\/(broadcasts|cli|liveness)\//,
  /^test\/src\/channels\/(channels|delivery|let-go|pieces|pressure|socket-lanes|tracing|unlinked|ways)\./,
  /^test\/src\/runtime\/(away-guard|beat|loop-delay|wake-ups|young-garbage)\./,
  /^test\/src\/coordination\/(etcd\/|coordination-store)/,
  /^test\/src\/storage\/.*(crash-points|director)/,
  /^test\/src\/(merging\/merging|node-data|services\/(sparse-overlay|survival)|stopped-timers|testing\/.*)\.test\.ts$/,
]
/** Begun first, in this order: what takes longest. */
const first = [
  'test/browser/dashboard',
  'test/src/cli/up',
  'test/browser/',
  'test/src/cli/',
  'test/src/coordination/etcd/',
  'test/simulation/swarm',
  'test/simulation/canary',
  'test/multinode/contact-points',
  'test/multinode/kill',
  'test/multinode/forming',
]

/** What takes longest first, so that nothing long is left when all else has ended. */
export function longestFirst(files: readonly string[]): string[] {
  const rank = (file: string): number => first.findIndex((start) => file.startsWith(start)) + 1 || first.length + 1
  return files.toSorted((a, b) => rank(a) - rank(b))
}

/**
 * The files and groups to run, the longest first; groups are written into `folder`. Paths are relative to `root`, those
 * of groups are not.
 */
export function inGroups(files: readonly string[], root: string, folder: string): string[] {
  const isShared = (file: string): boolean => shared.test(file) && !alone.some((each) => each.test(file))
  const single = longestFirst(files.filter((file) => !isShared(file)))
  const small = files.filter(isShared)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const groups = Array.from({ length: Math.ceil(small.length / filesInGroup) }, (_, at) => {
    const group = join(folder, `group-${String(at + 1).padStart(2, '0')}.mjs`)
    writeFileSync(group, moduleOf(small.slice(at * filesInGroup, (at + 1) * filesInGroup), root))
    return group
  })
  return [...single, ...groups]
}

const hooks = /^(before|after)(Each)?\(/m

/** Modules of tests, none of which is a test, that `path` needs, and that hook into whatever loads them. */
function hooking(path: string, seen = new Set<string>()): string[] {
  const text = readFileSync(path, 'utf8')
  const needed = [...text.matchAll(/ from '(\.[^']*)'/g)].map(([, name]) => resolve(dirname(path), name!))
  const helpers = needed.filter((each) => each.includes('/test/') && existsSync(each) && !seen.has(each))
  for (const each of helpers) seen.add(each)
  return helpers.flatMap((each) => [...(hooks.test(readFileSync(each, 'utf8')) ? [each] : []), ...hooking(each, seen)])
}

function moduleOf(files: readonly string[], root: string): string {
  const common = new Set(files.flatMap((file) => hooking(resolve(root, file))))
  const imports = [...common].map((path) => `import ${JSON.stringify(pathToFileURL(path).href)}\n`)
  const suites = files.map((file) => {
    const url = pathToFileURL(resolve(root, file)).href
    return `describe(${JSON.stringify(file)}, async () => void (await import(${JSON.stringify(url)})))\n`
  })
  return `import { describe } from 'node:test'\n${imports.join('')}${suites.join('')}`
}
