// Rules about documents: links lead somewhere, paths that are named exist, every promise names its check, and whatever
// the entry points export is documented where it is declared.

import { dirname, join } from 'node:path'
import { eachFile, type Rule, type SourceFile, type Tree } from './tree.ts'

const documents = /\.md$/
const designRules = 'docs/design-rules.md'
const entryPoints = /^(src|src\/testing|topology|consensus)\/index\.ts$/

export const docRules: readonly Rule[] = [
  {
    name: 'a document has exactly one title',
    problems: eachFile(documents, ({ text }) => {
      const titles = withoutCodeBlocks(text).match(/^# .+/gm) ?? []
      return titles.length === 1 ? [] : [[0, `${titles.length} titles`]]
    }),
    bad: [{ 'docs/a.md': 'text' }, { 'docs/a.md': '# A\n\n# B\n' }],
    good: [{ 'docs/a.md': '# A\n\n```sh\n# a comment\n```\n' }],
  },
  {
    name: 'links in documents lead to a file and a heading that exist',
    problems: (tree) => {
      const broken = (file: SourceFile) =>
        [...withoutCodeBlocks(file.text).matchAll(/\]\(([^)\s]+)\)/g)]
          .filter((match) => !leadsSomewhere(tree, file.path, match[1]!))
          .map((match) => [match.index, match[1]!] as const)
      return eachFile(documents, broken)(tree)
    },
    bad: [
      { 'docs/a.md': '# A\n[b](b.md)' },
      { 'docs/a.md': '# A\n[b](b.md#two)', 'docs/b.md': '# One' },
      { 'README.md': '# A\n[b](#b)' },
    ],
    good: [
      {
        'docs/a.md': '# A\n[b](b.md#two-words) [c](https://example.org) [d](../src)',
        'docs/b.md': '# B\n## Two words',
        'src/x.ts': '',
      },
    ],
  },
  {
    name: 'paths that documents and comments name exist',
    problems: (tree) => {
      const missing = (file: SourceFile) =>
        [
          ...withoutCodeBlocks(file.text).matchAll(
            /`((?:src|topology|consensus|test|scripts|docs|\.ci)\/[\w./-]*\w)\/?`/g,
          ),
        ]
          .filter((match) => !exists(tree, match[1]!))
          .map((match) => [match.index, match[1]!] as const)
      return eachFile(/^(?!test\/tidy\/).*\.(md|tsx?)$/, missing)(tree)
    },
    bad: [{ 'docs/a.md': 'see `src/wire/frames.ts`' }, { 'topology/a.ts': '// See `consensus/gone`.' }],
    good: [{ 'docs/a.md': 'see `src/wire/` and `test/src/wire/*.ts`', 'src/wire/frame.ts': '' }],
  },
  {
    name: 'a design rule that code names is written down',
    problems: (tree) => {
      const known = new Set(tree.get(designRules)?.text.match(/(?<=^## )\d+(?=\. )/gm))
      const unknown = ({ text }: SourceFile) =>
        [...text.matchAll(/\bdesign rules? (\d+)/gi)]
          .filter((match) => !known.has(match[1]!))
          .map((match) => [match.index, match[0]] as const)
      return eachFile(/^(?!test\/tidy\/)/, unknown)(tree)
    },
    bad: [{ 'src/a.ts': '// By design rule 7.' }, { 'src/a.ts': '// By design rule 7.', [designRules]: '## 17. A\n' }],
    good: [{ 'src/a.ts': '// By design rule 7.', [designRules]: '# Rules\n## 7. Identity in time\n' }],
  },
  {
    name: 'every guarantee names a check',
    problems: eachFile(/^docs\/(guarantees(-\w+)?|topologies)\.md$/, ({ text }) =>
      [...text.matchAll(/^### .*\n(?:(?!^##)[^\n]*\n?)*/gm)]
        .filter(([section]) => !/^Checked by .*\]\((?:\.\.\/test\/|\.\.\/\.ci\/|\.\.\/scripts\/)/m.test(section))
        .map((match) => [match.index, match[0].split('\n')[0]!] as const),
    ),
    bad: [{ 'docs/guarantees.md': '# G\n### A promise\nIt holds.\n' }],
    good: [{ 'docs/guarantees.md': '# G\n### A promise\nIt holds.\n\nChecked by [a](../test/a.test.ts).\n' }],
  },
  {
    name: 'whatever an entry point exports is documented',
    problems: (tree) =>
      [...tree.values()]
        .filter(({ path }) => entryPoints.test(path))
        .flatMap((file) => exported(tree, file))
        .flatMap(({ name, file }) => (isDocumented(file, name) ? [] : [`${file.path}:1: ${name}`])),
    bad: [
      { 'src/index.ts': "export { createNode } from './node.ts'", 'src/node.ts': 'export function createNode() {}' },
      { 'topology/index.ts': "export * from './types.ts'", 'topology/types.ts': 'export type MemberId = string' },
      { 'src/index.ts': "export { A } from './a.ts'", 'src/a.ts': 'export class A {\n  /** B. */\n  b = 1\n}' },
      { 'src/index.ts': "export type { Gone } from './node.ts'", 'src/node.ts': '/** Here. */\nexport type Here = 1' },
    ],
    good: [
      {
        'src/index.ts': "export type { Message } from './a.ts'",
        'src/a.ts': "export type Message =\n  /** Prober to target. */\n  | { type: 'ping' }\n",
      },
      {
        'src/index.ts': "export { type A, b as c } from './node.ts'",
        'src/node.ts': '/** A. */\nexport interface A {}\n/**\n * B.\n */\nexport async function b() {}',
      },
    ],
  },
]

function withoutCodeBlocks(text: string): string {
  return text.replace(/^(```+)[\s\S]*?^\1/gm, (block) => block.replace(/[^\n]/g, ' '))
}

function exists(tree: Tree, path: string): boolean {
  const folder = `${path.replace(/\/$/, '')}/`
  return tree.has(path) || [...tree.keys()].some((known) => known.startsWith(folder))
}

function leadsSomewhere(tree: Tree, from: string, link: string): boolean {
  if (/^(https?|mailto):/.test(link)) return true
  const [path, heading] = link.split('#') as [string, string | undefined]
  const target = path === '' ? from : join(dirname(from), path)
  if (!exists(tree, target)) return false
  return heading === undefined || headings(tree.get(target)?.text ?? '').has(heading)
}

/** The anchors of a document, as GitHub makes them. */
function headings(text: string): ReadonlySet<string> {
  const titles = [...withoutCodeBlocks(text).matchAll(/^#+ (.+)$/gm)].map((match) => match[1]!)
  return new Set(
    titles.map((title) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-'),
    ),
  )
}

interface Exported {
  readonly name: string
  readonly file: SourceFile
}

/** Every name that `file` exports, with the file that declares it. */
function exported(tree: Tree, file: SourceFile): Exported[] {
  const own = [...file.code.matchAll(declaration('(\\w+)'))].map((match) => ({ name: match[1]!, file }))
  const passedOn = [...file.uncommented.matchAll(/^export\s+(?:type\s+)?(\*|\{[^}]*\})\s*from\s*'([^']+)'/gm)]
  return own.concat(
    passedOn.flatMap((match) => {
      const source = tree.get(join(dirname(file.path), match[2]!))
      if (source === undefined) return []
      const all = exported(tree, source)
      if (match[1] === '*') return all
      const names = match[1]!.match(/(?<=[{,]\s*(?:type\s+)?)(?!type\s)\w+/g) ?? []
      return names.map((name) => all.find((it) => it.name === name) ?? { name, file: source })
    }),
  )
}

function declaration(name: string): RegExp {
  return new RegExp(
    `^export\\s+(?:declare\\s+)?(?:abstract\\s+)?(?:async\\s+)?(?:function\\*?|class|interface|type|const|let)\\s+${name}\\b`,
    'gm',
  )
}

/**
 * Some declaration of the name (an overload, a type beside its value) has a doc comment right before it; or it is a
 * type whose parts are documented one by one, as unions of messages and options are.
 */
function isDocumented({ text, code }: SourceFile, name: string): boolean {
  return [...code.matchAll(declaration(name))].some((match) => {
    const before = text.slice(0, match.index).replace(/(?:\n *\/\/ biome-ignore .*)+\s*$/, '')
    if (before.trimEnd().endsWith('*/')) return true
    const isType = /^export\s+(?:type|interface)\b/.test(match[0])
    return (
      isType &&
      text
        .slice(match.index)
        .split(/\n\s*\n|^}/m, 1)[0]!
        .includes('/**')
    )
  })
}
