// Rules about files as such: how long, how named, how they open, and what must not be written in any of them.

import { basename } from 'node:path'
import { eachFile, forbid, type Rule, type SourceFile } from './tree.ts'

const maxLines = 400
const maxColumns = 120
const written = /\.(tsx?|js|md|txt|css|html|yml)$|^\.ci\/run$/
/** These files name what they forbid. */
const notTheRules = /^(?!test\/tidy\/|package-lock\.json$)/

const wellKnown = /^(README|CONTRIBUTING|CHANGELOG)\.md$|^(LICENSE|Dockerfile)$|^\./
const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/
const saysNothing = /(^|-)(utils?|helpers?|managers?|common|misc|stuff)(-|\.|$)/

export const fileRules: readonly Rule[] = [
  {
    name: `no file is longer than ${maxLines} lines`,
    problems: eachFile(written, ({ text }) => {
      const lines = text.trimEnd().split('\n').length
      return lines > maxLines ? [[0, `${lines} lines`]] : []
    }),
    bad: [{ 'src/long.ts': '// Long.\n'.repeat(maxLines + 1) }],
    good: [{ 'src/long.ts': '// Long.\n'.repeat(maxLines) }],
  },
  {
    // The formatter sees to the code.
    name: `a comment fits into ${maxColumns} columns`,
    problems: eachFile(/\.[jt]sx?$/, ({ text }) =>
      [...text.matchAll(/^ *(?:\/[/*]|\*).*$/gm)]
        .filter(([line]) => line.length > maxColumns)
        .map(({ index, 0: line }) => [index, `${line.length} columns`] as const),
    ),
    bad: [
      { 'src/a.ts': `// ${'a'.repeat(maxColumns)}\n` },
      { 'src/a.ts': `/**\n * ${'a'.repeat(maxColumns)}\n */\n` },
      { 'src/a.ts': `  /** ${'a'.repeat(maxColumns)} */\n` },
    ],
    good: [{ 'src/a.ts': `// ${'a'.repeat(maxColumns - 3)}\nconst a = '${'a'.repeat(maxColumns)}'\n` }],
  },
  {
    name: 'files and folders have kebab-case names',
    problems: eachFile(/^/, ({ path }) =>
      path.split('/').flatMap((part) => (kebabCase.test(part) || wellKnown.test(part) ? [] : [[0, part] as const])),
    ),
    bad: [{ 'src/memberTable.ts': '' }, { 'src/Wire/frame.ts': '' }, { 'docs/wire_format.md': '' }],
    good: [{ 'test/src/wire/frame.test.ts': '', 'README.md': '', '.ci/run': '', 'docs/adr/0001-own-raft.md': '' }],
  },
  {
    name: 'names say what is in a file, never that something is',
    problems: eachFile(/^/, ({ path }) => (saysNothing.test(basename(path)) ? [[0, basename(path)]] : [])),
    bad: [{ 'src/utils.ts': '' }, { 'test/cluster-helper.ts': '' }, { 'src/wire/lane-manager.ts': '' }],
    good: [{ 'src/commonwealth.ts': '' }],
  },
  {
    name: 'a source file opens with sentences that say what it is',
    // A test says it with its names, which are facts.
    problems: eachFile(/^(?!.*\.test\.ts$).*\.[jt]sx?$/, ({ text }) => {
      const header = /^(?:#!.*\n)?((?:\/\/.*\n)+|\/\*[\s\S]*?\*\/)/.exec(text)?.[1]
      if (header === undefined) return [[0, 'no header']]
      const lines = header.trimEnd().split('\n').length
      return lines > 40 || !/[.)│┘─:]\s*(\*\/)?\s*$|^\/\/ {3}/m.test(header) ? [[0, 'no sentence']] : []
    }),
    bad: [
      { 'src/a.ts': "import { b } from './b.ts'\n" },
      { 'src/a.ts': '// stuff\nexport const a = 1\n' },
      { 'src/a.ts': '#!/usr/bin/env node\nrun()\n' },
    ],
    good: [{ 'src/a.ts': '#!/usr/bin/env node\n// Runs the command.\nrun()\n' }],
  },
  {
    name: 'nothing leads out of the repository or to one machine',
    problems: eachFile(
      notTheRules,
      forbid(
        'text',
        /\.\.\/shared\b|(?<![\w.~$}])\/(?:work|root|Users)\/[\w.-]+|\/home\/(?!node\b)[\w.-]+|https?:\/\/[\w.-]*registry[\w.-]*|registry\.[a-z]+js\.org/g,
      ),
    ),
    bad: [
      { 'docs/a.md': 'see `../shared/notes.md`' },
      { 'src/a.ts': "const file = '/root/x'" },
      { '.npmrc': 'registry=https://registry.example.org' },
    ],
    good: [{ 'src/a.ts': "import { record } from '../shape/record.ts'\nconst path = '/v1/work/queue'" }],
  },
  {
    name: 'a reader needs nothing but this repository',
    problems: eachFile(
      notTheRules,
      forbid('text', /\bissue #?\d+\b|\bsub-?agents?\b|\bstyle-examples\b|\bdesign\.md\b|\bdesign section \d/gi),
    ),
    bad: [
      { 'src/a.ts': '// As issue 2 says.\n' },
      { 'src/a.ts': '// See design.md.\n' },
      { 'src/a.ts': '// Design section 3.\n' },
    ],
    good: [{ 'src/a.ts': '// TODO(#12): what an issue asks for by design.\n' }],
  },
  {
    name: 'a to-do carries the number of its issue',
    problems: eachFile(notTheRules, forbid('text', /\b(?:TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))/g)),
    bad: [{ 'src/a.ts': '// TODO: later\n' }, { 'src/a.ts': '// FIXME\n' }],
    good: [{ 'src/a.ts': '// TODO(#12): retry.\n' }],
  },
  {
    name: 'the lock file names no place to download from',
    problems: eachFile(/^package-lock\.json$/, forbid('text', /"resolved": "(?!file:)/g)),
    bad: [{ 'package-lock.json': '"resolved": "https://example.org/a.tgz"' }],
    good: [{ 'package-lock.json': '"integrity": "sha512-x"' }],
  },
  {
    // A registry that lacks a package for another platform leaves a hole, and then `npm ci` refuses everywhere.
    name: 'the lock file has every package that it speaks of',
    problems: eachFile(/^package-lock\.json$/, missingPackages),
    bad: [
      { 'package-lock.json': '{"packages":{"":{"dependencies":{"a":"1"}}}}' },
      { 'package-lock.json': '{"packages":{"":{},"node_modules/a":{"optionalDependencies":{"a-darwin":"1"}}}}' },
    ],
    good: [
      { 'package-lock.json': '{"packages":{"":{"devDependencies":{"a":"1"}},"node_modules/a":{}}}' },
      {
        'package-lock.json':
          '{"packages":{"node_modules/a":{"dependencies":{"b":"1"}},"node_modules/a/node_modules/b":{"dependencies":{"a":"1"}}}}',
      },
    ],
  },
]

interface LockedPackage {
  readonly dependencies?: object
  readonly devDependencies?: object
  readonly optionalDependencies?: object
}

function missingPackages({ text }: SourceFile): (readonly [number, string])[] {
  const { packages } = JSON.parse(text) as { packages: Readonly<Record<string, LockedPackage>> }
  return Object.entries(packages).flatMap(([place, { dependencies, devDependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies })
      .filter((name) => !lookups(place).some((folder) => `${folder}node_modules/${name}` in packages))
      .map((name) => [text.indexOf(`"${name}"`), `${name}, wanted by ${place || 'the project'}`] as const),
  )
}

/**
 * Folders in which Node looks for what a package imports, its own first: `node_modules/a/node_modules/b/`, … and the
 * top.
 */
function lookups(place: string): string[] {
  const inner = place.lastIndexOf('/node_modules/')
  if (inner >= 0) return [`${place}/`, ...lookups(place.slice(0, inner))]
  return place === '' ? [''] : [`${place}/`, '']
}
