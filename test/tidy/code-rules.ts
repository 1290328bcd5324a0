// Rules about TypeScript: what the language must not be used for here, how cores stay pure, which way imports point,
// and that tests wait for conditions instead of sleeping.

import { dirname, join } from 'node:path'
import { eachFile, forbid, lineAt, type Rule, type SourceFile, type Tree } from './tree.ts'

const code = /\.tsx?$/
const cores = /^(topology|consensus)\/.*\.ts$/
const tests = /^test\/(?!tidy\/).*\.ts$/
/** The files that may use a timer in order to wait: they wait for a condition, with a deadline. */
const waits = /^(test|src\/testing)\/(.*\/)?(wait-until|deadline)\.ts$/

/**
 * Who may read the machine's own clock: where it is handed out, what holds sockets and threads of the machine (its
 * transports, the admin API, DNS, providers of peers, the liveness worker), and programs.
 */
const machineTime =
  /^src\/(?:runtime\/(?:beat|clock)\.ts|transport\/(?:tcp|knock|libp2p\/)|admin\/|client\/|dns\/|discovery\/|liveness\/|cli\/|bench\/|testing\/)/
const bareTime =
  /(?<![\w.])(?:setTimeout|setInterval|clearTimeout|clearInterval|performance\s*\.\s*now|Date\s*\.\s*now|AbortSignal\s*\.\s*timeout|process\s*\.\s*hrtime|new Date\(\))|\btimers\/promises\b/g

const impure =
  /\b(?:Date|Promise|async|await|WeakRef|WeakMap|WeakSet|FinalizationRegistry|Intl|performance|queueMicrotask|globalThis|localeCompare|toLocale\w+)\b|\bMath\.random\b|\bfor\s*\(\s*(?:const|let|var)\s+\w+\s+in\b/g

export const codeRules: readonly Rule[] = [
  {
    name: 'there is no default export',
    problems: eachFile(code, forbid('code', /\bexport\s+default\b|\bas\s+default\b/g)),
    bad: [{ 'src/a.ts': 'export default 1' }, { 'src/a.ts': 'export { a as default }' }],
    good: [{ 'src/a.ts': "// export default is not used.\nexport const text = 'export default'" }],
  },
  {
    name: 'there is no enum, no namespace and no parameter property',
    problems: eachFile(
      code,
      forbid(
        'code',
        /^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?enum\s+\w|^\s*(?:export\s+)?(?:declare\s+)?(?:namespace|module)\s+[\w.]+\s*\{|\bconstructor\s*\((?:[^)]*,)?\s*(?:public|private|protected|readonly)\s/gm,
      ),
    ),
    bad: [
      { 'src/a.ts': 'export const enum A { B }' },
      { 'src/a.ts': 'namespace A {}' },
      { 'src/a.ts': 'class A { constructor(readonly b: number) {} }' },
    ],
    good: [
      { 'src/a.ts': 'const a = `\nenum A`\nclass A { constructor(b: { readonly c: 1 }, d: readonly number[]) {} }' },
    ],
  },
  {
    name: 'no type is named with a leading I, nothing is a manager or a helper',
    problems: eachFile(
      code,
      forbid(
        'code',
        /^\s*(?:export\s+)?(?:abstract\s+)?(?:interface|class|type)\s+(?:I(?!Have\b)[A-Z][a-z]\w*|\w*(?:Manager|Helper|Utils?))\b(?!\s*[,}])/gm,
      ),
    ),
    bad: [{ 'src/a.ts': 'interface ITransport {}' }, { 'src/a.ts': 'class LinkManager {}' }],
    good: [
      {
        'src/a.ts':
          'interface Input {}\ntype IHave = 1\nclass InvariantError {}\nimport {\n  type ContextManager,\n} from "b"',
      },
    ],
  },
  {
    name: 'a core uses no clock, no chance, no promise and nothing that depends on a place',
    problems: eachFile(cores, forbid('code', impure)),
    bad: [
      { 'topology/a.ts': 'const at = Date.now()' },
      { 'consensus/a.ts': 'const at = Math.random()' },
      { 'topology/a.ts': 'async function a() {}' },
      { 'consensus/a.ts': 'names.sort((a, b) => a.localeCompare(b))' },
      { 'topology/a.ts': 'for (const key in table) use(key)' },
    ],
    good: [
      { 'topology/a.ts': '// No Date, no Promise.\nfor (const key of table) use(key)' },
      { 'src/a.ts': 'Date.now()' },
    ],
  },
  {
    name: 'a part of a node takes its time from the clock that it was given',
    problems: eachFile(/^src\/.*\.ts$/, (file) => (machineTime.test(file.path) ? [] : forbid('code', bareTime)(file))),
    bad: [
      { 'src/services/a.ts': 'const timer = setTimeout(done, 5)' },
      { 'src/links/a.ts': 'const at = performance.now()' },
      { 'src/lifecycle.ts': 'stop(AbortSignal.timeout(5))' },
    ],
    good: [
      { 'src/services/a.ts': '// Not setTimeout.\nconst timer = this.#clock.setTimeout(done, clock.now())' },
      { 'src/cli/a.ts': 'Date.now()' },
    ],
  },
  {
    name: 'a core imports nothing but itself',
    problems: (tree) =>
      [...tree.values()]
        .filter(({ path }) => cores.test(path))
        .flatMap((file) =>
          imports(file)
            .filter(({ target }) => target === undefined || !target.startsWith(`${file.path.split('/')[0]}/`))
            .map(({ line, specifier }) => `${file.path}:${line}: ${specifier}`),
        ),
    bad: [
      { 'topology/a.ts': "import { readFileSync } from 'node:fs'" },
      { 'topology/a.ts': "import { quorum } from '../consensus/quorum.ts'" },
      { 'consensus/a.ts': "export * from '../src/errors.ts'" },
    ],
    good: [{ 'topology/swim/a.ts': "import type { MemberId } from '../types.ts'" }],
  },
  {
    name: 'imports point one way: nothing knows what stands above it',
    problems: layerProblems,
    bad: [
      { 'src/transport/tcp.ts': "import { encodeFrame } from '../wire/message.ts'" },
      { 'src/wire/frame.ts': "import { up } from '../cli/up.ts'" },
      { 'src/storage/file-log.ts': "import { createNode } from '../node.ts'" },
    ],
    good: [{ 'src/links/link.ts': "import { encodeFrame } from '../wire/message.ts'" }],
  },
  {
    name: 'files do not import each other in a circle, types apart',
    problems: circles,
    bad: [{ 'src/a.ts': "import { b } from './b.ts'", 'src/b.ts': "import { type A, a } from './a.ts'" }],
    good: [
      { 'src/a.ts': "import { b } from './b.ts'", 'src/b.ts': "import { c } from './c.ts'", 'src/c.ts': '' },
      { 'src/a.ts': "import { b } from './b.ts'", 'src/b.ts': "import { type A, type B } from './a.ts'" },
    ],
  },
  {
    name: 'no test sleeps: it waits for a condition, with a deadline',
    problems: (tree) => {
      const sleeping = forbid(
        'uncommented',
        /\btimers\/promises\b|\bsetTimeout\(\s*(?:\(\)\s*=>\s*)?(?:resolved?|done|next|fulfil)\b|\b(?:sleep|delay)\(\s*\d/g,
      )
      return eachFile(tests, (file) => (waits.test(file.path) ? [] : sleeping(file)))(tree)
    },
    bad: [
      { 'test/a.test.ts': "import { setTimeout } from 'node:timers/promises'" },
      { 'test/a.test.ts': 'await new Promise((resolve) => setTimeout(resolve, 100))' },
      { 'test/a.test.ts': 'await sleep(100)' },
    ],
    good: [{ 'test/wait-until.ts': 'await new Promise((resolve) => setTimeout(resolve, 5))' }],
  },
]

interface Import {
  readonly specifier: string
  readonly line: number
  /** The path in the tree; undefined for a package or a builtin. */
  readonly target: string | undefined
  /** Gone once the types are. */
  readonly typesOnly: boolean
}

const importPattern = /\b(?:(?:import|export)\s+([\w$*{}\s,]*?)\s*\bfrom|import)\s*\(?\s*['"]([^'"\n]+)['"]/g

function imports(file: SourceFile): Import[] {
  return [...file.uncommented.matchAll(importPattern)].map((match) => ({
    specifier: match[2]!,
    line: lineAt(file.text, match.index),
    target: match[2]!.startsWith('.') ? join(dirname(file.path), match[2]!) : undefined,
    typesOnly: /^type\b(?!\s*,)|^\{(?:\s*type\s+[^,{}]+,?)+\s*\}$/.test(match[1] ?? ''),
  }))
}

/** What a room of `src/` may import beside itself and the cores. A room that is not named stands above all of them. */
const below: Readonly<Record<string, readonly string[]>> = {
  observability: [],
  transport: ['observability'],
  wire: ['transport'],
  storage: ['wire', 'observability'],
  runtime: ['observability'],
}
/** Single files of `src/` that everyone may import: words and time, not works. */
const words = /^src\/(?:errors|network-address|closest-word|optional-peer|runtime\/clock)\.ts$/

function layerProblems(tree: Tree): string[] {
  const room = (path: string | undefined) => /^src\/([^/]+)(?:\/|\.ts$)/.exec(path ?? '')?.[1]
  return [...tree.values()].flatMap((file) => {
    const own = room(file.path)
    const allowed = own === undefined ? undefined : below[own]
    if (allowed === undefined) return []
    return imports(file)
      .filter(({ target }) => target?.startsWith('src/') && !words.test(target))
      .filter(({ target }) => room(target) !== own && !allowed.includes(room(target) ?? ''))
      .map(({ line, specifier }) => `${file.path}:${line}: ${specifier}`)
  })
}

function circles(tree: Tree): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start >= 0) found.push(`${path}:1: ${[...trail.slice(start), path].join(' -> ')}`)
    const file = tree.get(path)
    if (start >= 0 || done.has(path) || file === undefined) return
    for (const { target, typesOnly } of imports(file)) {
      if (target !== undefined && !typesOnly) visit(target, [...trail, path])
    }
    done.add(path)
  }
  for (const { path } of tree.values()) if (code.test(path)) visit(path, [])
  return found
}
